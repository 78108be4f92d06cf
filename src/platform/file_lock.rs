use std::fs::{File, TryLockError};
use std::path::Path;

use super::private::open_or_create_file;
use super::{FileAction, FileError};

/// A lock on a file that the kernel holds for this process. It is released when it is dropped or the process ends, however
/// that ends. The file itself stays: after a removal, two processes could lock two files of one name.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock without waiting; `None` if another handle has it. Creates the file if it is missing.
    ///
    /// # Errors
    /// The file cannot be opened or its file system has no locks.
    pub fn try_acquire(path: &Path) -> Result<Option<Self>, FileError> {
        let file = open_or_create_file(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(FileError::new(FileAction::Lock, path, source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_handle_has_the_lock_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = FileLock::try_acquire(&path).unwrap();
        assert!(first.is_some());
        assert!(FileLock::try_acquire(&path).unwrap().is_none());
        drop(first);
        assert!(FileLock::try_acquire(&path).unwrap().is_some());
    }
}
