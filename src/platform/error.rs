use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::system;

/// What was attempted with a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileAction {
    Create,
    Open,
    Read,
    Write,
    /// Flush to disk.
    Sync,
    Replace,
    Remove,
    Lock,
}

impl fmt::Display for FileAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Open => "open",
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "flush to disk",
            Self::Replace => "replace",
            Self::Remove => "remove",
            Self::Lock => "lock",
        })
    }
}

/// An error with a file or folder: its path and, if the cause is known, what to do.
#[derive(Debug, thiserror::Error)]
#[error("could not {action} `{}`{}", path.display(), advice(*action, source))]
pub struct FileError {
    pub action: FileAction,
    pub path: PathBuf,
    pub source: io::Error,
}

impl FileError {
    pub fn new(action: FileAction, path: &Path, source: io::Error) -> Self {
        Self {
            action,
            path: path.to_owned(),
            source,
        }
    }

    /// The cause, if it lies with the storage and not with the path.
    #[must_use]
    pub fn storage_problem(&self) -> Option<StorageProblem> {
        storage_problem(&self.source)
    }

    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }

    #[must_use]
    pub fn already_exists(&self) -> bool {
        self.source.kind() == io::ErrorKind::AlreadyExists
    }
}

/// Adds action and path to an I/O error.
pub(super) fn at(path: &Path, action: FileAction) -> impl FnOnce(io::Error) -> FileError + '_ {
    move |source| FileError::new(action, path, source)
}

fn advice(action: FileAction, source: &io::Error) -> String {
    let known = storage_problem(source).map(StorageProblem::advice);
    let missing = || match (source.kind(), action) {
        (io::ErrorKind::NotFound, FileAction::Create | FileAction::Replace) => {
            Some("its folder does not exist; create it first or choose another path")
        }
        (io::ErrorKind::NotFound, _) => Some("it does not exist"),
        _ => None,
    };
    known
        .or_else(missing)
        .map_or_else(String::new, |text| format!(": {text}"))
}

/// Why storage accepts no more data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageProblem {
    Full,
    Quota,
    ReadOnly,
    Denied,
    /// The file has reached a limit of the file system or of the process.
    TooLarge,
    /// The medium itself fails.
    Device,
    /// The process, or the system, may not open another file.
    TooManyFiles,
}

impl StorageProblem {
    /// What is wrong and what to do, as the end of a sentence.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Full => "the disk is full; free some space there, then continue",
            Self::Quota => "your disk quota is used up; free some space, then continue",
            Self::ReadOnly => {
                "the file system is read-only; make it writable or choose another path"
            }
            Self::Denied => {
                "permission denied; correct the permissions there or choose another path"
            }
            Self::TooLarge => "the file has reached the size limit of this system; raise the limit",
            Self::Device => {
                "the disk reports a fault; look into the system's log before you continue"
            }
            Self::TooManyFiles => {
                "too many files are open; raise that limit (`ulimit -n`) and run the same command again"
            }
        }
    }
}

/// Recognises errors that repeating does not fix while storage stays as it is.
#[must_use]
pub fn storage_problem(error: &io::Error) -> Option<StorageProblem> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::WriteZero => Some(StorageProblem::Full),
        io::ErrorKind::QuotaExceeded => Some(StorageProblem::Quota),
        io::ErrorKind::ReadOnlyFilesystem => Some(StorageProblem::ReadOnly),
        io::ErrorKind::PermissionDenied => Some(StorageProblem::Denied),
        io::ErrorKind::FileTooLarge => Some(StorageProblem::TooLarge),
        _ => error
            .raw_os_error()
            .and_then(system::storage_problem_of_code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_path_the_action_and_what_to_do() {
        let source = io::Error::from(io::ErrorKind::StorageFull);
        let error = FileError::new(FileAction::Write, Path::new("/state/journal.jsonl"), source);
        assert_eq!(
            error.to_string(),
            "could not write `/state/journal.jsonl`: the disk is full; free some space there, then continue"
        );
        assert_eq!(error.storage_problem(), Some(StorageProblem::Full));
    }

    #[test]
    fn an_unknown_cause_is_left_to_the_source() {
        let error = FileError::new(FileAction::Read, Path::new("x"), io::Error::other("odd"));
        assert_eq!(error.to_string(), "could not read `x`");
        assert_eq!(error.storage_problem(), None);
    }

    #[cfg(unix)]
    #[test]
    fn codes_of_the_system_are_recognised() {
        use rustix::io::Errno;
        let of = |errno: Errno| storage_problem(&io::Error::from(errno));
        assert_eq!(of(Errno::NOSPC), Some(StorageProblem::Full));
        assert_eq!(of(Errno::DQUOT), Some(StorageProblem::Quota));
        assert_eq!(of(Errno::ROFS), Some(StorageProblem::ReadOnly));
        assert_eq!(of(Errno::ACCESS), Some(StorageProblem::Denied));
        assert_eq!(of(Errno::FBIG), Some(StorageProblem::TooLarge));
        assert_eq!(of(Errno::IO), Some(StorageProblem::Device));
        assert_eq!(of(Errno::INTR), None);
    }
}
