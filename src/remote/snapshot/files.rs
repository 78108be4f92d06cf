//! The snapshot's files in the account's folder, and the lock on them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::RemoteCustomer;
use crate::plan::matching::RemoteLookup as _;
use crate::platform::{
    FileAction, FileError, FileLock, create_folder, create_new_file, open_or_create_file,
    remove_file, sync_parent, write_whole,
};

use super::super::reading::{Reading, ReadingError};
use super::{SnapshotError, SnapshotStore};

const STORE: &str = "snapshot.redb";
/// A snapshot that is being created.
const NEW: &str = "snapshot.redb.new";
const LOCK: &str = "snapshot.lock";
/// Marks the snapshot as invalid: a run wrote customers without updating it, because another process had the lock.
const VOID: &str = "snapshot.void";

/// Exclusive access to the snapshot's files.
#[derive(Debug)]
pub struct SnapshotFiles {
    folder: PathBuf,
    store: Option<SnapshotStore>,
    _lock: FileLock,
}

impl SnapshotFiles {
    /// Locks the files of an account's folder. `None` if another process has locked them.
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
        if files.is_invalid() {
            remove_file(&files.folder.join(STORE))?;
            remove_file(&files.folder.join(VOID))?;
        }
        Ok(Some(files))
    }

    fn is_invalid(&self) -> bool {
        fs::symlink_metadata(self.folder.join(VOID)).is_ok()
    }

    /// Opens the snapshot. `None` if there is none.
    ///
    /// # Errors
    /// If it is damaged or of a newer version. It stays until a new one replaces it.
    pub fn open(&mut self) -> Result<Option<&mut SnapshotStore>, SnapshotError> {
        let path = self.folder.join(STORE);
        if self.store.is_none() && fs::symlink_metadata(&path).is_ok() {
            self.store = Some(SnapshotStore::open(open_or_create_file(&path)?)?);
        }
        Ok(self.store.as_mut())
    }

    /// Replaces the snapshot by one of a complete reading that began at `as_of`.
    ///
    /// # Errors
    /// If it cannot be written. Then the old one stays.
    pub fn replace(&mut self, as_of: Timestamp, reading: &Reading) -> Result<(), SnapshotError> {
        let new = self.folder.join(NEW);
        remove_file(&new)?;
        let created = SnapshotStore::create(create_new_file(&new)?, as_of, reading);
        if created.is_err() || self.is_invalid() {
            remove_file(&new)?;
            return created.map(drop);
        }
        let path = self.folder.join(STORE);
        self.store = None;
        fs::rename(&new, &path).map_err(|e| FileError::new(FileAction::Replace, &path, e))?;
        sync_parent(&path)?;
        self.store = created.ok();
        Ok(())
    }

    /// The customers of the snapshot that have one of these e-mail addresses. `spool` creates an empty file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn with_emails(
        &mut self,
        spool: impl Fn() -> io::Result<File>,
        emails: &[String],
    ) -> Result<Vec<RemoteCustomer>, SnapshotError> {
        let Some(store) = self.open()? else {
            return Ok(Vec::new());
        };
        let mut all = spool().map(Reading::new).map_err(ReadingError::from)?;
        store.load(&mut all)?;
        let mut found = Vec::new();
        for email in emails {
            for id in all.with_email(email)? {
                found.extend(all.customer(id)?);
            }
        }
        Ok(found)
    }

    /// Writes the snapshot anew with those customers only that `is_kept` selects, so that no page of the file holds anything
    /// of the others. Unsure customers are left out, too, and are looked up when they are needed. `spool`: creates empty
    /// files.
    ///
    /// # Errors
    /// If it cannot be read or written. Then the old one stays.
    pub fn retain(
        &mut self,
        spool: impl Fn() -> io::Result<File>,
        is_kept: impl Fn(&RemoteCustomer) -> bool,
    ) -> Result<(), SnapshotError> {
        let Some(store) = self.open()? else {
            return Ok(());
        };
        let new_reading = || spool().map(Reading::new).map_err(ReadingError::from);
        let mut all = new_reading()?;
        let mut kept = new_reading()?;
        if let Some(fingerprinter) = store.fingerprinter() {
            kept = kept.with_fingerprints(Arc::clone(fingerprinter));
        }
        store.load(&mut all)?;
        let as_of = store.facts().as_of;
        for id in all.ids()? {
            if let Some(customer) = all.customer(id)?.filter(|customer| is_kept(customer)) {
                kept.put(&customer)?;
            }
        }
        drop(all);
        self.replace(as_of, &kept)
    }

    /// Removes the snapshot because it is not up to date.
    pub fn discard(&mut self) -> Result<(), SnapshotError> {
        self.store = None;
        Ok(remove_file(&self.folder.join(STORE))?)
    }
}

