use std::io;
use std::path::{Path, PathBuf};

use super::document::StateError;
use super::run_dir::{NewRun, RunDir, RunMeta};
use super::{AccountDir, AccountId};
use crate::domain::RunId;
use crate::platform::{self, FileAction, FileError};

/// Suffixes that are tried for a new run before it is given up: more than a few taken ones mean a broken source
/// of them.
const NAMES_TRIED: usize = 100;

/// Names of run folders that are being made; a crash may leave one, and pruning removes it.
pub(super) const UNBORN: &str = ".new-";

/// The state folder: `runs/` and `accounts/`. Nothing is made in it before something is written.
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

    /// The account's folder, which need not be there yet.
    #[must_use]
    pub fn account(&self, account: &AccountId) -> AccountDir {
        AccountDir::at(self.accounts().join(account.as_str()))
    }

    /// The account's folder, made where it is missing.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn create_account(&self, account: &AccountId) -> Result<AccountDir, StateError> {
        let folder = self.account(account);
        platform::create_folder(folder.path())?;
        Ok(folder)
    }

    /// Folders of the state in which others than their owner can write, with their modes.
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

    /// Makes the folder of a new run, with its `run.json` in it, in one step: `20261120T031244Z-SUFFIX`.
    ///
    /// `suffix` gives a few random letters and digits at each call; it is called again where a name is taken.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn create_run(
        &self,
        now: jiff::Timestamp,
        new: NewRun,
        mut suffix: impl FnMut() -> String,
    ) -> Result<(RunDir, RunMeta), StateError> {
        let runs = self.runs();
        platform::create_folder(&runs)?;
        let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        for _ in 0..NAMES_TRIED {
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

    /// Makes the run's folder under a passing name and renames it, so that no run is ever seen without its
    /// facts; nothing where the name is taken.
    fn claim(&self, meta: &RunMeta) -> Result<Option<RunDir>, StateError> {
        let id = &meta.run_id;
        let place = self.runs().join(id.as_str());
        let unborn = RunDir::at(self.runs().join(format!("{UNBORN}{id}")));
        match platform::create_new_folder(unborn.path()) {
            Err(error) if error.already_exists() => return Ok(None),
            made => made?,
        }
        let made = unborn.write_meta(meta).and_then(|()| {
            // Where the place is taken the rename fails on every system: the folder there is not empty.
            let renamed = std::fs::rename(unborn.path(), &place);
            Ok(renamed.map_err(|source| FileError::new(FileAction::Create, &place, source))?)
        });
        if let Err(error) = made {
            drop(std::fs::remove_dir_all(unborn.path()));
            return if place.exists() { Ok(None) } else { Err(error) };
        }
        platform::sync_parent(&place)?;
        Ok(Some(RunDir::at(place)))
    }

    /// The folder of a run that is there.
    ///
    /// # Errors
    /// Where there is no such run.
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
