//! The snapshot's files in the account's folder, and who may touch them.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::platform::{
    FileAction, FileError, FileLock, create_folder, create_new_file, open_or_create_file,
    remove_file, sync_parent, write_whole,
};

use super::super::reading::Reading;
use super::{SnapshotError, SnapshotStore};

const STORE: &str = "snapshot.redb";
/// A snapshot that is being made.
const NEW: &str = "snapshot.redb.new";
const LOCK: &str = "snapshot.lock";
/// Some run wrote customers without noting it here, because another process had the lock.
const VOID: &str = "snapshot.void";

/// The right to the snapshot's files, held by one process at a time.
#[derive(Debug)]
pub struct SnapshotFiles {
    folder: PathBuf,
    store: Option<SnapshotStore>,
    _lock: FileLock,
}

impl SnapshotFiles {
    /// Takes the files of an account's folder; nothing where another process has them.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn claim(folder: &Path) -> Result<Option<Self>, SnapshotError> {
        create_folder(folder)?;
        let Some(lock) = FileLock::try_acquire(&folder.join(LOCK))? else {
            return Ok(None);
        };
        let files = Self {
            folder: folder.to_owned(),
            store: None,
            _lock: lock,
        };
        if files.is_void() {
            remove_file(&files.folder.join(STORE))?;
            remove_file(&files.folder.join(VOID))?;
        }
        Ok(Some(files))
    }

    fn is_void(&self) -> bool {
        fs::symlink_metadata(self.folder.join(VOID)).is_ok()
    }

    /// The snapshot; nothing where there is none.
    ///
    /// # Errors
    /// When it is damaged or of a newer version: it stays until a new one takes its place.
    pub fn open(&mut self) -> Result<Option<&mut SnapshotStore>, SnapshotError> {
        let path = self.folder.join(STORE);
        if self.store.is_none() && fs::symlink_metadata(&path).is_ok() {
            self.store = Some(SnapshotStore::open(open_or_create_file(&path)?)?);
        }
        Ok(self.store.as_mut())
    }

    /// Makes a snapshot of a complete reading that began then, in the place of the one that is there.
    ///
    /// # Errors
    /// When it cannot be written: then the one that is there stays.
    pub fn replace(&mut self, as_of: Timestamp, reading: &Reading) -> Result<(), SnapshotError> {
        let new = self.folder.join(NEW);
        remove_file(&new)?;
        let made = SnapshotStore::make(create_new_file(&new)?, as_of, reading);
        if made.is_err() || self.is_void() {
            remove_file(&new)?;
            return made.map(drop);
        }
        let path = self.folder.join(STORE);
        self.store = None;
        fs::rename(&new, &path).map_err(|e| FileError::new(FileAction::Replace, &path, e))?;
        sync_parent(&path)?;
        self.store = made.ok();
        Ok(())
    }

    /// Removes the snapshot: what it says does not hold.
    ///
    /// # Errors
    /// When it stays.
    pub fn discard(&mut self) -> Result<(), SnapshotError> {
        self.store = None;
        Ok(remove_file(&self.folder.join(STORE))?)
    }
}

