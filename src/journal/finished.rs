use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::frame;
use super::{FinishedRow, JournalRecord, Recovered, RecoveryError};
use crate::domain::RowNumber;
use crate::platform::{self, FileAction, FileError};

/// Reads the records of finished rows from the journal, one by one in the order of the input.
///
/// Rows finish nearly in that order, so the reads are nearly sequential.
#[derive(Debug)]
pub struct FinishedRows<'a, R> {
    input: BufReader<R>,
    position: u64,
    path: PathBuf,
    recovered: &'a Recovered,
    line: Vec<u8>,
}

impl<'a> FinishedRows<'a, File> {
    /// # Errors
    /// The journal cannot be opened.
    pub fn open(path: &Path, recovered: &'a Recovered) -> Result<Self, RecoveryError> {
        let file = platform::open_file(path)?;
        Ok(Self::over(file, path, recovered))
    }
}

impl<'a, R: Read + Seek> FinishedRows<'a, R> {
    /// Reads a journal that need not be a file; `input` stands at its start.
    pub fn over(input: R, path: &Path, recovered: &'a Recovered) -> Self {
        Self {
            input: BufReader::with_capacity(1 << 16, input),
            position: 0,
            path: path.to_owned(),
            recovered,
            line: Vec::new(),
        }
    }

    /// The record that finished the row, or `None`. Of a row that was begun again after that, the earlier record.
    ///
    /// # Errors
    /// The journal cannot be read, or has changed since it was recovered.
    pub fn get(&mut self, row: RowNumber) -> Result<Option<FinishedRow>, RecoveryError> {
        match self.read(self.recovered.finished_at(row))? {
            None => Ok(None),
            Some(JournalRecord::Row(found)) if found.row == row => Ok(Some(found)),
            Some(_) => Err(changed(&self.path)),
        }
    }

    /// The latest operations of a row that was replanned, in the planner's own form; else `None`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn replanned(
        &mut self,
        row: RowNumber,
    ) -> Result<Option<serde_json::Value>, RecoveryError> {
        match self.read(self.recovered.replanned_at(row))? {
            None => Ok(None),
            Some(JournalRecord::Replanned(found)) if found.row == row => Ok(Some(found.payload)),
            Some(_) => Err(changed(&self.path)),
        }
    }

    /// The payload of the row's [`KeptValues`](super::KeptValues) record, if it has one.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn kept(&mut self, row: RowNumber) -> Result<Option<serde_json::Value>, RecoveryError> {
        match self.read(self.recovered.kept_at(row))? {
            None => Ok(None),
            Some(JournalRecord::Kept(found)) if found.row == row => Ok(Some(found.payload)),
            Some(_) => Err(changed(&self.path)),
        }
    }

    fn read(&mut self, offset: Option<u64>) -> Result<Option<JournalRecord>, RecoveryError> {
        let Some(offset) = offset else {
            return Ok(None);
        };
        self.read_line(offset)
            .map_err(|error| FileError::new(FileAction::Read, &self.path, error))?;
        let entry = frame::decode(&self.line).and_then(|f| JournalRecord::parse(f.body).ok());
        entry.map(Some).ok_or_else(|| changed(&self.path))
    }

    fn read_line(&mut self, offset: u64) -> std::io::Result<()> {
        // A relative seek over a short distance keeps the buffer, an absolute one empties it.
        let distance = i64::try_from(offset)
            .ok()
            .zip(i64::try_from(self.position).ok());
        match distance {
            Some((to, from)) => self.input.seek_relative(to - from)?,
            None => self.input.seek(SeekFrom::Start(offset)).map(drop)?,
        }
        self.position = offset;
        self.line.clear();
        let read = self.input.read_until(b'\n', &mut self.line)?;
        self.position += read as u64;
        Ok(())
    }
}

fn changed(path: &Path) -> RecoveryError {
    let source = std::io::Error::other("it has changed since it was read");
    FileError::new(FileAction::Read, path, source).into()
}
