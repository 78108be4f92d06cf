//! What hcsync last wrote to the customers of an account, in one file: looked at when a plan is made, and added to at the end of a run.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redb::{
    Builder, Database, DatabaseError, ReadOnlyDatabase, ReadOnlyTable, ReadableDatabase,
    ReadableTable, ReadableTableMetadata, Table, TableDefinition,
};

use crate::domain::{CustomerId, RunId};
use crate::plan::{Operation, Salt, Written};
use crate::platform::{self, FileAction, FileError, catch_panic};

const WRITTEN_VERSION: u64 = 1;
/// A larger number is no version of a newer program, but damage.
const MAX_VERSION: u64 = 1_000;

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
    #[error("`{}` is damaged", path.display())]
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
    /// None only while it is dropped.
    store: Option<(Customers, ReadOnlyDatabase)>,
    salt: Salt,
    path: PathBuf,
    /// It was found to be damaged, and set aside.
    is_forgotten: AtomicBool,
}

type Customers = ReadOnlyTable<u64, &'static [u8]>;

impl Drop for Open {
    fn drop(&mut self) {
        let store = self.store.take();
        let _ = catch_panic(move || drop(store));
    }
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

    /// Opens the account's file; without one, or with a damaged one, nothing is remembered. A damaged file is set aside.
    ///
    /// # Errors
    /// If it is newer than this program, cannot be read, or is in use for a minute.
    pub fn open(path: &Path) -> Result<Self, WrittenError> {
        match guarded(path, || Self::open_whole(path)) {
            Err(error) => forget(error).map(|()| Self::nothing()),
            opened => opened,
        }
    }

    fn open_whole(path: &Path) -> Result<Self, WrittenError> {
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
                patiently(path, read_only)?.map_err(|e| Trouble::from(e).at(path))?
            }
            Err(error) => return Err(Trouble::from(error).at(path)),
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
        let customers = transaction.open_table(CUSTOMERS)?;
        Ok(Some(Open {
            store: Some((customers, database)),
            salt,
            path: path.to_owned(),
            is_forgotten: AtomicBool::new(false),
        }))
    }

    /// What was last written to a customer. A file that turns out to be damaged is set aside, and nothing is remembered
    /// from then on.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn customer(&self, id: CustomerId) -> Result<Written, WrittenError> {
        let Some(open) = &self.open else {
            return Ok(Written::default());
        };
        if open.is_forgotten.load(Ordering::Relaxed) {
            return Ok(Written::default());
        }
        match guarded(&open.path, || open.customer(id)) {
            Err(error) => {
                open.is_forgotten.store(true, Ordering::Relaxed);
                forget(error).map(|()| Written::default())
            }
            written => written,
        }
    }
}

impl Open {
    fn customer(&self, id: CustomerId) -> Result<Written, WrittenError> {
        let Some((customers, _)) = &self.store else {
            return Ok(Written::default());
        };
        let kept = customers.get(id.0);
        let kept = kept.map_err(|e| Trouble::from(e).at(&self.path))?;
        let bytes = kept.as_ref().map_or(&[][..], |kept| kept.value());
        Ok(Written::from_bytes(self.salt, id, bytes))
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
            .map_err(|e| forgotten(e.at(self.path)))
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

/// Takes runs in: `work` gives each of them to [`WrittenUpdates::run`]. All of it is kept, or nothing.
///
/// # Errors
/// Those of `work`, and if the file cannot be written. A damaged file was set aside, so that the next call makes a new
/// one.
pub fn update_written<E: From<WrittenError>>(
    path: &Path,
    salt: Salt,
    work: impl FnOnce(&WrittenUpdates<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let updated = catch_panic(|| update(path, salt, work));
    updated.unwrap_or_else(|| Err(forgotten(misfit(path)).into()))
}

/// One transaction in which runs are taken in.
pub struct WrittenUpdates<'a> {
    transaction: redb::WriteTransaction,
    salt: Salt,
    path: &'a Path,
}

impl std::fmt::Debug for WrittenUpdates<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WrittenUpdates").finish_non_exhaustive()
    }
}

