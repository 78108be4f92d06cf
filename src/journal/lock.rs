use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::AccountDir;
use super::document::{self, StateError};
use crate::platform::{self, FileLock};

const HOLDER_VERSION: u32 = 1;
const HOLDER: &str = "lock-holder.json";

/// The right to write to an account, held by one run at a time (on this state folder). The kernel holds it: it
/// is free again when it is dropped, and when the process crashes.
#[derive(Debug)]
pub struct AccountLock {
    holder_file: PathBuf,
    _lock: FileLock,
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    version: u32,
    pub pid: u32,
    pub host: String,
    /// RFC 3339, UTC.
    pub started_at: String,
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// `holder` is missing where it has not written its name yet.
    #[error(
        "another run works on this account{}; wait until it is finished, or stop it (the lock is `{}`)",
        named(holder.as_ref()),
        path.display()
    )]
    Held {
        path: PathBuf,
        holder: Option<Holder>,
    },
    /// It may be the same account under another key or name: `holder` is who has its lock, if it is still at work.
    #[error("{}", shared(*is_certain, *is_running, holder.as_ref()))]
    Shared {
        /// False if the other account had no customer by which to tell.
        is_certain: bool,
        is_running: bool,
        holder: Option<Holder>,
    },
    #[error(transparent)]
    State(#[from] StateError),
}

impl AccountLock {
    /// Takes the lock without waiting. `started_at`: now, RFC 3339 in UTC.
    ///
    /// # Errors
    /// [`LockError::Held`] where another run has it.
    pub fn acquire(account: &AccountDir, started_at: &str) -> Result<Self, LockError> {
        platform::create_folder(account.path()).map_err(StateError::from)?;
        let path = account.lock();
        // Beside the lock and not in it: Windows lets nobody else read a locked file.
        let holder_file = account.file(HOLDER);
        let Some(lock) = FileLock::try_acquire(&path).map_err(StateError::from)? else {
            return Err(LockError::Held {
                path,
                holder: holder_of(&holder_file),
            });
        };
        let holder = Holder {
            version: HOLDER_VERSION,
            pid: std::process::id(),
            host: platform::host_name(),
            started_at: started_at.to_owned(),
        };
        // What the run before this one claimed says nothing about this one.
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
        // Still locked here, so this is our own name. One that stays misleads nobody while the lock is free.
        drop(platform::remove_file(&self.holder_file));
    }
}

/// Who has the lock, if the file that says so is there and whole.
pub(super) fn read_holder(account: &AccountDir) -> Option<Holder> {
    document::read(&account.file(HOLDER), HOLDER_VERSION).unwrap_or(None)
}

/// Who has the lock; one that just took it is about to write its name. Whatever is wrong with that, the lock is held.
fn holder_of(file: &Path) -> Option<Holder> {
    for _ in 0..LOOKS {
        if let Some(holder) = document::read(file, HOLDER_VERSION).unwrap_or(None) {
            return Some(holder);
        }
        thread::sleep(BETWEEN_LOOKS);
    }
    None
}

const LOOKS: u32 = 25;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

fn named(holder: Option<&Holder>) -> String {
    holder.map_or_else(String::new, |holder| {
        let Holder {
            pid,
            host,
            started_at,
            ..
        } = holder;
        format!(": process {pid} on {host}, since {started_at}")
    })
}

fn shared(is_certain: bool, is_running: bool, holder: Option<&Holder>) -> String {
    let account = match is_certain {
        true => "this account",
        false => "an account that had no customers and may be this one",
    };
    match is_running {
        true => format!(
            "another run works on {account}, with another API key or account name{}; wait until it is finished, or stop it",
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
        drop(held);
        AccountLock::acquire(&account, NOW).unwrap();
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
