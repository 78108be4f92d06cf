use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::AccountDir;
use super::document::{self, StateError};
use crate::domain::local_time::local_time;
use crate::platform::{self, FileLock};

const HOLDER_VERSION: u32 = 1;
const HOLDER: &str = "lock-holder.json";

/// The right to write to an account, held by one run at a time (of this state folder). A lock of the kernel: it is
/// released when this is dropped, and when the process crashes.
#[derive(Debug)]
pub struct AccountLock {
    holder_file: PathBuf,
    _lock: FileLock,
}

/// The process that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockHolder {
    version: u32,
    pub pid: u32,
    pub host: String,
    /// RFC 3339, UTC.
    pub started_at: String,
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// `holder` is `None` if it has not written its name yet.
    #[error(
        "another run is working on this account{}; wait until it is finished, or stop it (the lock is `{}`)",
        named(holder.as_ref()),
        path.display()
    )]
    Held {
        path: PathBuf,
        holder: Option<LockHolder>,
    },
    /// It may be the same account under another key or name. `holder` has its lock, if it is still running.
    #[error("{}", shared(*is_certain, *is_running, holder.as_ref()))]
    Shared {
        /// False if the other account had no customer to compare.
        is_certain: bool,
        is_running: bool,
        holder: Option<LockHolder>,
    },
    #[error(transparent)]
    State(#[from] StateError),
}

impl LockHolder {
    #[must_use]
    pub fn new(pid: u32, host: String, started_at: String) -> Self {
        Self {
            version: HOLDER_VERSION,
            pid,
            host,
            started_at,
        }
    }
}

impl AccountLock {
    /// Takes the lock without waiting. `started_at`: now, RFC 3339 in UTC.
    ///
    /// # Errors
    /// [`LockError::Held`] if another run has it.
    pub fn acquire(account: &AccountDir, started_at: &str) -> Result<Self, LockError> {
        platform::create_folder(account.path()).map_err(StateError::from)?;
        let path = account.lock();
        // A file beside the lock: on Windows no other process can read a locked file.
        let holder_file = account.file(HOLDER);
        let Some(lock) = FileLock::try_acquire(&path).map_err(StateError::from)? else {
            return Err(LockError::Held {
                path,
                holder: holder_of(&holder_file),
            });
        };
        let (pid, host) = (std::process::id(), platform::host_name());
        let holder = LockHolder::new(pid, host, started_at.to_owned());
        // The claim of an earlier run does not apply to this one.
        platform::remove_file(&account.claim()).map_err(StateError::from)?;
        document::write(&holder_file, &holder)?;
        Ok(Self {
            holder_file,
            _lock: lock,
        })
    }
}

impl Drop for AccountLock {
    fn drop(&mut self) {
        // The lock is still held, so the file has our own name. If it stays, it does no harm while the lock is free.
        drop(platform::remove_file(&self.holder_file));
    }
}

/// Returns the process that holds the account's lock, or `None` if it is free. Tries only a lock that names its holder, so that a
/// run that is just starting does not find its own lock taken by this check.
///
/// # Errors
/// The lock cannot be tried.
pub fn holder(account: &AccountDir) -> Result<Option<LockHolder>, StateError> {
    let Some(holder) = read_holder(account) else {
        return Ok(None);
    };
    let is_free = FileLock::try_acquire(&account.lock())?.is_some();
    Ok((!is_free).then_some(holder))
}

/// The holder of the lock, if its file is there and whole.
pub(super) fn read_holder(account: &AccountDir) -> Option<LockHolder> {
    document::read(&account.file(HOLDER), HOLDER_VERSION).unwrap_or(None)
}

/// The holder of a lock that is taken. One that just took it is about to write its name, so this looks several times.
fn holder_of(file: &Path) -> Option<LockHolder> {
    for _ in 0..MAX_LOOKS {
        if let Some(holder) = document::read(file, HOLDER_VERSION).unwrap_or(None) {
            return Some(holder);
        }
        thread::sleep(BETWEEN_LOOKS);
    }
    None
}

const MAX_LOOKS: u32 = 25;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

fn named(holder: Option<&LockHolder>) -> String {
    holder.map_or_else(String::new, |holder| {
        let LockHolder {
            pid,
            host,
            started_at,
            ..
        } = holder;
        let since = local_time(started_at, &TimeZone::system());
        format!(": process {pid} on {host}, since {since}")
    })
}

fn shared(is_certain: bool, is_running: bool, holder: Option<&LockHolder>) -> String {
    let account = match is_certain {
        true => "this account",
        false => "an account that had no customers and may be this one",
    };
    match is_running {
        true => format!(
            "another run is working on {account}, with another API key or account name{}; wait until it is finished, or stop it",
            named(holder)
        ),
        false => format!(
            "another run, with another API key or account name, wrote to {account} since this one began; run the same command again"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-20T03:12:44Z";

    #[test]
    fn the_loser_is_told_who_holds_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let account = AccountDir::at(folder.path().join("accounts/a"));
        let held = AccountLock::acquire(&account, NOW).unwrap();
        let error = AccountLock::acquire(&account, NOW).unwrap_err();
        let text = error.to_string();
        let LockError::Held {
            holder: Some(holder),
            ..
        } = error
        else {
            panic!("{error:?}");
        };
        assert_eq!(holder.pid, std::process::id());
        assert_eq!(holder.started_at, NOW);
        assert!(text.contains(&format!("process {}", holder.pid)), "{text}");
        assert_eq!(super::holder(&account).unwrap().unwrap(), holder);
        drop(held);
        AccountLock::acquire(&account, NOW).unwrap();
        assert_eq!(super::holder(&account).unwrap(), None);
    }

    #[test]
    fn what_a_crashed_holder_left_does_not_lock() {
        let folder = tempfile::tempdir().unwrap();
        let account = AccountDir::at(folder.path().to_owned());
        std::fs::write(account.file("lock"), "").unwrap();
        std::fs::write(account.file("lock-holder.json"), "{\"version\":1,\"pi").unwrap();
        let lock = AccountLock::acquire(&account, NOW).unwrap();
        let other = AccountDir::at(folder.path().join("other"));
        AccountLock::acquire(&other, NOW).unwrap();
        drop(lock);
    }

    #[test]
    fn a_holder_without_a_name_still_holds() {
        let folder = tempfile::tempdir().unwrap();
        let account = AccountDir::at(folder.path().to_owned());
        let _held = AccountLock::acquire(&account, NOW).unwrap();
        std::fs::write(account.file("lock-holder.json"), "not JSON").unwrap();
        let error = AccountLock::acquire(&account, NOW).unwrap_err();
        assert!(
            matches!(error, LockError::Held { holder: None, .. }),
            "{error:?}"
        );
    }
}