fn update<E: From<WrittenError>>(
    path: &Path,
    salt: Salt,
    work: impl FnOnce(&WrittenUpdates<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let failed = |e: Trouble| E::from(forgotten(e.at(path)));
    let database = open_to_write(path).map_err(|e| E::from(forgotten(e)))?;
    let transaction = database.begin_write().map_err(|e| failed(e.into()))?;
    let salt = begin(&transaction, salt).map_err(failed)?;
    let updates = WrittenUpdates {
        transaction,
        salt,
        path,
    };
    work(&updates)?;
    let committed = updates.transaction.commit();
    committed.map_err(|e| failed(e.into()))
}

impl WrittenUpdates<'_> {
    /// Takes a run in: `work` learns what it wrote and gives the bytes of its journal, up to which it is taken in then. A
    /// run that is `over` never comes again.
    ///
    /// # Errors
    /// Those of `work`, and if the file cannot be written.
    pub fn run<E: From<WrittenError>>(
        &self,
        run: &RunId,
        over: bool,
        work: impl FnOnce(&mut WrittenUpdate<'_>) -> Result<u64, E>,
    ) -> Result<(), E> {
        let failed = |e: Trouble| E::from(forgotten(e.at(self.path)));
        let since = position(&self.transaction, run).map_err(failed)?;
        let customers = self.transaction.open_table(CUSTOMERS);
        let mut update = WrittenUpdate {
            customers: customers.map_err(|e| failed(e.into()))?,
            salt: self.salt,
            since,
            path: self.path,
        };
        let until = work(&mut update)?;
        drop(update);
        keep_position(&self.transaction, run, (!over).then_some(until)).map_err(failed)
    }
}

/// Works with the store, which finds many a damaged page with a panic and not with an error.
fn guarded<T>(
    path: &Path,
    work: impl FnOnce() -> Result<T, WrittenError>,
) -> Result<T, WrittenError> {
    catch_panic(work).unwrap_or_else(|| Err(misfit(path)))
}

fn misfit(path: &Path) -> WrittenError {
    corrupted("its pages do not fit together").at(path)
}

/// Sets a damaged file aside. Other errors stay what they are.
fn forget(error: WrittenError) -> Result<(), WrittenError> {
    let WrittenError::Damaged { path, source } = &error else {
        return Err(error);
    };
    let aside = platform::set_aside(path)?;
    tracing::warn!(
        "`{}` was damaged ({source}) and is now `{}`: what hcsync wrote to customers until now is forgotten. Until it is \
         written again it counts as edited by somebody else, so `overwrite = \"if_unedited\"` keeps it and \
         `managed = \"ours\"` removes none of the tags",
        path.display(),
        aside.display()
    );
    Ok(())
}

/// The same error, after a damaged file was set aside.
fn forgotten(error: WrittenError) -> WrittenError {
    let WrittenError::Damaged { path, .. } = &error else {
        return error;
    };
    let again = misfit(path);
    forget(error).err().unwrap_or(again)
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
        Some(found) if found > WRITTEN_VERSION && found <= MAX_VERSION => {
            return Err(Trouble::Newer(found));
        }
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
            // The system says so, such as of a full disk: the file itself is as it was.
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
        update_written::<WrittenError>(path, [9; 16], |updates| {
            updates.run(&run(id), over, |update| {
                since = update.since;
                update.learn(CustomerId(1), operations)?;
                Ok(until)
            })
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
    }

    #[test]
    fn what_does_not_come_to_its_end_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("written.redb");
        let broken = update_written::<WrittenError>(&path, [9; 16], |updates| {
            updates.run(&run("a"), false, |update| {
                update.learn(CustomerId(1), &tag("vip"))?;
                Err(busy(Path::new("elsewhere")))
            })
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
        update_written::<WrittenError>(&path, [9; 16], |updates| {
            updates.run(&run("b"), true, |update| {
                update.learn(CustomerId(1), &tag("half"))?;
                std::fs::copy(&path, &left).unwrap();
                Ok(5)
            })
        })
        .unwrap();
        let reader = WrittenReader::open(&left).unwrap();
        let written = reader.customer(CustomerId(1)).unwrap();
        assert!(written.added_tag("vip") && !written.added_tag("half"));
    }

    #[test]
    fn a_newer_file_is_refused_with_advice() {
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
        let add = update_written::<WrittenError>(&path, [9; 16], |updates| {
            updates.run(&run("a"), false, |_| Ok(0))
        });
        assert!(matches!(add, Err(WrittenError::Newer { found: 2, .. })));
    }

    /// A file of several pages with one damage: cut, or with zeros or random bytes somewhere.
    fn damage(whole: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
        let mut bytes = whole.to_vec();
        let from = random.usize(0..whole.len());
        let to = whole.len().min(from + random.usize(1..40_000));
        match random.u8(0..3) {
            0 => bytes.truncate(from),
            1 => bytes[from..to].fill(0),
            _ => bytes[from..to].fill_with(|| random.u8(..)),
        }
        bytes
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_the_run_is_taken_in_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("written.redb");
        update_written::<WrittenError>(&path, [9; 16], |updates| {
            updates.run(&run("a"), true, |update| {
                (0..3_000).try_for_each(|id| update.learn(CustomerId(id), &tag("vip")))?;
                Ok(5)
            })
        })
        .unwrap();
        let whole = std::fs::read(&path).unwrap();
        let mut random = fastrand::Rng::with_seed(14);
        let aside = folder.path().join("written.redb.damaged");
        let mut found = 0;
        for _ in 0..40 {
            std::fs::write(&path, damage(&whole, &mut random)).unwrap();
            let reader = WrittenReader::open(&path).unwrap();
            (0..3_000).for_each(|id| drop(reader.customer(CustomerId(id)).unwrap()));
            drop(reader);
            let add = || {
                update_written::<WrittenError>(&path, [9; 16], |updates| {
                    updates.run(&run("b"), true, |update| {
                        update.learn(CustomerId(1), &tag("new"))?;
                        Ok(9)
                    })
                })
            };
            if let Err(error) = add() {
                assert!(matches!(error, WrittenError::Damaged { .. }), "{error}");
                add().unwrap();
            }
            let reader = WrittenReader::open(&path).unwrap();
            assert!(reader.customer(CustomerId(1)).unwrap().added_tag("new"));
            found += u32::from(aside.exists());
            let _ = std::fs::remove_file(&aside);
        }
        assert!(found > 10, "{found} of 40");
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
