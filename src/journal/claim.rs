//! Detects runs of one state folder that reach the same account with another key or under another name: their locks are
//! different files. Before its first write each run claims its account, by a customer that it has read there.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::account::normal_url;
use super::document::{self, StateError};
use super::lock::{LockError, LockHolder, holder, read_holder};
use super::runs::folders_in;
use super::{AccountDir, KnownCustomer, StateDir};
use crate::platform::FileLock;

const CLAIM_VERSION: u32 = 1;

/// The account that a run is about to write to; `claim.json` in its account folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    version: u32,
    /// Random, so that each claim differs from the one before.
    id: String,
    base_url: String,
    /// `None` if the account had no customers when it was read.
    customer: Option<KnownCustomer>,
}

impl Claim {
    /// `id` is random.
    #[must_use]
    pub fn new(id: String, base_url: &str, customer: Option<KnownCustomer>) -> Self {
        Self {
            version: CLAIM_VERSION,
            id,
            base_url: normal_url(base_url),
            customer,
        }
    }
}

/// A run with another key or account name that has written, or still writes, since this one began.
#[derive(Debug)]
pub struct OtherRun {
    pub customer: Option<KnownCustomer>,
    pub is_running: bool,
    pub holder: Option<LockHolder>,
}

/// The other account folders of the state folder, as they were when this run took its own lock.
#[derive(Debug)]
pub struct OtherAccounts {
    state: StateDir,
    own: AccountDir,
    before: BTreeMap<String, AccountBefore>,
}

#[derive(Debug)]
struct AccountBefore {
    claim: Option<String>,
    is_locked: bool,
}

impl OtherAccounts {
    /// Call this while holding the lock of `own`: of two runs that start together, at least one then sees the other.
    ///
    /// # Errors
    /// The folder of accounts cannot be read.
    pub fn note(state: &StateDir, own: &AccountDir) -> Result<Self, StateError> {
        let mut others = Self {
            state: state.clone(),
            own: own.clone(),
            before: BTreeMap::new(),
        };
        for (name, account) in others.folders()? {
            let before = AccountBefore {
                claim: claim_of(&account).map(|claim| claim.id),
                is_locked: is_locked(&account)?,
            };
            others.before.insert(name, before);
        }
        Ok(others)
    }

    /// Whether there is no other account folder.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.before.is_empty()
    }

    /// Writes this run's claim. Returns the runs that claimed an account at the same base URL before and may have
    /// written to it since this run began. A run that claims later will see this claim instead.
    ///
    /// # Errors
    /// A file of the state folder cannot be read or written.
    pub fn claim(&self, claim: &Claim) -> Result<Vec<OtherRun>, LockError> {
        let _one_at_a_time = self.lock_claims()?;
        let mut others = Vec::new();
        for (name, account) in self.folders()? {
            let Some(theirs) = claim_of(&account) else {
                continue;
            };
            let before = self.before.get(&name);
            let is_new = before.and_then(|before| before.claim.as_ref()) != Some(&theirs.id);
            let was_locked = before.is_some_and(|before| before.is_locked);
            let is_running = is_locked(&account)?;
            if theirs.base_url == claim.base_url && (is_new || was_locked || is_running) {
                others.push(OtherRun {
                    customer: theirs.customer,
                    is_running,
                    holder: read_holder(&account),
                });
            }
        }
        document::write(&self.own.claim(), claim)?;
        Ok(others)
    }

    fn folders(&self) -> Result<Vec<(String, AccountDir)>, StateError> {
        let accounts = self.state.accounts();
        let names = folders_in(&accounts)?;
        let folders = names.into_iter().map(|name| {
            let account = AccountDir::at(accounts.join(&name));
            (name, account)
        });
        Ok(folders
            .filter(|(_, account)| *account != self.own)
            .collect())
    }

    /// Waits for the lock if another process has it, which takes milliseconds.
    fn lock_claims(&self) -> Result<FileLock, LockError> {
        let path = self.state.accounts().join("claims.lock");
        for _ in 0..MAX_TRIES {
            if let Some(lock) = FileLock::try_acquire(&path).map_err(StateError::from)? {
                return Ok(lock);
            }
            thread::sleep(PAUSE);
        }
        Err(LockError::Held { path, holder: None })
    }
}

