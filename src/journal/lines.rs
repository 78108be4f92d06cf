use std::io::BufRead;
use std::path::Path;

use super::{JournalRecord, RecoveryError, frame};
use crate::platform::{FileAction, FileError};

/// The lines of a journal, with their positions.
pub(super) struct JournalLines<'a, R> {
    input: R,
    pub(super) path: &'a Path,
    /// The current line with its newline; without one if the file ends in it.
    pub(super) line: Vec<u8>,
    /// Where it begins.
    pub(super) offset: u64,
    /// Its number, from 1.
    pub(super) number: u64,
}

impl<'a, R: BufRead> JournalLines<'a, R> {
    pub(super) fn new(input: R, path: &'a Path) -> Self {
        Self {
            input,
            path,
            line: Vec::new(),
            offset: 0,
            number: 0,
        }
    }

    /// Reads the next line. Returns false at the end.
    pub(super) fn next(&mut self) -> Result<bool, RecoveryError> {
        self.offset = self.end();
        self.line.clear();
        let read = self.input.read_until(b'\n', &mut self.line);
        let read = read.map_err(|error| FileError::new(FileAction::Read, self.path, error))?;
        self.number += u64::from(read > 0);
        Ok(read > 0)
    }

    /// Where the current line ends.
    pub(super) fn end(&self) -> u64 {
        self.offset + self.line.len() as u64
    }

    /// The current line's record, or `None` if the line is not whole.
    pub(super) fn record(&self) -> Result<Option<JournalRecord>, RecoveryError> {
        let Some(frame) = frame::decode(&self.line) else {
            return Ok(None);
        };
        let record = JournalRecord::parse(frame.body);
        record.map(Some).map_err(|source| RecoveryError::Unknown {
            path: self.path.to_owned(),
            offset: self.offset,
            line: self.number,
            source,
        })
    }

    pub(super) fn misplaced(&self) -> RecoveryError {
        RecoveryError::Misplaced {
            path: self.path.to_owned(),
            offset: self.offset,
            line: self.number,
        }
    }
}
