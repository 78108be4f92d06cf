//! The snapshot's database: blocks of customers, the ids of unsure ones, and facts about the whole.

use std::collections::BTreeSet;
use std::fs::File;
use std::sync::Arc;

use jiff::Timestamp;
use redb::{
    Builder, Database, Durability, ReadableDatabase, ReadableTable, TableDefinition,
    WriteTransaction,
};

use crate::domain::{CustomerId, RemoteCustomer};
use crate::plan::fingerprint::Fingerprinter;
use crate::platform::map_in_order;

use super::super::reading::{Reading, ReadingError};
use super::SnapshotError;
use super::block::{NEW_BLOCK, Records};
use super::changes::{ChangedBlock, ChangedBlocks, EntryChange};
use super::error::redb_error;
use super::facts::{AllFacts, SnapshotFacts, read_facts, write_facts};
use super::header::{decode, pack_header, updated};
use super::loading::Loading;
use super::panic_guard::guarded;
use super::repack::repack;
use super::stored::StoredBlocks;

/// Blocks by the lowest id that may be in them. The first has key 0, so that each id belongs to a block.
const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");
/// The header of each block, by the same key.
const HEADERS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("headers");
/// Customers that a run was going to write. Until it ended well, their entries may be outdated.
const UNSURE: TableDefinition<'_, u64, ()> = TableDefinition::new("unsure");

/// Cache of the database in bytes. It is small because the database is read once and in order.
const CACHE: usize = 8 << 20;
/// Blocks that a thread loads at once.
const BLOCKS_PER_LOAD: usize = 32;
/// Number of blocks per transaction when a snapshot is created.
const BLOCKS_PER_TRANSACTION: usize = 256;

/// An open snapshot. Only one process has it open at a time.
#[derive(Debug)]
pub struct SnapshotStore {
    /// `None` only while it is dropped.
    database: Option<Database>,
    all_facts: AllFacts,
}

impl Drop for SnapshotStore {
    fn drop(&mut self) {
        let database = self.database.take();
        // redb writes its last pages here. If that fails, nothing that was committed is lost.
        let closed = guarded(|| {
            drop(database);
            Ok(())
        });
        if let Err(error) = closed {
            tracing::debug!(%error, "the snapshot was not closed properly");
        }
    }
}

impl SnapshotStore {
    /// Opens an existing snapshot.
    ///
    /// # Errors
    /// If it is damaged, of a newer version, or open in another process.
    pub(super) fn open(file: File) -> Result<Self, SnapshotError> {
        guarded(move || {
            let database = Builder::new().set_cache_size(CACHE).create_file(file);
            let mut database = database.map_err(redb_error)?;
            let before = read_facts(&database)?;
            // A repair may roll back a transaction in which a run marked its customers as unsure. It also reports
            // differences in the list of free pages, which do no harm: then the facts stay the same.
            let is_whole = database.check_integrity().map_err(redb_error)?;
            let all_facts = read_facts(&database)?;
            let is_same = (all_facts.facts, all_facts.writes) == (before.facts, before.writes);
            if !is_whole && !is_same {
                return Err(SnapshotError::Damaged("pages of it are lost"));
            }
            Ok(Self {
                database: Some(database),
                all_facts,
            })
        })
    }

    /// Creates a snapshot of a complete reading that began at `as_of`. The file must be empty.
    pub(super) fn create(
        file: File,
        as_of: Timestamp,
        reading: &Reading,
    ) -> Result<Self, SnapshotError> {
        let database = Builder::new().set_cache_size(CACHE).create_file(file);
        let customers = reading.len();
        let store = Self {
            database: Some(database.map_err(redb_error)?),
            all_facts: AllFacts {
                facts: SnapshotFacts { as_of, customers },
                writes: 0,
                fingerprinter: reading.fingerprinter().cloned(),
            },
        };
        let ids = reading.ids()?;
        let mut is_first = true;
        for part in ids.chunks(NEW_BLOCK * BLOCKS_PER_TRANSACTION) {
            store.append(part, reading, std::mem::take(&mut is_first))?;
        }
        // Last and durable, since a snapshot without facts is unfinished.
        let transaction = store.database()?.begin_write().map_err(redb_error)?;
        drop(transaction.open_table(BLOCKS).map_err(redb_error)?);
        drop(transaction.open_table(HEADERS).map_err(redb_error)?);
        drop(transaction.open_table(UNSURE).map_err(redb_error)?);
        write_facts(&transaction, &store.all_facts)?;
        transaction.commit().map_err(redb_error)?;
        Ok(store)
    }

