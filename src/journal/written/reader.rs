use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use redb::{Builder, DatabaseError, ReadOnlyDatabase, ReadOnlyTable, ReadableDatabase};

use super::store::{
    ABOUT, CACHE, CUSTOMERS, StoreError, WrittenError, catch_damage, is_blank, open_to_write,
    retry_open, salt_of, set_aside, unread,
};
use crate::domain::CustomerId;
use crate::plan::{LastWritten, Salt};
use crate::platform::{self, catch_panic};

/// Reads what hcsync last wrote to the customers of an account. Other processes can read at the same time; none can write
/// meanwhile.
pub struct WrittenReader {
    /// `None` if nothing is recorded.
    open: Option<OpenStore>,
}

struct OpenStore {
    /// `None` only during `drop`.
    store: Option<(Customers, ReadOnlyDatabase)>,
    salt: Salt,
    path: PathBuf,
    /// The file was found damaged, and set aside.
    is_forgotten: AtomicBool,
}

type Customers = ReadOnlyTable<u64, &'static [u8]>;

impl Drop for OpenStore {
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
    /// A reader for an account without records.
    #[must_use]
    pub fn empty() -> Self {
        Self { open: None }
    }

    /// Opens the account's file. A missing file counts as empty; so does a damaged one, which is set aside.
    ///
    /// # Errors
    /// It is newer than this program, cannot be read, or is in use for a minute.
    pub fn open(path: &Path) -> Result<Self, WrittenError> {
        match catch_damage(path, || Self::open_whole(path)) {
            Err(error) => set_aside(error).map(|()| Self::empty()),
            opened => opened,
        }
    }

    fn open_whole(path: &Path) -> Result<Self, WrittenError> {
        match platform::open_file(path) {
            Err(error) if error.is_not_found() => return Ok(Self::empty()),
            opened => {
                if is_blank(&mut opened?).map_err(unread(path))? {
                    return Ok(Self::empty());
                }
            }
        }
        let read_only = || Builder::new().set_cache_size(CACHE).open_read_only(path);
        let database = match retry_open(path, read_only)? {
            Ok(database) => database,
            // The process that wrote last was killed: opening the file for writing repairs it.
            Err(DatabaseError::RepairAborted) => {
                drop(open_to_write(path)?);
                retry_open(path, read_only)?.map_err(|e| StoreError::from(e).at(path))?
            }
            Err(error) => return Err(StoreError::from(error).at(path)),
        };
        Self::over(database, path)
            .map(|open| Self { open })
            .map_err(|e| e.at(path))
    }

    fn over(database: ReadOnlyDatabase, path: &Path) -> Result<Option<OpenStore>, StoreError> {
        let transaction = database.begin_read()?;
        let about = match transaction.open_table(ABOUT) {
            // Created, and not written to yet.
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            about => about?,
        };
        let salt = salt_of(&about)?;
        let customers = transaction.open_table(CUSTOMERS)?;
        Ok(Some(OpenStore {
            store: Some((customers, database)),
            salt,
            path: path.to_owned(),
            is_forgotten: AtomicBool::new(false),
        }))
    }

    /// What was last written to a customer. If the file turns out to be damaged, it is set aside and counts as empty from
    /// then on.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn customer(&self, id: CustomerId) -> Result<LastWritten, WrittenError> {
        let Some(open) = &self.open else {
            return Ok(LastWritten::default());
        };
        if open.is_forgotten.load(Ordering::Relaxed) {
            return Ok(LastWritten::default());
        }
        match catch_damage(&open.path, || open.customer(id)) {
            Err(error) => {
                open.is_forgotten.store(true, Ordering::Relaxed);
                set_aside(error).map(|()| LastWritten::default())
            }
            written => written,
        }
    }
}

impl OpenStore {
    fn customer(&self, id: CustomerId) -> Result<LastWritten, WrittenError> {
        let Some((customers, _)) = &self.store else {
            return Ok(LastWritten::default());
        };
        let stored = customers.get(id.0);
        let stored = stored.map_err(|e| StoreError::from(e).at(&self.path))?;
        let bytes = stored.as_ref().map_or(&[][..], |stored| stored.value());
        Ok(LastWritten::from_bytes(self.salt, id, bytes))
    }
}
