//! For tests only: a journal in memory that can lose power at any byte, and a writer without a thread. The product
//! uses none of it; it is public because `tests/simulation` is another crate.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::file::shorter_than_read;
use super::writer::{first_line, truncate};
use super::{Begin, JournalError, JournalFile, JournalWriter, Recovered};
use crate::platform::{FileAction, FileError};

/// The path that errors of a journal in memory name.
const PATH: &str = "journal.jsonl";

/// Starts a journal without a thread: every append writes and syncs before its future is first pending, so that a
/// paused clock does not run on while a task waits for another thread.
///
/// # Errors
/// The file refuses the first record.
pub fn create_writer(file: impl JournalFile, begin: Begin) -> Result<JournalWriter, JournalError> {
    let first = first_line(begin)?;
    let path = Path::new(PATH);
    let written = file.append(&first).and_then(|()| file.sync());
    written.map_err(|source| FileError::new(FileAction::Write, path, source))?;
    Ok(JournalWriter::inline(file, path, first.len() as u64))
}

/// Continues a journal without a thread.
///
/// # Errors
/// The file cannot be truncated to its last whole record.
pub fn resume_writer(
    file: impl JournalFile,
    recovered: &Recovered,
) -> Result<JournalWriter, JournalError> {
    let path = Path::new(PATH);
    truncate(&file, path, recovered)?;
    Ok(JournalWriter::inline(file, path, recovered.valid_len))
}

/// The same writer, which syncs no record of a group by itself: what a power cut takes back at the worst.
#[must_use]
pub fn lazily(mut writer: JournalWriter) -> JournalWriter {
    writer.is_lazy = true;
    writer
}

/// A journal file in memory: it keeps synced and unsynced bytes apart, can crash between any two of them, and fails on
/// demand. Clones are handles to one file.
#[derive(Debug, Clone, Default)]
pub struct SimulatedFile(Arc<Mutex<FileState>>);

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFault {
    /// The disk takes this many bytes in all, and then is full.
    FullAt(usize),
    /// The next sync fails, once.
    Sync(io::ErrorKind),
    /// The next append fails, once, with nothing written.
    Append(io::ErrorKind),
}

#[derive(Debug, Default)]
struct FileState {
    synced: Vec<u8>,
    unsynced: Vec<u8>,
    syncs: u64,
    full_at: Option<usize>,
    sync_fault: Option<io::ErrorKind>,
    append_fault: Option<io::ErrorKind>,
}

impl SimulatedFile {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A file that holds these bytes, all of them synced.
    #[must_use]
    pub fn holding(bytes: Vec<u8>) -> Self {
        let file = Self::new();
        file.state().synced = bytes;
        file
    }

    /// What a reader sees while the machine runs: synced and unsynced bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let state = self.state();
        [state.synced.as_slice(), state.unsynced.as_slice()].concat()
    }

    /// What is sure to survive.
    #[must_use]
    pub fn synced_bytes(&self) -> Vec<u8> {
        self.state().synced.clone()
    }

    /// How often the file was synced.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// The machine loses power: of what was not synced, the first `kept` bytes remain. Returns the file as the disk then
    /// holds it; what older handles write is lost.
    #[must_use]
    pub fn crash(&self, kept: usize) -> Self {
        let state = self.state();
        let mut bytes = state.synced.clone();
        bytes.extend(state.unsynced.iter().take(kept));
        Self::holding(bytes)
    }

    pub fn inject(&self, fault: FileFault) {
        let mut state = self.state();
        match fault {
            FileFault::FullAt(bytes) => state.full_at = Some(bytes),
            FileFault::Sync(kind) => state.sync_fault = Some(kind),
            FileFault::Append(kind) => state.append_fault = Some(kind),
        }
    }

    fn state(&self) -> MutexGuard<'_, FileState> {
        // The state is whole between any two statements, so a panic elsewhere does not matter.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JournalFile for SimulatedFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        if let Some(kind) = state.append_fault.take() {
            return Err(kind.into());
        }
        let used = state.synced.len() + state.unsynced.len();
        let room = state
            .full_at
            .map_or(usize::MAX, |full| full.saturating_sub(used));
        state.unsynced.extend(bytes.iter().take(room));
        if bytes.len() > room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state();
        if let Some(kind) = state.sync_fault.take() {
            return Err(kind.into());
        }
        state.syncs += 1;
        let written = std::mem::take(&mut state.unsynced);
        state.synced.extend(written);
        Ok(())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        let mut state = self.state();
        let mut bytes = std::mem::take(&mut state.synced);
        bytes.append(&mut state.unsynced);
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let long_enough = bytes.len() >= len;
        bytes.truncate(len);
        state.synced = bytes;
        if long_enough {
            Ok(())
        } else {
            Err(shorter_than_read())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_keeps_what_was_synced_and_a_part_of_the_rest() {
        let file = SimulatedFile::new();
        file.append(b"safe").unwrap();
        file.sync().unwrap();
        file.append(b"loose").unwrap();
        assert_eq!(file.bytes(), b"safeloose");
        assert_eq!(file.crash(0).bytes(), b"safe");
        assert_eq!(file.crash(2).bytes(), b"safelo");
        assert_eq!(file.syncs(), 1);
    }

    #[test]
    fn a_full_disk_takes_a_part() {
        let file = SimulatedFile::new();
        file.inject(FileFault::FullAt(3));
        let error = file.append(b"abcd").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(file.bytes(), b"abc");
    }
}
