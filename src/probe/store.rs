//! The probe's two files in the account's folder: the findings, and the customer to delete.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::journal::AccountDir;
use crate::platform::{self, FileError};

use super::knowledge::{Knowledge, PROBE_VERSION};
use super::throwaway::Throwaway;

/// Errors reading or writing the probe's files.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("`{}` could not be encoded as JSON", path.display())]
    Encode {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error(
        "`{}` was written by a newer version of hcsync (format {found}; this version reads up to {PROBE_VERSION})",
        path.display()
    )]
    Newer { path: PathBuf, found: u64 },
}

/// The files of an account in which its probes keep their state.
#[derive(Debug, Clone)]
pub struct ProbeStore {
    knowledge: PathBuf,
    throwaway: PathBuf,
}

impl ProbeStore {
    /// The folder must exist before anything is written.
    #[must_use]
    pub fn of(account: &AccountDir) -> Self {
        Self {
            knowledge: account.probe(),
            throwaway: account.file("probe-customer.json"),
        }
    }

    /// Reads the findings. `None` before the first probe. A damaged file is set aside with a warning.
    pub fn read(&self) -> Result<Option<Knowledge>, StoreError> {
        let consequence = "the results of earlier probes are lost; run `hcsync probe` again";
        read(&self.knowledge, consequence)
    }

    pub fn write(&self, knowledge: &Knowledge) -> Result<(), StoreError> {
        write(&self.knowledge, knowledge)
    }

    /// Reads which customer of a probe may still exist. A damaged file is set aside with a warning.
    pub fn throwaway(&self) -> Result<Option<Throwaway>, StoreError> {
        let consequence = "the customer of an interrupted probe (userId hcsync-probe-…) may still be in HelpCrunch";
        read(&self.throwaway, consequence)
    }

    /// Writes the customer to disk. Called before it is created.
    pub(super) fn remember(&self, throwaway: &Throwaway) -> Result<(), StoreError> {
        write(&self.throwaway, throwaway)
    }

    pub(super) fn forget(&self) -> Result<(), StoreError> {
        Ok(platform::remove_file(&self.throwaway)?)
    }
}

fn read<T: DeserializeOwned>(path: &Path, consequence: &str) -> Result<Option<T>, StoreError> {
    let Some(bytes) = platform::read_file(path)? else {
        return Ok(None);
    };
    match parse(&bytes) {
        Ok(document) => Ok(Some(document)),
        Err(Unusable::Newer(found)) => {
            let path = path.to_owned();
            Err(StoreError::Newer { path, found })
        }
        Err(Unusable::Damaged(error)) => {
            let aside = platform::set_aside(path)?;
            tracing::warn!(
                "`{}` was damaged ({error}) and is now `{}`: {consequence}",
                path.display(),
                aside.display()
            );
            Ok(None)
        }
    }
}

enum Unusable {
    Newer(u64),
    Damaged(serde_json::Error),
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unusable> {
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(Unusable::Damaged)?;
    let version = value.get("version").and_then(serde_json::Value::as_u64);
    match version.filter(|found| *found > u64::from(PROBE_VERSION)) {
        Some(found) => Err(Unusable::Newer(found)),
        None => serde_json::from_value(value).map_err(Unusable::Damaged),
    }
}

fn write<T: Serialize>(path: &Path, document: &T) -> Result<(), StoreError> {
    let failed = |source| StoreError::Encode {
        path: path.to_owned(),
        source,
    };
    let mut bytes = serde_json::to_vec_pretty(document).map_err(failed)?;
    bytes.push(b'\n');
    Ok(platform::write_whole(path, &bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{AccountId, StateDir};

    #[test]
    fn files_can_be_read_back_newer_ones_are_refused_and_damaged_ones_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let id = AccountId::from_text("a");
        let account = StateDir::at(folder.path()).create_account(&id).unwrap();
        let store = ProbeStore::of(&account);
        assert!(store.read().unwrap().is_none() && store.throwaway().unwrap().is_none());
        store.write(&Knowledge::default()).unwrap();
        let throwaway = Throwaway::new("abc".into(), "2026-11-20T03:12:44Z".into());
        store.remember(&throwaway).unwrap();
        assert_eq!(store.read().unwrap(), Some(Knowledge::default()));
        assert_eq!(store.throwaway().unwrap(), Some(throwaway));
        store.forget().unwrap();
        store.forget().unwrap();
        assert_eq!(store.throwaway().unwrap(), None);
        std::fs::write(account.probe(), r#"{"version":2}"#).unwrap();
        assert!(matches!(
            store.read(),
            Err(StoreError::Newer { found: 2, .. })
        ));
        std::fs::write(account.probe(), "{").unwrap();
        assert_eq!(store.read().unwrap(), None);
        assert!(account.file("probe.json.damaged").exists());
    }
}
