use std::cell::Cell;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::error::at;
use super::private::{open_new, parent, sync_parent};
use super::{FileAction, FileError};

/// A file that appears whole or not at all: written under a temporary name in the same folder, flushed to disk, and then
/// renamed. Dropped without [`commit`](Self::commit), it leaves no trace.
///
/// Its mode is 0600, even if it replaces a file with another one, unless it is to be like that.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    sink: BufWriter<Sink>,
}

#[derive(Debug)]
enum Sink {
    Temporary(NamedTempFile),
    /// A device or pipe, which cannot be replaced: bytes are written to it directly.
    Direct(File),
}

impl AtomicFile {
    /// For state files: a link at `path` is replaced, never followed.
    ///
    /// # Errors
    /// The folder is missing or no file can be created in it.
    pub fn create(path: &Path) -> Result<Self, FileError> {
        let beside = temporary(path).map_err(at(path, FileAction::Create))?;
        Ok(Self::with_sink(path.to_owned(), Sink::Temporary(beside)))
    }

    /// For files that the user names: if `path` is a link, the file that it points to is replaced; a device or pipe (such as
    /// `/dev/stdout`) is written directly.
    ///
    /// # Errors
    /// The path is a folder, or its folder is missing or no file can be created in it.
    pub fn create_output(path: &Path) -> Result<Self, FileError> {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => Err(folder_error(path)),
            Ok(metadata) if metadata.is_file() => {
                let real = fs::canonicalize(path).map_err(at(path, FileAction::Open))?;
                Self::create(&real)
            }
            Ok(_) => {
                let opened = OpenOptions::new().write(true).open(path);
                let device = opened.map_err(at(path, FileAction::Open))?;
                Ok(Self::with_sink(path.to_owned(), Sink::Direct(device)))
            }
            Err(_) => Self::create(path),
        }
    }

    /// As [`create_output`](Self::create_output), but an existing file passes its permissions on: it may be there for others to
    /// read.
    ///
    /// # Errors
    /// As [`create_output`](Self::create_output), or the permissions cannot be set.
    pub fn create_output_like(path: &Path) -> Result<Self, FileError> {
        let file = Self::create_output(path)?;
        if let (Ok(metadata), Sink::Temporary(beside)) = (fs::metadata(path), file.sink.get_ref()) {
            let set = beside.as_file().set_permissions(metadata.permissions());
            set.map_err(at(path, FileAction::Create))?;
        }
        Ok(file)
    }

    fn with_sink(path: PathBuf, sink: Sink) -> Self {
        Self {
            path,
            sink: BufWriter::with_capacity(64 * 1024, sink),
        }
    }

    /// The path that it will have.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds this file's path to an error from writing to it.
    #[must_use]
    pub fn write_error(&self, source: io::Error) -> FileError {
        FileError::new(FileAction::Write, &self.path, source)
    }

    /// Renames the file to its path, durably.
    ///
    /// # Errors
    /// The disk fails; the path then holds what it held before.
    pub fn commit(self) -> Result<(), FileError> {
        let Self { path, sink } = self;
        let sink = sink
            .into_inner()
            .map_err(|error| FileError::new(FileAction::Write, &path, error.into_error()))?;
        let beside = match sink {
            Sink::Temporary(beside) => beside,
            Sink::Direct(_) => return Ok(()),
        };
        let is_flushed = !DEFERS_FLUSH.get();
        if is_flushed {
            let flushed = beside.as_file().sync_all();
            flushed.map_err(at(&path, FileAction::Sync))?;
        }
        beside
            .persist(&path)
            .map_err(|error| FileError::new(FileAction::Replace, &path, error.error))?;
        match is_flushed {
            true => sync_parent(&path),
            false => Ok(()),
        }
    }
}

