//! The journal's file as a process sees it, up to the moment in which its plug is pulled.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hcsync::journal::JournalFile;
use hcsync::journal::testing::SimulatedFile;

use crate::plug::{Boundary, Plug};

/// A handle of a [`SimulatedFile`] that dies with its process.
#[derive(Debug)]
pub(crate) struct Disk {
    file: SimulatedFile,
    plug: Arc<Plug>,
    /// Where the current append dies after it was brought to the disk.
    dies_synced: AtomicBool,
}

impl Disk {
    pub(crate) fn new(file: SimulatedFile, plug: Arc<Plug>) -> Self {
        Self {
            file,
            plug,
            dies_synced: AtomicBool::new(false),
        }
    }

    fn dead() -> io::Error {
        io::Error::other("the process is dead")
    }

    fn die(&self) -> io::Result<()> {
        self.plug.pull();
        Err(Self::dead())
    }

    fn alive(&self) -> io::Result<()> {
        if self.plug.is_pulled() {
            return Err(Self::dead());
        }
        Ok(())
    }
}

impl JournalFile for Disk {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.alive()?;
        match self.plug.append() {
            None => self.file.append(bytes),
            Some(Boundary::Before) => self.die(),
            Some(Boundary::Torn(thousandths)) => {
                let part = (bytes.len() * thousandths / 1000).min(bytes.len() - 1);
                self.file.append(&bytes[..part])?;
                self.die()
            }
            Some(Boundary::After) => {
                self.dies_synced.store(true, Ordering::Relaxed);
                self.file.append(bytes)
            }
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.alive()?;
        self.file.sync()?;
        if self.dies_synced.load(Ordering::Relaxed) {
            self.die()
        } else {
            Ok(())
        }
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.alive()?;
        self.file.truncate(len)
    }
}
