use std::io;
use std::path::{Path, PathBuf};

use super::document::StateError;
use super::run_dir::{NewRun, RunDir, RunMeta};
use super::runs::folders_in;
use super::{AccountDir, AccountId};
use crate::domain::RunId;
use crate::platform::{self, FileAction, FileError};

/// Suffixes to try for a new run: more than a few that are taken mean that their source is broken.
const MAX_NAMES: usize = 100;

/// Prefix of run folders that are being created. A crash may leave one, which pruning removes.
pub(super) const NEW_PREFIX: &str = ".new-";

/// The state folder: `runs/` and `accounts/`. Folders are created when something is written to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir {
    root: PathBuf,
}

impl StateDir {
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    #[must_use]
    pub fn runs(&self) -> PathBuf {
        self.root.join("runs")
    }

    pub(super) fn accounts(&self) -> PathBuf {
        self.root.join("accounts")
    }

    /// The account's folder, which need not exist yet.
    #[must_use]
    pub fn account(&self, account: &AccountId) -> AccountDir {
        AccountDir::at(self.accounts().join(account.as_str()))
    }

    /// All accounts, by id.
    ///
    /// # Errors
    /// The folder of accounts exists and cannot be read.
    pub fn list_accounts(&self) -> Result<Vec<AccountId>, StateError> {
        let mut names = folders_in(&self.accounts())?;
        names.sort_unstable();
        Ok(names
            .iter()
            .map(|name| AccountId::from_text(name))
            .collect())
    }

    /// The account's folder, created if it is missing.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn create_account(&self, account: &AccountId) -> Result<AccountDir, StateError> {
        let folder = self.account(account);
        platform::create_folder(folder.path())?;
        Ok(folder)
    }

    /// State folders in which other users can write, with their modes.
    #[must_use]
    pub fn folders_open_to_others(&self, account: &AccountDir) -> Vec<(PathBuf, u32)> {
        let folders = [
            self.root.clone(),
            self.runs(),
            self.accounts(),
            account.path().to_owned(),
        ];
        let open = folders.into_iter().map(|folder| {
            let mode = platform::folder_writable_by_others(&folder);
            mode.map(|mode| (folder, mode))
        });
        open.flatten().collect()
    }

    /// Creates the folder of a new run with its `run.json`, in one step: `20261120T031244Z-SUFFIX`.
    ///
    /// `suffix` returns a few random letters and digits; it is called again if a name is taken.
    ///
    /// # Errors
    /// The folder cannot be created.
    pub fn create_run(
        &self,
        now: jiff::Timestamp,
        new: NewRun,
        mut suffix: impl FnMut() -> String,
    ) -> Result<(RunDir, RunMeta), StateError> {
        let runs = self.runs();
        platform::create_folder(&runs)?;
        let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        for _ in 0..MAX_NAMES {
            let Ok(id) = RunId::new(format!("{time}-{}", suffix())) else {
                continue;
            };
            let meta = RunMeta::new(id, now, new.clone());
            if let Some(run) = self.claim(&meta)? {
                return Ok((run, meta));
            }
        }
        Err(StateError::NoName { runs })
    }

    /// Creates the run's folder under a temporary name and renames it, so that no run is ever seen without its `run.json`.
    /// `None` if the name is taken.
    fn claim(&self, meta: &RunMeta) -> Result<Option<RunDir>, StateError> {
        let id = &meta.run_id;
        let path = self.runs().join(id.as_str());
        let new = RunDir::at(self.runs().join(format!("{NEW_PREFIX}{id}")));
        match platform::create_new_folder(new.path()) {
            Err(error) if error.already_exists() => return Ok(None),
            created => created?,
        }
        let created = new.write_meta(meta).and_then(|()| {
            // If the name is taken, the rename fails on every system: the folder there is not empty.
            let renamed = std::fs::rename(new.path(), &path);
            Ok(renamed.map_err(|source| FileError::new(FileAction::Create, &path, source))?)
        });
        if let Err(error) = created {
            drop(std::fs::remove_dir_all(new.path()));
            return if path.exists() { Ok(None) } else { Err(error) };
        }
        platform::sync_parent(&path)?;
        Ok(Some(RunDir::at(path)))
    }

    /// The folder of an existing run.
    ///
    /// # Errors
    /// There is no such run.
    pub fn run(&self, id: &RunId) -> Result<RunDir, StateError> {
        let path = self.runs().join(id.as_str());
        match std::fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => Ok(RunDir::at(path)),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(FileError::new(FileAction::Open, &path, error).into())
            }
            _ => Err(StateError::NoRun {
                id: id.clone(),
                runs: self.runs(),
            }),
        }
    }
}