thread_local! {
    static DEFERS_FLUSH: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`, in which commits do not flush: the files appear immediately, and are on disk only after [`flush_disk`]. For
/// many files that can be written again after a power failure. If the system cannot flush a whole disk, each file is
/// flushed as usual.
pub fn defer_flush<T>(work: impl FnOnce() -> T) -> T {
    /// Resets the flag, also if `work` panics.
    struct ResetFlag;
    impl Drop for ResetFlag {
        fn drop(&mut self) {
            DEFERS_FLUSH.set(false);
        }
    }
    let _reset = ResetFlag;
    DEFERS_FLUSH.set(super::system::FLUSHES_DISKS);
    work()
}

/// Flushes everything written to the disk that holds `folder`. Other disks are left alone: one of them may hang.
///
/// # Errors
/// The disk fails.
pub fn flush_disk(folder: &Path) -> Result<(), FileError> {
    super::system::flush_disk(folder).map_err(at(folder, FileAction::Sync))
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sink.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Temporary(file) => file.write(bytes),
            Self::Direct(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Temporary(file) => file.flush(),
            Self::Direct(file) => file.flush(),
        }
    }
}

/// Writes a state file whole or not at all.
///
/// # Errors
/// The disk fails; the path then holds what it held before.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut file = AtomicFile::create(path)?;
    let written = file.write_all(bytes);
    written.map_err(|source| file.write_error(source))?;
    file.commit()
}

/// Creates a temporary file (0600) in the folder of `path` that is deleted when dropped. Only a crash leaves it behind:
/// `.NAME.RANDOM.tmp`.
pub(super) fn temporary(path: &Path) -> io::Result<NamedTempFile> {
    let mut prefix = OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(".");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    // With the library's own way to open, errors name the temporary file and hide the system's error code.
    builder.make_in(parent(path), open_new)
}

pub(super) fn folder_error(path: &Path) -> FileError {
    let source = io::Error::new(io::ErrorKind::IsADirectory, "it is a folder; name a file");
    FileError::new(FileAction::Write, path, source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_file_and_not_the_temporary_one() {
        let folder = tempfile::tempdir().unwrap();
        let error = AtomicFile::create(&folder.path().join("gone/file")).unwrap_err();
        assert!(error.is_not_found());
        assert!(!error.source.to_string().contains(".tmp"), "{error:?}");
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    #[test]
    fn nothing_is_seen_before_the_commit_and_everything_after() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary.json");
        fs::write(&path, "old").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        file.flush().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["summary.json"]);
    }

    #[test]
    fn a_dropped_file_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.csv");
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(&[b'x'; 200_000]).unwrap();
        drop(file);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_commit_that_fails_keeps_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.jsonl");
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        // A folder that got into the place makes the rename fail.
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), "old").unwrap();
        let error = file.commit().unwrap_err();
        assert_eq!(error.action, FileAction::Replace);
        assert_eq!(error.path, path);
        assert_eq!(names(folder.path()), ["plan.jsonl"]);
        assert_eq!(fs::read(path.join("inside")).unwrap(), b"old");
    }

    #[test]
    fn a_missing_folder_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("no/results.csv");
        let error = write_whole(&path, b"x").unwrap_err();
        assert!(error.is_not_found());
        let text = error.to_string();
        assert!(
            text.contains("results.csv") && text.contains("its folder"),
            "{text}"
        );
    }

    #[cfg(unix)]
    mod unix {
        use std::os::unix::fs::{PermissionsExt, symlink};

        use super::*;

        #[test]
        fn the_file_is_its_owners_alone_whatever_was_there() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("results.csv");
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            write_whole(&path, b"new").unwrap();
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }

        #[test]
        fn a_link_stays_where_the_user_made_it_and_goes_where_state_is() {
            let folder = tempfile::tempdir().unwrap();
            let target = folder.path().join("target");
            let link = folder.path().join("link");
            fs::write(&target, "old").unwrap();
            symlink(&target, &link).unwrap();
            let mut output = AtomicFile::create_output(&link).unwrap();
            output.write_all(b"new").unwrap();
            output.commit().unwrap();
            assert!(link.is_symlink());
            assert_eq!(fs::read(&target).unwrap(), b"new");

            write_whole(&link, b"state").unwrap();
            assert!(!link.is_symlink());
            assert_eq!(fs::read(&target).unwrap(), b"new");
        }

        #[test]
        #[cfg(target_os = "linux")]
        fn a_full_device_is_told_as_a_full_disk() {
            use crate::platform::StorageProblem;
            let mut file = AtomicFile::create_output(Path::new("/dev/full")).unwrap();
            file.write_all(b"x").unwrap();
            let error = file.commit().unwrap_err();
            assert_eq!(error.storage_problem(), Some(StorageProblem::Full));
        }
    }
}
