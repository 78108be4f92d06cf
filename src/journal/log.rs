use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::frame::{self, Frame};
use super::{JournalFile, JournalRecord};
use crate::platform::{FileError, StorageProblem, storage_problem};

/// Why a record is not, or perhaps not, on disk. Cheap to clone: every waiting task gets the same fault.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// After the first fault every append fails with it, since it is no longer known what the disk holds.
    #[error("the journal `{}` could not be written{}; the run stops here and can be resumed", path.display(), advice(*problem))]
    Disk {
        path: PathBuf,
        problem: Option<StorageProblem>,
        source: Arc<io::Error>,
    },
    /// The journal could not be created, opened or truncated to its last whole record.
    #[error(transparent)]
    File(Arc<FileError>),
    #[error("a record of the journal could not be written as JSON")]
    Encode(#[source] Arc<serde_json::Error>),
    #[error("the thread that writes the journal could not be started")]
    Thread(#[source] Arc<io::Error>),
    /// An append after [`close`](super::JournalWriter::close), or the syncing thread is gone.
    #[error("the journal is closed")]
    Closed,
}

impl JournalError {
    /// The cause, if it lies with the storage.
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
pub(super) fn body(entry: &JournalRecord) -> Result<Vec<u8>, JournalError> {
    serde_json::to_vec(entry).map_err(|error| JournalError::Encode(Arc::new(error)))
}

/// The first fault, shared with the writer.
pub(super) type Poison = Arc<OnceLock<JournalError>>;

/// A file to sync, and up to which byte the sync flushes it.
pub(super) type Unsynced = (Arc<dyn JournalFile>, u64);

/// The end of a journal: frames records and appends them. After the first fault it does nothing more.
#[derive(Debug)]
pub(super) struct Log {
    file: Arc<dyn JournalFile>,
    path: PathBuf,
    /// Bytes that are known to be on disk.
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

    /// Hands a record to the operating system: it now survives a crash of the process, but not of the machine.
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

    /// What has to be synced; `None` if everything is on disk.
    pub(super) fn unsynced(&self) -> Result<Option<Unsynced>, JournalError> {
        self.check()?;
        Ok((self.synced < self.written).then(|| (Arc::clone(&self.file), self.written)))
    }

    /// Records the result of a sync up to this byte.
    pub(super) fn end_sync(&mut self, to: u64, done: io::Result<()>) -> Result<(), JournalError> {
        self.check()?;
        self.trust(done)?;
        self.synced = to;
        Ok(())
    }

    pub(super) fn check(&self) -> Result<(), JournalError> {
        self.poison.get().map_or(Ok(()), |fault| Err(fault.clone()))
    }

    /// The first fault is final: a failed sync may have dropped the pages that it could not write, and the next one would
    /// succeed.
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