/// Says that the snapshot of an account does not hold, where another process has it: the next one that takes it
/// removes it, and the other one does not put a new one in its place.
///
/// # Errors
/// When that cannot be noted.
pub fn void_snapshot(folder: &Path) -> Result<(), SnapshotError> {
    Ok(write_whole(&folder.join(VOID), b"")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CustomerId, Field, RemoteCustomer, Value};
    use crate::plan::matching::RemoteLookup;

    fn person(id: u64, name: &str) -> RemoteCustomer {
        let mut customer = RemoteCustomer::unknown(CustomerId(id));
        customer.set_field(Field::UserId, Some(Value::Text(format!("u{id}"))));
        customer.set_field(Field::Name, Some(Value::Text(name.into())));
        customer
    }

    fn reading(ids: impl IntoIterator<Item = u64>) -> Reading {
        let mut reading = Reading::new(tempfile::tempfile().unwrap());
        for id in ids {
            reading.put(&person(id, &format!("Person {id}"))).unwrap();
        }
        reading
    }

    fn as_of() -> Timestamp {
        "2026-11-20T03:12:44Z".parse().unwrap()
    }

    fn kept(files: &mut SnapshotFiles) -> Reading {
        let mut kept = reading([]);
        files.open().unwrap().unwrap().load(&mut kept).unwrap();
        kept
    }

    fn made(folder: &Path, ids: impl IntoIterator<Item = u64>) -> SnapshotFiles {
        let mut files = SnapshotFiles::claim(folder).unwrap().unwrap();
        files.replace(as_of(), &reading(ids)).unwrap();
        files
    }

    #[test]
    fn what_was_read_comes_back_with_its_time() {
        let folder = tempfile::tempdir().unwrap();
        drop(made(folder.path(), (1..=5_000).map(|id| id * 3)));
        let mut files = SnapshotFiles::claim(folder.path()).unwrap().unwrap();
        let facts = files.open().unwrap().unwrap().facts();
        assert_eq!((facts.as_of, facts.customers), (as_of(), 5_000));
        let kept = kept(&mut files);
        assert_eq!(kept.len(), 5_000);
        let one = kept.customer(CustomerId(9_999)).unwrap();
        assert_eq!(one, Some(person(9_999, "Person 9999")));
        assert_eq!(
            kept.with_user_id("u15000").unwrap().as_slice(),
            [CustomerId(15_000)]
        );
    }

    #[test]
    fn customers_that_the_reading_has_already_are_not_loaded_over() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = made(folder.path(), 1..=10);
        let mut fresh = reading([]);
        fresh.put(&person(4, "Newer")).unwrap();
        files.open().unwrap().unwrap().load(&mut fresh).unwrap();
        let four = fresh.customer(CustomerId(4)).unwrap();
        assert_eq!((fresh.len(), four), (10, Some(person(4, "Newer"))));
    }

    #[test]
    fn an_empty_account_has_a_snapshot_that_grows() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = made(folder.path(), []);
        let people: Vec<_> = (1..=1_000)
            .map(|id| person(id * 5 % 1_009, "Somebody"))
            .collect();
        files.open().unwrap().unwrap().update(&people).unwrap();
        files.open().unwrap().unwrap().update(&people).unwrap();
        assert_eq!(files.open().unwrap().unwrap().facts().customers, 1_000);
        assert_eq!(kept(&mut files).len(), 1_000);
    }

    #[test]
    fn a_second_process_goes_without() {
        let folder = tempfile::tempdir().unwrap();
        let first = made(folder.path(), [1]);
        assert!(SnapshotFiles::claim(folder.path()).unwrap().is_none());
        drop(first);
        assert!(SnapshotFiles::claim(folder.path()).unwrap().is_some());
    }

    #[test]
    fn what_a_run_without_the_lock_voids_is_neither_used_nor_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = made(folder.path(), [1]);
        void_snapshot(folder.path()).unwrap();
        first.replace(as_of(), &reading([1, 2])).unwrap();
        drop(first);
        let mut next = SnapshotFiles::claim(folder.path()).unwrap().unwrap();
        assert!(next.open().unwrap().is_none());
        next.replace(as_of(), &reading([1, 2])).unwrap();
        assert_eq!(kept(&mut next).len(), 2);
    }

    #[test]
    fn a_file_that_is_damaged_anywhere_is_told_and_never_half_believed() {
        let folder = tempfile::tempdir().unwrap();
        drop(made(folder.path(), 1..=3_000));
        let path = folder.path().join(STORE);
        let whole = fs::read(&path).unwrap();
        let all = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            let mut files = SnapshotFiles::claim(folder.path()).unwrap().unwrap();
            let mut kept = reading([]);
            let store = files.open()?.ok_or(SnapshotError::Damaged("gone"))?;
            store.load(&mut kept)?;
            Ok::<_, SnapshotError>(kept.len())
        };
        assert_eq!(all(&whole).unwrap(), 3_000);
        for cut in [0, 1, 100, whole.len() / 3, whole.len() / 2] {
            assert!(all(&whole[..cut]).is_err(), "cut at {cut}");
        }
        assert!(all(b"this is no store at all").is_err());
        let mut noticed = 0;
        let used: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] != 0).collect();
        for at in used.iter().copied().step_by(used.len() / 60) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0xff;
            match all(&damaged) {
                // Not every byte is in use.
                Ok(count) => assert_eq!(count, 3_000, "at {at}"),
                Err(_) => noticed += 1,
            }
        }
        assert!(noticed > 20, "{noticed} of 60 in {} bytes", whole.len());
    }

    #[cfg(unix)]
    #[test]
    fn it_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let account = folder.path().join("account");
        drop(made(&account, 1..=3));
        for entry in fs::read_dir(&account).unwrap() {
            let mode = entry.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
