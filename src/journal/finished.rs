use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::frame;
use super::{Entry, FinishedRow, Recovered, RecoveryError};
use crate::domain::RowNumber;
use crate::platform::{self, FileAction, FileError};

/// The records of finished rows, read from the journal one by one as results are made in the order of the input.
///
/// Rows finish nearly in that order, so that the reads go nearly straight through the file.
#[derive(Debug)]
pub struct FinishedRows<'a, R> {
    input: BufReader<R>,
    place: u64,
    path: PathBuf,
    recovered: &'a Recovered,
    line: Vec<u8>,
}

impl<'a> FinishedRows<'a, File> {
    /// # Errors
    /// Where the journal cannot be opened.
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
            place: 0,
            path: path.to_owned(),
            recovered,
            line: Vec::new(),
        }
    }

    /// The record with which the row was finished; nothing where it was not. Also of a row that was taken up
    /// again after its end: what it had been.
    ///
    /// # Errors
    /// Where the journal cannot be read, or is no longer what was recovered.
    pub fn get(&mut self, row: RowNumber) -> Result<Option<FinishedRow>, RecoveryError> {
        match self.read(self.recovered.finished_at(row))? {
            None => Ok(None),
            Some(Entry::Row(found)) if found.row == row => Ok(Some(found)),
            Some(_) => Err(changed(&self.path)),
        }
    }

    /// The operations of a row that was planned anew, the last ones, in the planner's own form; nothing where it
    /// was not.
    ///
    /// # Errors
    /// Where the journal cannot be read, or is no longer what was recovered.
    pub fn replanned(
        &mut self,
        row: RowNumber,
    ) -> Result<Option<serde_json::Value>, RecoveryError> {
        match self.read(self.recovered.replanned_at(row))? {
            None => Ok(None),
            Some(Entry::Replanned(found)) if found.row == row => Ok(Some(found.payload)),
            Some(_) => Err(changed(&self.path)),
        }
    }

    /// What HelpCrunch kept otherwise than it was sent for the row, as its [`Kept`](super::Kept) record says.
    ///
    /// # Errors
    /// Where the journal cannot be read, or is no longer what was recovered.
    pub fn kept(&mut self, row: RowNumber) -> Result<Option<serde_json::Value>, RecoveryError> {
        match self.read(self.recovered.kept_at(row))? {
            None => Ok(None),
            Some(Entry::Kept(found)) if found.row == row => Ok(Some(found.payload)),
            Some(_) => Err(changed(&self.path)),
        }
    }

    fn read(&mut self, offset: Option<u64>) -> Result<Option<Entry>, RecoveryError> {
        let Some(offset) = offset else {
            return Ok(None);
        };
        self.read_line(offset)
            .map_err(|error| FileError::new(FileAction::Read, &self.path, error))?;
        let entry = frame::decode(&self.line).and_then(|f| serde_json::from_slice(f.body).ok());
        entry.map(Some).ok_or_else(|| changed(&self.path))
    }

    fn read_line(&mut self, offset: u64) -> std::io::Result<()> {
        // A short way is read over within the buffer, where an absolute seek would empty it.
        let way = i64::try_from(offset)
            .ok()
            .zip(i64::try_from(self.place).ok());
        match way {
            Some((to, from)) => self.input.seek_relative(to - from)?,
            None => self.input.seek(SeekFrom::Start(offset)).map(drop)?,
        }
        self.place = offset;
        self.line.clear();
        let read = self.input.read_until(b'\n', &mut self.line)?;
        self.place += read as u64;
        Ok(())
    }
}

fn changed(path: &Path) -> RecoveryError {
    let source = std::io::Error::other("it has changed since it was read");
    FileError::new(FileAction::Read, path, source).into()
}