const MAX_TRIES: u32 = 250;
const PAUSE: Duration = Duration::from_millis(20);

/// A claim that cannot be read counts as missing: claims are written whole.
fn claim_of(account: &AccountDir) -> Option<Claim> {
    document::read(&account.claim(), CLAIM_VERSION).unwrap_or(None)
}

/// Whether a run holds the account's lock.
fn is_locked(account: &AccountDir) -> Result<bool, StateError> {
    Ok(holder(account)?.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CustomerId, Field, RemoteCustomer, Value};
    use crate::journal::{AccountId, AccountLock};

    const URL: &str = "https://api.helpcrunch.com/v1";
    const NOW: &str = "2026-11-20T03:12:44Z";

    struct Run {
        _lock: AccountLock,
        others: OtherAccounts,
    }

    fn start(state: &StateDir, name: &str) -> Run {
        let account = state.account(&AccountId::named(URL, name));
        let lock = AccountLock::acquire(&account, NOW).unwrap();
        let others = OtherAccounts::note(state, &account).unwrap();
        Run {
            _lock: lock,
            others,
        }
    }

    fn claim(run: &Run, id: &str, url: &str) -> Vec<OtherRun> {
        let mut customer = RemoteCustomer::unknown(CustomerId(7));
        customer.set_field(Field::UserId, Some(Value::Text(String::from("u7"))));
        let known = KnownCustomer::remember(&customer, "salt");
        run.others
            .claim(&Claim::new(id.to_owned(), url, known))
            .unwrap()
    }

    fn state() -> (tempfile::TempDir, StateDir) {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::at(folder.path());
        (folder, state)
    }

    #[test]
    fn of_two_runs_the_second_to_claim_sees_the_first() {
        let (_folder, state) = state();
        let (one, two) = (start(&state, "one"), start(&state, "two"));
        assert!(claim(&two, "a", URL).is_empty());
        let seen = claim(&one, "b", "https://API.helpcrunch.com/v1/");
        assert!(seen[0].is_running && seen[0].customer.is_some());
        assert_eq!(seen.len(), 1);
        let elsewhere = start(&state, "three");
        assert!(claim(&elsewhere, "c", "https://example.com/v1").is_empty());
    }

    #[test]
    fn a_run_that_wrote_and_ended_meanwhile_is_seen_and_an_earlier_one_is_not() {
        let (_folder, state) = state();
        let before = start(&state, "before");
        claim(&before, "a", URL);
        drop(before);
        let reading = start(&state, "reading");
        let meanwhile = start(&state, "meanwhile");
        assert!(claim(&meanwhile, "b", URL).is_empty());
        drop(meanwhile);
        let seen = claim(&reading, "c", URL);
        assert_eq!(seen.len(), 1);
        assert!(!seen[0].is_running);
    }

    #[test]
    fn a_crashed_run_counts_only_if_it_claimed_since() {
        let (_folder, state) = state();
        let crashed = start(&state, "crashed");
        claim(&crashed, "a", URL);
        // Its files stay and its lock is free.
        let Run { _lock, others } = crashed;
        let holder = others.own.file("lock-holder.json");
        let kept = std::fs::read(&holder).unwrap();
        drop(_lock);
        std::fs::write(&holder, kept).unwrap();
        let next = start(&state, "next");
        assert!(claim(&next, "b", URL).is_empty());
    }

    #[test]
    fn the_claim_of_an_earlier_run_is_gone_once_the_next_one_starts() {
        let (_folder, state) = state();
        let earlier = start(&state, "one");
        claim(&earlier, "a", URL);
        drop(earlier);
        let _planning = start(&state, "one");
        let other = start(&state, "other");
        assert!(claim(&other, "b", URL).is_empty());
    }
}
