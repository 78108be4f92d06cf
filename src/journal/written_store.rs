//! What hcsync last wrote to the customers of an account, in one file: looked at when a plan is made, and added to at the end of a run.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::time::Duration;

use redb::{
    Builder, Database, DatabaseError, ReadOnlyDatabase, ReadOnlyTable, ReadableDatabase,
    ReadableTable, ReadableTableMetadata, Table, TableDefinition,
};

use crate::domain::{CustomerId, RunId};
use crate::plan::{Operation, Salt, Written};
use crate::platform::{self, FileAction, FileError};

const WRITTEN_VERSION: u64 = 1;

/// `version` (8 bytes, little-endian) and `salt`.
const ABOUT: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("about");
/// What was written to each customer, see [`Written::to_bytes`].
const CUSTOMERS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("customers");
/// Runs that may go on: up to which byte of its journal each was taken in.
const RUNS: TableDefinition<'_, &str, u64> = TableDefinition::new("runs");

/// Bytes of pages in memory. What is read and written is spread over the whole file: a larger cache buys little.
const CACHE: usize = 32 << 20;

/// A process has the file open for as long as it plans or ends: so often it is tried again, …
const TRIES: u32 = 1200;
/// … after so long.
const PAUSE: Duration = Duration::from_millis(50);

/// Why it cannot be told or kept what was written.
#[derive(Debug, thiserror::Error)]
pub enum WrittenError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("`{}` is in use by another run, and was for a minute; try again when that is done", path.display())]
    Busy { path: PathBuf },
    #[error(
        "`{}` was written by a newer version of hcsync (its version is {found}, this one knows {WRITTEN_VERSION}); use that version",
        path.display()
    )]
    Newer { path: PathBuf, found: u64 },
    #[error(
        "`{}` is not what hcsync wrote there; restore it from a copy, or move it away: all that hcsync wrote until now then counts as edited",
        path.display()
    )]
    Damaged {
        path: PathBuf,
        source: Box<redb::Error>,
    },
}

/// What hcsync last wrote to the customers of an account, to be looked at. Other processes may look at the same time,
/// and none can add to it meanwhile.
pub struct WrittenReader {
    /// Nothing where nothing is remembered.
    open: Option<Open>,
}

struct Open {
    customers: ReadOnlyTable<u64, &'static [u8]>,
    salt: Salt,
    path: PathBuf,
    _database: ReadOnlyDatabase,
}

impl std::fmt::Debug for WrittenReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.open.as_ref().map(|open| &open.path);
        f.debug_struct("WrittenReader")
            .field("path", &path)
            .finish()
    }
}

impl WrittenReader {
    /// For an account of which nothing is remembered.
    #[must_use]
    pub fn nothing() -> Self {
        Self { open: None }
    }

    /// Opens the account's file; where there is none, nothing is remembered.
    ///
    /// # Errors
    /// Where it is newer than this program, damaged, or in use for a minute.
    pub fn open(path: &Path) -> Result<Self, WrittenError> {
        match platform::open_file(path) {
            Err(error) if error.is_not_found() => return Ok(Self::nothing()),
            opened => {
                if is_unmade(&mut opened?).map_err(unread(path))? {
                    return Ok(Self::nothing());
                }
            }
        }
        let read_only = || Builder::new().set_cache_size(CACHE).open_read_only(path);
        let database = match patiently(path, read_only)? {
            Ok(database) => database,
            // The process that wrote last was killed: only who may write can put that right.
            Err(DatabaseError::RepairAborted) => {
                drop(open_to_write(path)?);
                patiently(path, read_only)?.map_err(|e| damaged(path)(e.into()))?
            }
            Err(error) => return Err(damaged(path)(error.into())),
        };
        Self::over(database, path)
            .map(|open| Self { open })
            .map_err(|e| e.at(path))
    }

    fn over(database: ReadOnlyDatabase, path: &Path) -> Result<Option<Open>, Trouble> {
        let transaction = database.begin_read()?;
        let about = match transaction.open_table(ABOUT) {
            // Made, and not yet written to.
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            about => about?,
        };
        let salt = known(&about)?;
        Ok(Some(Open {
            customers: transaction.open_table(CUSTOMERS)?,
            salt,
            path: path.to_owned(),
            _database: database,
        }))
    }