/// Marks the snapshot of an account as invalid while another process has locked it. The next process that locks it
/// removes it, and the other one does not replace it.
pub fn invalidate_snapshot(folder: &Path) -> Result<(), SnapshotError> {
    Ok(write_whole(&folder.join(VOID), b"")?)
}

#[cfg(test)]
mod tests {
    use super::super::changes::EntryChange;
    use super::*;
    use crate::domain::{CustomerId, DesiredCustomer, Field, RemoteCustomer, Value, Wish};
    use crate::plan::fingerprint::{Fingerprinter, ManagedAttributes};
    use crate::plan::key_hash::{KeyHash, KeyHashes};

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

    fn stored(files: &mut SnapshotFiles) -> Reading {
        let mut stored = reading([]);
        files.open().unwrap().unwrap().load(&mut stored).unwrap();
        stored
    }

    fn created(folder: &Path, ids: impl IntoIterator<Item = u64>) -> SnapshotFiles {
        let mut files = SnapshotFiles::claim(folder).unwrap().unwrap();
        files.replace(as_of(), &reading(ids)).unwrap();
        files
    }

    #[test]
    fn a_reading_can_be_loaded_again_with_its_time() {
        let folder = tempfile::tempdir().unwrap();
        drop(created(folder.path(), (1..=5_000).map(|id| id * 3)));
        let mut files = SnapshotFiles::claim(folder.path()).unwrap().unwrap();
        let facts = files.open().unwrap().unwrap().facts();
        assert_eq!((facts.as_of, facts.customers), (as_of(), 5_000));
        let stored = stored(&mut files);
        assert_eq!(stored.len(), 5_000);
        let one = stored.customer(CustomerId(9_999)).unwrap();
        assert_eq!(one, Some(person(9_999, "Person 9999")));
        assert_eq!(
            stored.with_user_id("u15000").unwrap().as_slice(),
            [CustomerId(15_000)]
        );
    }

