use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::frame::{self, Frame};
use super::{Entry, JournalFile};
use crate::platform::{FileError, StorageProblem, storage_problem};

/// Why a record is not, or perhaps not, on disk. Cheap to clone: one fault is told to everybody who waits.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// From the first fault on every append fails with it, since what the disk holds is no longer known.
    #[error("the journal `{}` could not be written{}; the run stops here and can be resumed", path.display(), advice(*problem))]
    Disk {
        path: PathBuf,
        problem: Option<StorageProblem>,
        source: Arc<io::Error>,
    },
    /// The journal could not be made, opened or cut to its last whole record.
    #[error(transparent)]
    File(Arc<FileError>),
    #[error("a record of the journal could not be put into JSON")]
    Encode(#[source] Arc<serde_json::Error>),
    #[error("the thread that writes the journal could not be started")]
    Thread(#[source] Arc<io::Error>),
    /// An append after [`close`](super::JournalWriter::close), or the writing thread is gone.
    #[error("the journal is closed")]
    Closed,
}

impl JournalError {
    /// The cause, where it lies with the storage.
    #[must_use]
    pub fn storage_problem(&self) -> Option<StorageProblem> {
        match self {
            Self::Disk { problem, .. } => *problem,
            Self::File(error) => error.storage_problem(),
            Self::Encode(_) | Self::Thread(_) | Self::Closed => None,
        }
    }
}

impl From<FileError> for JournalError {
    fn from(error: FileError) -> Self {
        Self::File(Arc::new(error))
    }
}

fn advice(problem: Option<StorageProblem>) -> String {
    problem.map_or_else(String::new, |p| format!(": {}", p.advice()))
}

/// A record in JSON, without its frame.
pub(super) fn body(entry: &Entry) -> Result<Vec<u8>, JournalError> {
    serde_json::to_vec(entry).map_err(|error| JournalError::Encode(Arc::new(error)))
}

/// The first fault, for all who append.
pub(super) type Poison = Arc<OnceLock<JournalError>>;

/// The file that has to be synced, and up to which byte that flushes it.
pub(super) type Unsynced = (Arc<dyn JournalFile>, u64);

/// The journal's end: frames records, appends them, and trusts nothing after the first fault.
#[derive(Debug)]
pub(super) struct Log {
    file: Arc<dyn JournalFile>,
    path: PathBuf,
    /// Bytes that are on disk for certain.
    synced: u64,
    /// Bytes that the operating system has.
    written: u64,
    poison: Poison,
}

impl Log {
    /// `len`: what the file holds, all of it synced.
    pub(super) fn new(file: Arc<dyn JournalFile>, path: &Path, len: u64) -> Self {
        Self {
            file,
            path: path.to_owned(),
            synced: len,
            written: len,
            poison: Poison::default(),
        }
    }

    pub(super) fn poison(&self) -> Poison {
        Arc::clone(&self.poison)
    }

    /// Hands a record to the operating system: it survives the death of the process, not yet that of the machine.
    pub(super) fn append(&mut self, body: &[u8]) -> Result<(), JournalError> {
        self.check()?;
        let mut line = Vec::with_capacity(body.len() + FRAME_SIZE);
        let synced = self.synced;
        frame::encode(Frame { synced, body }, &mut line);
        let appended = self.file.append(&line);
        self.trust(appended)?;
        self.written += line.len() as u64;
        Ok(())
    }

    /// Flushes everything to the disk; costs nothing if it is there already.
    pub(super) fn commit(&mut self) -> Result<(), JournalError> {
        let Some((file, to)) = self.unsynced()? else {
            return Ok(());
        };
        self.synced(to, file.sync())
    }

    /// What is not on disk yet; None if all of it is.
    pub(super) fn unsynced(&self) -> Result<Option<Unsynced>, JournalError> {
        self.check()?;
        Ok((self.synced < self.written).then(|| (Arc::clone(&self.file), self.written)))
    }

    /// Takes note of how a sync up to this byte ended.
    pub(super) fn synced(&mut self, to: u64, done: io::Result<()>) -> Result<(), JournalError> {
        self.check()?;
        self.trust(done)?;
        self.synced = to;
        Ok(())
    }

    pub(super) fn check(&self) -> Result<(), JournalError> {
        self.poison.get().map_or(Ok(()), |fault| Err(fault.clone()))
    }

    /// A failed sync may have dropped the pages that it could not write and say yes the next time, so the first
    /// fault is final.
    fn trust(&self, done: io::Result<()>) -> Result<(), JournalError> {
        let Err(error) = done else { return Ok(()) };
        let fault = JournalError::Disk {
            path: self.path.clone(),
            problem: storage_problem(&error),
            source: Arc::new(error),
        };
        Err(self.poison.get_or_init(|| fault).clone())
    }
}

/// What a frame adds to a record, roughly.
const FRAME_SIZE: usize = 48;