    /// What was last written to a customer.
    ///
    /// # Errors
    /// Where the file is damaged.
    pub fn customer(&self, id: CustomerId) -> Result<Written, WrittenError> {
        let Some(open) = &self.open else {
            return Ok(Written::default());
        };
        let kept = open.customers.get(id.0);
        let kept = kept.map_err(|e| damaged(&open.path)(e.into()))?;
        let bytes = kept.as_ref().map_or(&[][..], |kept| kept.value());
        Ok(Written::from_bytes(open.salt, id, bytes))
    }
}

/// Adds to what was written, in one transaction.
pub struct WrittenUpdate<'a> {
    customers: Table<'a, u64, &'static [u8]>,
    salt: Salt,
    /// Up to which byte of its journal the run was taken in before.
    pub since: u64,
    path: &'a Path,
}

impl std::fmt::Debug for WrittenUpdate<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WrittenUpdate")
            .field("since", &self.since)
            .finish_non_exhaustive()
    }
}

impl WrittenUpdate<'_> {
    /// Takes in operations that took.
    ///
    /// # Errors
    /// Where the file cannot be read or written.
    pub fn learn(
        &mut self,
        customer: CustomerId,
        operations: &[Operation],
    ) -> Result<(), WrittenError> {
        self.merge(customer, operations)
            .map_err(|e| e.at(self.path))
    }

    fn merge(&mut self, customer: CustomerId, operations: &[Operation]) -> Result<(), Trouble> {
        let kept = self.customers.get(customer.0)?;
        let bytes = kept.as_ref().map_or(&[][..], |kept| kept.value());
        let before = Written::from_bytes(self.salt, customer, bytes);
        drop(kept);
        let mut written = before.clone();
        operations.iter().for_each(|done| written.learn(done));
        if written == before {
            return Ok(());
        }
        if written.is_empty() {
            self.customers.remove(customer.0)?;
        } else {
            self.customers
                .insert(customer.0, written.to_bytes().as_slice())?;
        }
        Ok(())
    }
}

/// Takes a run in: `work` learns what it wrote and gives the bytes of its journal, up to which it is taken in then.
/// All of it is kept, or nothing. A run that is `over` never comes again.
///
/// # Errors
/// Those of `work`, and where the file cannot be written.
pub fn update_written<E: From<WrittenError>>(
    path: &Path,
    run: &RunId,
    over: bool,
    salt: Salt,
    work: impl FnOnce(&mut WrittenUpdate<'_>) -> Result<u64, E>,
) -> Result<(), E> {
    let database = open_to_write(path)?;
    let failed = |e: Trouble| E::from(e.at(path));
    let transaction = database.begin_write().map_err(|e| failed(e.into()))?;
    let salt = begin(&transaction, salt).map_err(failed)?;
    let since = position(&transaction, run).map_err(failed)?;
    let customers = transaction
        .open_table(CUSTOMERS)
        .map_err(|e| failed(e.into()))?;
    let mut update = WrittenUpdate {
        customers,
        salt,
        since,
        path,
    };
    let until = work(&mut update)?;
    drop(update);
    keep_position(&transaction, run, (!over).then_some(until)).map_err(failed)?;
    transaction.commit().map_err(|e| failed(e.into()))
}

fn begin(transaction: &redb::WriteTransaction, salt: Salt) -> Result<Salt, Trouble> {
    let mut about = transaction.open_table(ABOUT)?;
    if about.is_empty()? {
        about.insert("version", WRITTEN_VERSION.to_le_bytes().as_slice())?;
        about.insert("salt", salt.as_slice())?;
    }
    known(&about)
}

fn position(transaction: &redb::WriteTransaction, run: &RunId) -> Result<u64, Trouble> {
    let runs = transaction.open_table(RUNS)?;
    let position = runs.get(run.as_str())?;
    Ok(position.map_or(0, |position| position.value()))
}

fn keep_position(
    transaction: &redb::WriteTransaction,
    run: &RunId,
    position: Option<u64>,
) -> Result<(), Trouble> {
    let mut runs = transaction.open_table(RUNS)?;
    match position {
        Some(position) => runs.insert(run.as_str(), position)?,
        None => runs.remove(run.as_str())?,
    };
    Ok(())
}

/// The salt of a file whose version is known.
fn known(about: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<Salt, Trouble> {
    let version = about.get("version")?;
    let version = version.and_then(|kept| kept.value().try_into().ok());
    match version.map(u64::from_le_bytes) {
        Some(WRITTEN_VERSION) => {}
        Some(found) if found > WRITTEN_VERSION => return Err(Trouble::Newer(found)),
        Some(_) | None => return Err(corrupted("its version is not known")),
    }
    let salt = about.get("salt")?;
    let salt = salt.and_then(|kept| kept.value().try_into().ok());
    salt.ok_or_else(|| corrupted("it has no salt"))
}

fn open_to_write(path: &Path) -> Result<Database, WrittenError> {
    let create = || {
        let mut file = platform::open_or_create_file(path).map_err(Opening::File)?;
        let unmade = is_unmade(&mut file).and_then(|unmade| match unmade {
            true => file.set_len(0),
            false => Ok(()),
        });
        unmade.map_err(unread(path)).map_err(Opening::File)?;
        let database = Builder::new().set_cache_size(CACHE).create_file(file);
        database.map_err(Opening::Database)
    };
    for _ in 0..TRIES {
        match create() {
            Ok(database) => return Ok(database),
            Err(Opening::Database(DatabaseError::DatabaseAlreadyOpen)) => std::thread::sleep(PAUSE),
            Err(Opening::Database(error)) => return Err(Trouble::from(error).at(path)),
            Err(Opening::File(error)) => return Err(error.into()),
        }
    }
    Err(busy(path))
}

/// Whether the file was made and nothing was ever kept in it: redb writes the magic number at its beginning when all
/// else is there. A process that was killed before, or a full disk, leaves zeros or nothing.
fn is_unmade(file: &mut File) -> io::Result<bool> {
    let mut beginning = Vec::new();
    file.take(MAGIC).read_to_end(&mut beginning)?;
    file.rewind()?;
    Ok(beginning.iter().all(|byte| *byte == 0))
}

/// Bytes of redb's magic number.
const MAGIC: u64 = 9;

fn unread(path: &Path) -> impl FnOnce(io::Error) -> FileError + '_ {
    move |error| FileError::new(FileAction::Read, path, error)
}

enum Opening {
    File(FileError),
    Database(DatabaseError),
}

/// Waits while another process has the file.
fn patiently<T>(
    path: &Path,
    open: impl Fn() -> Result<T, DatabaseError>,
) -> Result<Result<T, DatabaseError>, WrittenError> {
    for _ in 0..TRIES {
        match open() {
            Err(DatabaseError::DatabaseAlreadyOpen) => std::thread::sleep(PAUSE),
            opened => return Ok(opened),
        }
    }
    Err(busy(path))
}

fn busy(path: &Path) -> WrittenError {
    let path = path.to_owned();
    WrittenError::Busy { path }
}

fn damaged(path: &Path) -> impl FnOnce(redb::Error) -> WrittenError + '_ {
    move |source| Trouble::Store(source).at(path)
}