    fn append(
        &self,
        ids: &[CustomerId],
        reading: &Reading,
        is_first: bool,
    ) -> Result<(), SnapshotError> {
        let mut transaction = self.database()?.begin_write().map_err(redb_error)?;
        transaction
            .set_durability(Durability::None)
            .map_err(redb_error)?;
        let mut blocks = Vec::new();
        for (index, block) in ids.chunks(NEW_BLOCK).enumerate() {
            let mut records = Records::new();
            for id in block {
                records.extend(reading.record(*id)?.map(|record| (id.0, record)));
            }
            let lowest = block.first().map_or(0, |id| id.0);
            let key = if is_first && index == 0 { 0 } else { lowest };
            blocks.push((key, ChangedBlock::new(records)));
        }
        self.write_blocks(&transaction, blocks)?;
        transaction.commit().map_err(redb_error)
    }

    fn write_blocks(
        &self,
        transaction: &WriteTransaction,
        written: Vec<(u64, ChangedBlock)>,
    ) -> Result<(), SnapshotError> {
        let mut blocks = transaction.open_table(BLOCKS).map_err(redb_error)?;
        let mut headers = transaction.open_table(HEADERS).map_err(redb_error)?;
        for (key, block) in written {
            let packed = repack(&block)?;
            blocks.insert(key, packed.as_slice()).map_err(redb_error)?;
            if let Some(fingerprinter) = &self.all_facts.fingerprinter {
                let earlier = headers.get(key).map_err(redb_error)?;
                let updated = match earlier.as_ref().zip(block.before.as_ref()) {
                    Some((header, before)) => {
                        updated(header.value(), &block.records, before, fingerprinter)?
                    }
                    None => None,
                };
                drop(earlier);
                let header = match updated {
                    Some(header) => header,
                    None => decode(&block.records, Some(fingerprinter), |_| true)?,
                };
                let header = pack_header(&header)?;
                headers.insert(key, header.as_slice()).map_err(redb_error)?;
            }
        }
        Ok(())
    }

    fn database(&self) -> Result<&Database, SnapshotError> {
        let closed = SnapshotError::Damaged("it is closed");
        self.database.as_ref().ok_or(closed)
    }

    #[must_use]
    pub fn facts(&self) -> SnapshotFacts {
        self.all_facts.facts
    }

    /// What made the fingerprints that it has, if it has any.
    pub(in crate::remote) fn fingerprinter(&self) -> Option<&Arc<Fingerprinter>> {
        self.all_facts.fingerprinter.as_ref()
    }

    /// Adds all customers to a reading, except those that it already has and unsure ones. Returns how many it already
    /// had. Headers that are missing, or have other fingerprints than the reading, are made and kept.
    pub fn load(&mut self, reading: &mut Reading) -> Result<u64, SnapshotError> {
        guarded(|| self.load_all(reading))
    }

    fn load_all(&mut self, reading: &mut Reading) -> Result<u64, SnapshotError> {
        let own = reading.fingerprinter().cloned();
        let has_headers = self.fingerprinter().is_some_and(|stored| {
            let is_same = |own| Arc::ptr_eq(stored, own);
            own.as_ref().is_none_or(is_same)
        });
        let transaction = self.database()?.begin_read().map_err(redb_error)?;
        let table = if has_headers { HEADERS } else { BLOCKS };
        let table = transaction.open_table(table).map_err(redb_error)?;
        let mut entries = table.iter().map_err(redb_error)?;
        let next = || -> Result<_, SnapshotError> {
            let entries = entries.by_ref().take(BLOCKS_PER_LOAD);
            let blocks = entries.map(|entry| {
                let (key, value) = entry.map_err(redb_error)?;
                Ok((key.value(), has_headers.then(|| value.value().to_vec())))
            });
            let blocks: Vec<_> = blocks.collect::<Result<_, SnapshotError>>()?;
            Ok((!blocks.is_empty()).then_some(blocks))
        };
        let blocks = transaction.open_table(BLOCKS).map_err(redb_error)?;
        let blocks = Arc::new(StoredBlocks(blocks));
        let loading = Loading {
            blocks: Arc::clone(&blocks),
            known: reading.ids()?.into_iter().collect(),
            unsure: self.unsure()?,
            fingerprinter: own.clone(),
        };
        reading.reserve(usize::try_from(self.facts().customers).unwrap_or(0))?;
        reading.keep_stored(blocks);
        let (mut seen, mut met) = (0, 0);
        let made = MadeHeaders::begin(self.database()?, !has_headers && own.is_some())?;
        map_in_order(
            next,
            |blocks| loading.load(blocks),
            |loaded| {
                let loaded = loaded?;
                seen += loaded.seen;
                met += loaded.met;
                made.add(&loaded.headers)?;
                let mut customers = loaded.customers.into_iter();
                customers.try_for_each(|customers| Ok(reading.put_all(customers)?))
            },
        )?;
        if seen != self.facts().customers {
            return Err(SnapshotError::Damaged("customers are missing"));
        }
        if let Some(transaction) = made.0 {
            self.commit(
                transaction,
                AllFacts {
                    fingerprinter: own,
                    ..self.all_facts.clone()
                },
            )?;
        }
        Ok(met)
    }

