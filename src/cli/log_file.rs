//! `--log-file`: what standard error says, without colour and progress bars, in a file that does not grow for ever.

use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use crate::platform::{FileError, open_or_create_file};

use super::log_writer::log_line;

/// A file that is longer is renamed before the next line.
const MAX_BYTES: u64 = 10 << 20;
/// Older files that are kept, as `NAME.1`, the newest, to `NAME.5`.
const KEPT: u32 = 5;

/// A log file that several writers share.
#[derive(Debug, Clone)]
pub(super) struct LogFile(Arc<Mutex<Rotated>>);

#[derive(Debug)]
struct Rotated {
    path: PathBuf,
    file: File,
    bytes: u64,
    max_bytes: u64,
}

impl LogFile {
    pub(super) fn open(path: &Path) -> Result<Self, FileError> {
        Ok(Self(Arc::new(Mutex::new(Rotated::open(path, MAX_BYTES)?))))
    }

    /// Writes what was said on standard error, as the log's own lines look.
    pub(super) fn said(&self, level: Level, text: &str) {
        let now = Timestamp::now();
        self.write(&format!("{now:.6} {level:>5} {text}"));
    }

    /// Writes a line. A line that cannot be written is lost: there is no other place to report it.
    fn write(&self, line: &str) {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = file.write(&log_line(line, false));
    }
}

impl Rotated {
    fn open(path: &Path, max_bytes: u64) -> Result<Self, FileError> {
        let mut file = open_or_create_file(path)?;
        let bytes = file.seek(SeekFrom::End(0)).unwrap_or(0);
        Ok(Self {
            path: path.to_owned(),
            file,
            bytes,
            max_bytes,
        })
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        if self.bytes >= self.max_bytes {
            self.rotate()?;
        }
        let line = format!("{line}\n");
        self.bytes += line.len() as u64;
        // Another process may have written in the meantime.
        self.file.seek(SeekFrom::End(0))?;
        self.file.write_all(line.as_bytes())
    }

    fn rotate(&mut self) -> io::Result<()> {
        for number in (1..KEPT).rev() {
            // The older ones are made as files fill up.
            let _ = fs::rename(self.numbered(number), self.numbered(number + 1));
        }
        fs::rename(&self.path, self.numbered(1))?;
        *self = Self::open(&self.path, self.max_bytes).map_err(io::Error::other)?;
        Ok(())
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{number}"));
        self.path.with_file_name(name)
    }
}

/// An event of the log, which is written when it is complete.
#[derive(Debug)]
pub(super) struct FileLine {
    file: LogFile,
    text: Vec<u8>,
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = FileLine;

    fn make_writer(&'a self) -> FileLine {
        FileLine {
            file: self.clone(),
            text: Vec::new(),
        }
    }
}

impl Write for FileLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for FileLine {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.text);
        self.file.write(text.trim_end_matches('\n'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_is_renamed_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hcsync.log");
        let mut log = Rotated::open(&path, 10).unwrap();
        for n in 0..20 {
            log.write(&format!("line {n:02} of the log")).unwrap();
        }
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let kept = ["", ".1", ".2", ".3", ".4", ".5"].map(|end| format!("hcsync.log{end}"));
        assert_eq!(names, kept);
        let read = |path: PathBuf| fs::read_to_string(path).unwrap();
        assert_eq!(read(log.numbered(1)), "line 18 of the log\n");
        assert_eq!(read(log.numbered(5)), "line 14 of the log\n");
    }

    #[test]
    fn a_line_is_added_to_what_is_there_and_is_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hcsync.log");
        fs::write(&path, "old\n").unwrap();
        let log = LogFile::open(&path).unwrap();
        log.said(Level::WARN, "a name\nINFO forged");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("old\n"), "{text}");
        assert!(text.ends_with("Z  WARN a name\\nINFO forged\n"), "{text}");
    }
}