    #[test]
    fn customers_that_the_reading_already_has_are_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = created(folder.path(), 1..=10);
        let mut fresh = reading([]);
        fresh.put(&person(4, "Newer")).unwrap();
        files.open().unwrap().unwrap().load(&mut fresh).unwrap();
        let four = fresh.customer(CustomerId(4)).unwrap();
        assert_eq!((fresh.len(), four), (10, Some(person(4, "Newer"))));
    }

    #[test]
    fn an_empty_account_has_a_snapshot_that_grows() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = created(folder.path(), []);
        let people: Vec<_> = (1..=1_000)
            .map(|id| person(id * 5 % 1_009, "Ann"))
            .collect();
        files.open().unwrap().unwrap().update(&people).unwrap();
        files.open().unwrap().unwrap().update(&people).unwrap();
        assert_eq!(files.open().unwrap().unwrap().facts().customers, 1_000);
        assert_eq!(stored(&mut files).len(), 1_000);
    }

    fn printing(managed: &[Field], seed: u64) -> Reading {
        let managed = ManagedAttributes {
            fields: managed.to_vec(),
            ..ManagedAttributes::default()
        };
        let fingerprinter = Fingerprinter::new(managed, seed);
        reading([]).with_fingerprints(Arc::new(fingerprinter))
    }

    /// Loads a snapshot as a run does whose config manages these fields. Returns which of the customers is proved to have this
    /// name, and the seed of the fingerprints.
    fn proved(
        files: &mut SnapshotFiles,
        (managed, seed): (&[Field], u64),
        name: &str,
    ) -> (Vec<u64>, u64) {
        let mut loaded = printing(managed, seed);
        let store = files.open().unwrap().unwrap();
        if let Some(stored) = store.fingerprinter() {
            loaded.share_fingerprints(stored);
        }
        store.load(&mut loaded).unwrap();
        let (prints, index) = loaded.fingerprints().unwrap();
        let is_proved = |id: &u64| {
            let user_id = format!("u{id}");
            let fields = managed.iter().map(|field| {
                let text = if *field == Field::Name {
                    name
                } else {
                    &user_id
                };
                (*field, Wish::Set(Value::Text(text.to_owned())))
            });
            let desired: DesiredCustomer = DesiredCustomer {
                fields: fields.collect(),
                ..DesiredCustomer::default()
            };
            let keys = KeyHashes {
                user_id: Some(KeyHash::of_user_id(&user_id)),
                email: None,
            };
            let print = prints.of_row(&desired);
            let place = index.only(keys);
            let found = place.and_then(|place| index.only_at(place, keys));
            found.is_some_and(|(found, of_customer)| {
                found == CustomerId(*id) && print.is_some() && of_customer == print
            })
        };
        let proved = (1..=300).filter(is_proved).collect();
        (proved, prints.seed())
    }

    #[test]
    fn fingerprints_are_kept_with_the_snapshot_and_made_anew_for_other_attributes() {
        const BOTH: &[Field] = &[Field::UserId, Field::Name];
        let folder = tempfile::tempdir().unwrap();
        let mut files = SnapshotFiles::claim(folder.path()).unwrap().unwrap();
        let mut complete = printing(BOTH, 1);
        (1..=300).for_each(|id| complete.put(&person(id, "Ann")).unwrap());
        files.replace(as_of(), &complete).unwrap();
        files.store = None;
        let all: Vec<u64> = (1..=300).collect();
        assert_eq!(proved(&mut files, (BOTH, 2), "Ann"), (all.clone(), 1));
        assert_eq!(proved(&mut files, (BOTH, 2), "Bob"), (vec![], 1));
        // Answers keep them up to date.
        let bobs = [7, 77, 207].map(|id| person(id, "Bob"));
        files.open().unwrap().unwrap().update(&bobs).unwrap();
        files.store = None;
        assert_eq!(proved(&mut files, (BOTH, 3), "Bob"), (vec![7, 77, 207], 1));
        assert_eq!(proved(&mut files, (BOTH, 3), "Ann").0.len(), 297);
        // Another config has others, which are kept in turn.
        let one: &[Field] = &[Field::UserId];
        assert_eq!(proved(&mut files, (one, 4), ""), (all.clone(), 4));
        files.store = None;
        assert_eq!(proved(&mut files, (one, 5), ""), (all, 4));
        assert_eq!(stored(&mut files).len(), 300);
    }

    #[test]
    fn a_header_is_not_taken_for_customers_that_are_known_or_unsure() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = SnapshotFiles::claim(folder.path()).unwrap().unwrap();
        let mut complete = printing(&[Field::Name], 1);
        (1..=300).for_each(|id| complete.put(&person(id, "Ann")).unwrap());
        files.replace(as_of(), &complete).unwrap();
        let store = files.open().unwrap().unwrap();
        store
            .apply(&[EntryChange::Unsure(CustomerId(100))])
            .unwrap();
        let mut fresh = printing(&[Field::Name], 1);
        fresh.share_fingerprints(store.fingerprinter().unwrap());
        fresh.put(&person(200, "Newer")).unwrap();
        assert_eq!(store.load(&mut fresh).unwrap(), 1);
        assert_eq!(fresh.len(), 299);
        let of = |id| fresh.customer(CustomerId(id)).unwrap();
        assert_eq!((of(200), of(100)), (Some(person(200, "Newer")), None));
        for id in (1..=300).filter(|id| *id != 200 && *id != 100) {
            assert_eq!(of(id), Some(person(id, "Ann")));
        }
    }

    #[test]
    fn a_second_process_gets_no_snapshot() {
        let folder = tempfile::tempdir().unwrap();
        let first = created(folder.path(), [1]);
        assert!(SnapshotFiles::claim(folder.path()).unwrap().is_none());
        drop(first);
        assert!(SnapshotFiles::claim(folder.path()).unwrap().is_some());
    }

    #[test]
    fn an_invalidated_snapshot_is_neither_used_nor_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = created(folder.path(), [1]);
        invalidate_snapshot(folder.path()).unwrap();
        first.replace(as_of(), &reading([1, 2])).unwrap();
        drop(first);
        let mut next = SnapshotFiles::claim(folder.path()).unwrap().unwrap();
        assert!(next.open().unwrap().is_none());
        next.replace(as_of(), &reading([1, 2])).unwrap();
        assert_eq!(stored(&mut next).len(), 2);
    }

    #[test]
    fn damage_anywhere_in_the_file_is_an_error_and_never_a_partial_load() {
        let folder = tempfile::tempdir().unwrap();
        drop(created(folder.path(), 1..=3_000));
        let path = folder.path().join(STORE);
        let whole = fs::read(&path).unwrap();
        let all = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            let mut files = SnapshotFiles::claim(folder.path()).unwrap().unwrap();
            let mut stored = reading([]);
            let store = files.open()?.ok_or(SnapshotError::Damaged("gone"))?;
            store.load(&mut stored)?;
            Ok::<_, SnapshotError>(stored.len())
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
    fn only_the_owner_may_read_the_files() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let account = folder.path().join("account");
        drop(created(&account, 1..=3));
        for entry in fs::read_dir(&account).unwrap() {
            let mode = entry.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