    /// Returns the customers whose entries may be outdated.
    pub(super) fn unsure(&self) -> Result<BTreeSet<CustomerId>, SnapshotError> {
        guarded(|| {
            let transaction = self.database()?.begin_read().map_err(redb_error)?;
            let table = transaction.open_table(UNSURE).map_err(redb_error)?;
            let mut unsure = BTreeSet::new();
            for entry in table.iter().map_err(redb_error)? {
                unsure.insert(CustomerId(entry.map_err(redb_error)?.0.value()));
            }
            Ok(unsure)
        })
    }

    /// Stores customers that were just read.
    pub fn update<'c>(
        &mut self,
        customers: impl IntoIterator<Item = &'c RemoteCustomer>,
    ) -> Result<(), SnapshotError> {
        let changes = customers.into_iter().flat_map(|customer| {
            let id = customer.id;
            [
                EntryChange::Put(Box::new(customer.clone())),
                EntryChange::Sure(id),
            ]
        });
        let changes: Vec<_> = changes.collect();
        self.apply(&changes)
    }

    /// Applies the changes in one transaction, which is on disk when this returns.
    pub(super) fn apply(&mut self, changes: &[EntryChange]) -> Result<(), SnapshotError> {
        if changes.is_empty() {
            return Ok(());
        }
        guarded(|| self.apply_all(changes))
    }

    fn apply_all(&mut self, changes: &[EntryChange]) -> Result<(), SnapshotError> {
        let mut all_facts = self.all_facts.clone();
        let customers = &mut all_facts.facts.customers;
        let transaction = self.database()?.begin_write().map_err(redb_error)?;
        let mut changed = ChangedBlocks::default();
        {
            let mut unsure = transaction.open_table(UNSURE).map_err(redb_error)?;
            let blocks = transaction.open_table(BLOCKS).map_err(redb_error)?;
            for change in changes {
                let id = change.id().0;
                match change {
                    EntryChange::Unsure(_) => {
                        unsure.insert(id, ()).map_err(redb_error)?;
                    }
                    EntryChange::Sure(_) => {
                        unsure.remove(id).map_err(redb_error)?;
                    }
                    EntryChange::Put(customer) => {
                        let record = serde_json::to_vec(customer).map_err(ReadingError::from)?;
                        let existed = changed.block(&blocks, id)?.replace(id, Some(record));
                        *customers += u64::from(!existed);
                    }
                    EntryChange::Remove(_) => {
                        let existed = changed.block(&blocks, id)?.replace(id, None);
                        *customers -= u64::from(existed);
                    }
                }
            }
        }
        self.write_blocks(&transaction, changed.into_blocks())?;
        self.commit(transaction, all_facts)
    }

    fn commit(
        &mut self,
        transaction: WriteTransaction,
        mut all_facts: AllFacts,
    ) -> Result<(), SnapshotError> {
        all_facts.writes += 1;
        write_facts(&transaction, &all_facts)?;
        transaction.commit().map_err(redb_error)?;
        self.all_facts = all_facts;
        Ok(())
    }
}

/// Headers that are made while a snapshot is loaded, and written with it.
struct MadeHeaders(Option<WriteTransaction>);

impl MadeHeaders {
    fn begin(database: &Database, are_kept: bool) -> Result<Self, SnapshotError> {
        let begin = || database.begin_write().map_err(redb_error);
        Ok(Self(are_kept.then(begin).transpose()?))
    }

    fn add(&self, made: &[(u64, Vec<u8>)]) -> Result<(), SnapshotError> {
        let Some(transaction) = &self.0 else {
            return Ok(());
        };
        let mut headers = transaction.open_table(HEADERS).map_err(redb_error)?;
        for (key, header) in made {
            headers.insert(key, header.as_slice()).map_err(redb_error)?;
        }
        Ok(())
    }
}