fn corrupted(what: &str) -> Trouble {
    Trouble::Store(redb::Error::Corrupted(what.to_owned()))
}

/// What went wrong, before it is said with which file.
enum Trouble {
    Newer(u64),
    Store(redb::Error),
}

impl Trouble {
    fn at(self, path: &Path) -> WrittenError {
        match self {
            Self::Newer(found) => {
                let path = path.to_owned();
                WrittenError::Newer { path, found }
            }
            // Such as a full disk: the file itself is as it was.
            Self::Store(redb::Error::Io(error)) if error.kind() != io::ErrorKind::InvalidData => {
                FileError::new(FileAction::Write, path, error).into()
            }
            Self::Store(source) => WrittenError::Damaged {
                path: path.to_owned(),
                source: Box::new(source),
            },
        }
    }
}

impl<E: Into<redb::Error>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Store(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Tag;

    fn tag(name: &str) -> [Operation; 1] {
        [Operation::Tag(vec![Tag::named(name)])]
    }

    fn run(id: &str) -> RunId {
        RunId::new(id).unwrap()
    }

    fn learn(path: &Path, id: &str, over: bool, until: u64, operations: &[Operation]) -> u64 {
        let mut since = 0;
        update_written::<WrittenError>(path, &run(id), over, [9; 16], |update| {
            since = update.since;
            update.learn(CustomerId(1), operations)?;
            Ok(until)
        })
        .unwrap();
        since
    }

    #[test]
    fn what_was_written_is_there_when_it_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("written.redb");
        let before = WrittenReader::open(&path).unwrap();
        assert!(before.customer(CustomerId(1)).unwrap().is_empty());
        drop(before);
        learn(&path, "a", true, 5, &tag("vip"));
        // Of the second the salt is not taken: the hashes of the first stay what they are.
        learn(&path, "b", true, 5, &tag("new"));
        let reader = WrittenReader::open(&path).unwrap();
        let also = WrittenReader::open(&path).unwrap();
        for reader in [reader, also] {
            let written = reader.customer(CustomerId(1)).unwrap();
            assert!(written.added_tag("vip") && written.added_tag("new"));
            assert!(reader.customer(CustomerId(2)).unwrap().is_empty());
        }
        let untag = [Operation::Untag(vec![Tag::named("vip"), Tag::named("new")])];
        learn(&path, "c", true, 5, &untag);
        let reader = WrittenReader::open(&path).unwrap();
        assert!(reader.customer(CustomerId(1)).unwrap().is_empty());
    }

    #[test]
    fn a_run_is_taken_in_from_where_it_was_left_until_it_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("written.redb");
        assert_eq!(learn(&path, "a", false, 700, &tag("vip")), 0);
        assert_eq!(learn(&path, "b", false, 300, &tag("vip")), 0);
        assert_eq!(learn(&path, "a", true, 900, &tag("vip")), 700);
        assert_eq!(learn(&path, "a", true, 900, &tag("vip")), 0);
        assert_eq!(learn(&path, "b", false, 300, &tag("vip")), 300);
    }

    /// The process was killed, or the disk was full, before the file had its header.
    #[test]
    fn a_file_whose_making_did_not_come_to_its_end_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("written.redb");
        for length in [0, 5, 4096, 1_056_768] {
            std::fs::write(&path, vec![0; length]).unwrap();
            let nothing = WrittenReader::open(&path).unwrap();
            assert!(nothing.customer(CustomerId(1)).unwrap().is_empty());
            learn(&path, "a", true, 5, &tag("vip"));
            let reader = WrittenReader::open(&path).unwrap();
            let written = reader.customer(CustomerId(1)).unwrap();
            assert!(written.added_tag("vip"), "{length}");
        }
        std::fs::write(&path, b"what somebody else wrote").unwrap();
        assert!(WrittenReader::open(&path).is_err());
    }

    #[test]
    fn what_does_not_come_to_its_end_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("written.redb");
        let broken = update_written::<WrittenError>(&path, &run("a"), false, [9; 16], |update| {
            update.learn(CustomerId(1), &tag("vip"))?;
            Err(busy(Path::new("elsewhere")))
        });
        assert!(broken.is_err());
        let reader = WrittenReader::open(&path).unwrap();
        assert!(reader.customer(CustomerId(1)).unwrap().is_empty());
    }

    /// What a process leaves that is killed while it writes.
    #[test]
    fn a_file_that_was_not_closed_is_put_right() {
        let folder = tempfile::tempdir().unwrap();
        let (path, left) = (
            folder.path().join("written.redb"),
            folder.path().join("left.redb"),
        );
        learn(&path, "a", true, 5, &tag("vip"));
        update_written::<WrittenError>(&path, &run("b"), true, [9; 16], |update| {
            update.learn(CustomerId(1), &tag("half"))?;
            std::fs::copy(&path, &left).unwrap();
            Ok(5)
        })
        .unwrap();
        let reader = WrittenReader::open(&left).unwrap();
        let written = reader.customer(CustomerId(1)).unwrap();
        assert!(written.added_tag("vip") && !written.added_tag("half"));
    }

    #[test]
    fn a_newer_file_and_a_damaged_one_are_refused_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("written.redb");
        learn(&path, "a", true, 5, &tag("vip"));
        {
            let database = open_to_write(&path).unwrap();
            let transaction = database.begin_write().unwrap();
            let mut about = transaction.open_table(ABOUT).unwrap();
            about
                .insert("version", 2_u64.to_le_bytes().as_slice())
                .unwrap();
            drop(about);
            transaction.commit().unwrap();
        }
        let newer = WrittenReader::open(&path).unwrap_err().to_string();
        assert!(newer.contains("version is 2"), "{newer}");
        let add = update_written::<WrittenError>(&path, &run("a"), false, [9; 16], |_| Ok(0));
        assert!(matches!(add, Err(WrittenError::Newer { found: 2, .. })));

        std::fs::write(&path, "this is no such file at all").unwrap();
        let damaged = WrittenReader::open(&path).unwrap_err().to_string();
        assert!(damaged.contains("move it away"), "{damaged}");
        std::fs::write(&path, "").unwrap();
        assert!(WrittenReader::open(&path).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn it_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("written.redb");
        learn(&path, "a", true, 5, &tag("vip"));
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(3).any(|w| w == b"vip"));
    }
}
