use std::fs::File;
use std::io;
use std::path::PathBuf;

/// What a run may take of memory, about, and the folder for what does not fit into it.
#[derive(Debug, Clone)]
pub struct MemoryLimit {
    pub bytes: u64,
    pub folder: PathBuf,
}

/// Memory that a run takes without customers: the program, its threads, blocks of rows, keys that rows give to customers.
pub(super) const WITHOUT_CUSTOMERS: u64 = 80 << 20;

impl MemoryLimit {
    /// What is left for the customers.
    pub(super) fn for_customers(&self) -> usize {
        let left = self.bytes.saturating_sub(WITHOUT_CUSTOMERS);
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    pub(super) fn new_file(&self) -> io::Result<File> {
        tempfile::tempfile_in(&self.folder)
    }
}
