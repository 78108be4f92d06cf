//! The redb file below reader and updates: opening it, its version, its errors.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::time::Duration;

use redb::{Builder, Database, DatabaseError, ReadableTable, TableDefinition};

use crate::plan::Salt;
use crate::platform::{self, FileAction, FileError, catch_panic};

pub(super) const WRITTEN_VERSION: u64 = 1;
/// A larger number is damage and not the version of a newer program.
pub(super) const MAX_VERSION: u64 = 1_000;

/// `version` (8 bytes, little-endian) and `salt`.
pub(super) const ABOUT: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("about");
/// What was written to each customer, see `Written::to_bytes`.
pub(super) const CUSTOMERS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("customers");
/// Runs that may continue: up to which byte of its journal each was merged in.
pub(super) const RUNS: TableDefinition<'_, &str, u64> = TableDefinition::new("runs");

/// Bytes of pages in memory. Reads and writes are spread over the whole file, so a larger cache gains little.
pub(super) const CACHE: usize = 32 << 20;

/// Attempts to open the file while another process plans or ends with it open, a minute in all.
pub(super) const MAX_TRIES: u32 = 1200;
pub(super) const PAUSE: Duration = Duration::from_millis(50);

/// Errors reading or writing what hcsync last wrote.
#[derive(Debug, thiserror::Error)]
pub enum WrittenError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("`{}` has been in use by another run for a minute; try again when that run has ended", path.display())]
    Busy { path: PathBuf },
    #[error(
        "`{}` was written by a newer version of hcsync (its version is {found}, this one knows {WRITTEN_VERSION}); use that version",
        path.display()
    )]
    Newer { path: PathBuf, found: u64 },
    #[error("`{}` is damaged", path.display())]
    Damaged {
        path: PathBuf,
        source: Box<redb::Error>,
    },
}

/// Calls into redb, which reports some damaged pages with a panic and not with an error.
pub(super) fn catch_damage<T>(
    path: &Path,
    work: impl FnOnce() -> Result<T, WrittenError>,
) -> Result<T, WrittenError> {
    catch_panic(work).unwrap_or_else(|| Err(inconsistent(path)))
}

pub(super) fn inconsistent(path: &Path) -> WrittenError {
    corrupted("its pages do not fit together").at(path)
}

/// Sets a damaged file aside. Returns other errors as they are.
pub(super) fn set_aside(error: WrittenError) -> Result<(), WrittenError> {
    let WrittenError::Damaged { path, source } = &error else {
        return Err(error);
    };
    let aside = platform::set_aside(path)?;
    tracing::warn!(
        "`{}` was damaged ({source}) and is now `{}`: what hcsync wrote to customers so far is lost. Until it is \
         written again it counts as edited by somebody else, so `overwrite = \"if_unedited\"` keeps it and \
         `managed = \"ours\"` removes none of the tags",
        path.display(),
        aside.display()
    );
    Ok(())
}

/// Sets a damaged file aside, and returns the error.
pub(super) fn after_set_aside(error: WrittenError) -> WrittenError {
    let WrittenError::Damaged { path, .. } = &error else {
        return error;
    };
    let again = inconsistent(path);
    set_aside(error).err().unwrap_or(again)
}

/// The salt of a file, if this program knows its version.
pub(super) fn salt_of(
    about: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<Salt, StoreError> {
    let version = about.get("version")?;
    let version = version.and_then(|kept| kept.value().try_into().ok());
    match version.map(u64::from_le_bytes) {
        Some(WRITTEN_VERSION) => {}
        Some(found) if found > WRITTEN_VERSION && found <= MAX_VERSION => {
            return Err(StoreError::Newer(found));
        }
        Some(_) | None => return Err(corrupted("its version is not known")),
    }
    let salt = about.get("salt")?;
    let salt = salt.and_then(|kept| kept.value().try_into().ok());
    salt.ok_or_else(|| corrupted("it has no salt"))
}

pub(super) fn open_to_write(path: &Path) -> Result<Database, WrittenError> {
    let create = || {
        let mut file = platform::open_or_create_file(path).map_err(OpenError::File)?;
        let truncated = is_blank(&mut file).and_then(|is_blank| match is_blank {
            true => file.set_len(0),
            false => Ok(()),
        });
        truncated.map_err(unread(path)).map_err(OpenError::File)?;
        let database = Builder::new().set_cache_size(CACHE).create_file(file);
        database.map_err(OpenError::Database)
    };
    for _ in 0..MAX_TRIES {
        match create() {
            Ok(database) => return Ok(database),
            Err(OpenError::Database(DatabaseError::DatabaseAlreadyOpen)) => {
                std::thread::sleep(PAUSE)
            }
            Err(OpenError::Database(error)) => return Err(StoreError::from(error).at(path)),
            Err(OpenError::File(error)) => return Err(error.into()),
        }
    }
    Err(busy(path))
}

/// Whether the file was created and never got any content: redb writes the magic number at its start last. A process that
/// was killed before, or a full disk, leaves zeros or an empty file.
pub(super) fn is_blank(file: &mut File) -> io::Result<bool> {
    let mut beginning = Vec::new();
    file.take(MAGIC).read_to_end(&mut beginning)?;
    file.rewind()?;
    Ok(beginning.iter().all(|byte| *byte == 0))
}

/// Bytes of redb's magic number.
pub(super) const MAGIC: u64 = 9;

pub(super) fn unread(path: &Path) -> impl FnOnce(io::Error) -> FileError + '_ {
    move |error| FileError::new(FileAction::Read, path, error)
}

pub(super) enum OpenError {
    File(FileError),
    Database(DatabaseError),
}

/// Calls `open` again while another process has the file.
pub(super) fn retry_open<T>(
    path: &Path,
    open: impl Fn() -> Result<T, DatabaseError>,
) -> Result<Result<T, DatabaseError>, WrittenError> {
    for _ in 0..MAX_TRIES {
        match open() {
            Err(DatabaseError::DatabaseAlreadyOpen) => std::thread::sleep(PAUSE),
            opened => return Ok(opened),
        }
    }
    Err(busy(path))
}

pub(super) fn busy(path: &Path) -> WrittenError {
    let path = path.to_owned();
    WrittenError::Busy { path }
}

pub(super) fn corrupted(what: &str) -> StoreError {
    StoreError::Store(redb::Error::Corrupted(what.to_owned()))
}

/// A [`WrittenError`] that lacks the path.
pub(super) enum StoreError {
    Newer(u64),
    Store(redb::Error),
}

impl StoreError {
    pub(super) fn at(self, path: &Path) -> WrittenError {
        match self {
            Self::Newer(found) => {
                let path = path.to_owned();
                WrittenError::Newer { path, found }
            }
            // An error of the operating system, such as a full disk: the file itself is whole.
            Self::Store(redb::Error::Io(error)) if error.raw_os_error().is_some() => {
                FileError::new(FileAction::Write, path, error).into()
            }
            Self::Store(source) => WrittenError::Damaged {
                path: path.to_owned(),
                source: Box::new(source),
            },
        }
    }
}

impl<E: Into<redb::Error>> From<E> for StoreError {
    fn from(error: E) -> Self {
        Self::Store(error.into())
    }
}
