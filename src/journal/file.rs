use std::fmt;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

/// The file of a journal. Bytes are safe only once they are synced; one thread may sync while another appends.
pub trait JournalFile: fmt::Debug + Send + Sync + 'static {
    /// Appends. After an error any part of the bytes may be in the file.
    ///
    /// # Errors
    /// Storage fails.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;

    /// Flushes everything that was written before the call to the disk itself.
    ///
    /// # Errors
    /// Storage fails; what was written since the last success may then be lost, even if a later call succeeds.
    fn sync(&self) -> io::Result<()>;

    /// Truncates the file to `len` bytes, durably; later bytes follow there.
    ///
    /// # Errors
    /// Storage fails, or the file is shorter than that.
    fn truncate(&self, len: u64) -> io::Result<()>;
}

/// A real file.
#[derive(Debug)]
pub struct DiskFile(File);

impl DiskFile {
    /// # Errors
    /// Seeking to its end fails.
    pub fn at_end(mut file: File) -> io::Result<Self> {
        file.seek(SeekFrom::End(0))?;
        Ok(Self(file))
    }
}

impl JournalFile for DiskFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.0).write_all(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        // fdatasync includes the length of the file.
        self.0.sync_data()
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        if self.0.metadata()?.len() < len {
            return Err(shorter_than_read());
        }
        self.0.set_len(len)?;
        (&self.0).seek(SeekFrom::Start(len))?;
        self.0.sync_all()
    }
}

pub(super) fn shorter_than_read() -> io::Error {
    io::Error::other("the file has become shorter since it was read")
}
