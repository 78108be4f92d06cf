//! The store: blocks of customers, those of whom it is not certain any more, and what is known of the whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use jiff::Timestamp;
use redb::{Builder, Database, Durability, ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};

use crate::domain::{CustomerId, RemoteCustomer};

use super::super::reading::Reading;
use super::SnapshotError;
use super::block::{FILL, MOST, Records, pack, unpack};
use super::error::of_store;
use super::guard::guarded;

/// The version of the format that this program writes; docs/formats/snapshot.md tells what is in it.
const FORMAT: u32 = 1;

/// Blocks by the lowest id that may be in them; the first has 0, so that every id belongs to one.
const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");
/// Customers that a run set out to write: until it ended well, nothing is certain of them.
const UNSURE: TableDefinition<'_, u64, ()> = TableDefinition::new("unsure");
const ABOUT: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("about");
const FACTS: &str = "facts";

/// The store keeps so many bytes in memory; it is read once and in order.
const CACHE: usize = 8 << 20;
/// Blocks that are written in one transaction while a snapshot is made.
const AT_ONCE: usize = 256;

/// What is known of a snapshot as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotFacts {
    /// When the complete reading began; nothing in it is older. What was answered since is newer.
    pub as_of: Timestamp,
    /// Customers in it, the unsure ones too.
    pub customers: u64,
}

/// As they stand in the store.
#[derive(Serialize, Deserialize)]
struct Facts {
    format: u32,
    /// RFC 3339, UTC.
    #[serde(default)]
    as_of: String,
    #[serde(default)]
    customers: u64,
    /// How often it was written.
    #[serde(default)]
    writes: u64,
}

/// What is to be done with a customer's entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Put(Box<RemoteCustomer>),
    Remove(CustomerId),
    /// A run is going to write it.
    Unsure(CustomerId),
    /// Its entry is right again.
    Sure(CustomerId),
}

impl Change {
    fn id(&self) -> CustomerId {
        match self {
            Self::Put(customer) => customer.id,
            Self::Remove(id) | Self::Unsure(id) | Self::Sure(id) => *id,
        }
    }
}

/// An open snapshot. Only one process has it open at a time.
#[derive(Debug)]
pub struct SnapshotStore {
    /// Nothing only while it is dropped.
    database: Option<Database>,
    facts: SnapshotFacts,
    writes: u64,
}

impl Drop for SnapshotStore {
    fn drop(&mut self) {
        let database = self.database.take();
        // It writes a last page or two. Where it cannot, what was committed is there all the same.
        let closed = guarded(|| {
            drop(database);
            Ok(())
        });
        if let Err(error) = closed {
            tracing::debug!(%error, "the snapshot was not closed well");
        }
    }
}

impl SnapshotStore {
    /// Opens a snapshot that is there.
    ///
    /// # Errors
    /// When it is damaged, of a newer version, or open in another process.
    pub(super) fn open(file: File) -> Result<Self, SnapshotError> {
        guarded(move || {
            let database = Builder::new().set_cache_size(CACHE).create_file(file);
            let mut database = database.map_err(of_store)?;
            let written = facts(&database)?;
            // What was rolled back may be a run's note of what it was about to write. That the store's own notes of free pages are not
            // as it would make them, of which this tells as well, loses nothing.
            let is_whole = database.check_integrity().map_err(of_store)?;
            let (facts, writes) = facts(&database)?;
            if !is_whole && (facts, writes) != written {
                return Err(SnapshotError::Damaged("pages of it are lost"));
            }
            Ok(Self {
                database: Some(database),
                facts,
                writes,
            })
        })
    }

    /// Makes a snapshot of a complete reading that began then, in a file that is empty.
    pub(super) fn make(
        file: File,
        as_of: Timestamp,
        reading: &Reading,
    ) -> Result<Self, SnapshotError> {
        let database = Builder::new().set_cache_size(CACHE).create_file(file);
        let facts = SnapshotFacts {
            as_of,
            customers: reading.len(),
        };
        let store = Self {
            database: Some(database.map_err(of_store)?),
            facts,
            writes: 0,
        };
        let ids = reading.ids();
        let mut first = true;
        for part in ids.chunks(FILL * AT_ONCE) {
            store.append(part, reading, std::mem::take(&mut first))?;
        }
        // Last, and durable: a snapshot without its facts is none.
        let transaction = store.database()?.begin_write().map_err(of_store)?;
        drop(transaction.open_table(BLOCKS).map_err(of_store)?);
        drop(transaction.open_table(UNSURE).map_err(of_store)?);
        write_facts(&transaction, facts, store.writes)?;
        transaction.commit().map_err(of_store)?;
        Ok(store)
    }

    fn append(
        &self,
        ids: &[CustomerId],
        reading: &Reading,
        first: bool,
    ) -> Result<(), SnapshotError> {
        let mut transaction = self.database()?.begin_write().map_err(of_store)?;
        transaction
            .set_durability(Durability::None)
            .map_err(of_store)?;
        {
            let mut blocks = transaction.open_table(BLOCKS).map_err(of_store)?;
            for (index, block) in ids.chunks(FILL).enumerate() {
                let mut records = Records::new();
                for id in block {
                    records.extend(reading.record(*id)?.map(|record| (id.0, record)));
                }
                let lowest = block.first().map_or(0, |id| id.0);
                let key = if first && index == 0 { 0 } else { lowest };
                let packed = pack(&records)?;
                blocks.insert(key, packed.as_slice()).map_err(of_store)?;
            }
        }
        transaction.commit().map_err(of_store)
    }

    fn database(&self) -> Result<&Database, SnapshotError> {
        let closed = SnapshotError::Damaged("it is closed");
        self.database.as_ref().ok_or(closed)
    }

    #[must_use]
    pub fn facts(&self) -> SnapshotFacts {
        self.facts
    }

    /// Adds all customers to a reading, but those that it has and those of whom it is not certain. Tells how many it
    /// had.
    ///
    /// # Errors
    /// When it is damaged, or the reading cannot be kept.
    pub fn load(&self, reading: &mut Reading) -> Result<u64, SnapshotError> {
        guarded(|| self.load_all(reading))
    }

    fn load_all(&self, reading: &mut Reading) -> Result<u64, SnapshotError> {
        let transaction = self.database()?.begin_read().map_err(of_store)?;
        let unsure = self.unsure()?;
        let blocks = transaction.open_table(BLOCKS).map_err(of_store)?;
        let (mut seen, mut met) = (0, 0);
        for entry in blocks.iter().map_err(of_store)? {
            let (_, block) = entry.map_err(of_store)?;
            for (id, record) in unpack(block.value())? {
                seen += 1;
                let id = CustomerId(id);
                if reading.contains(id) {
                    met += 1;
                } else if !unsure.contains(&id) {
                    reading.put_record(id, &record)?;
                }
            }
        }
        if seen != self.facts.customers {
            return Err(SnapshotError::Damaged("customers are missing"));
        }
        Ok(met)
    }

    /// Those of whom it is not certain.
    pub(super) fn unsure(&self) -> Result<BTreeSet<CustomerId>, SnapshotError> {
        guarded(|| {
            let transaction = self.database()?.begin_read().map_err(of_store)?;
            let table = transaction.open_table(UNSURE).map_err(of_store)?;
            let mut unsure = BTreeSet::new();
            for entry in table.iter().map_err(of_store)? {
                unsure.insert(CustomerId(entry.map_err(of_store)?.0.value()));
            }
            Ok(unsure)
        })
    }

    /// Takes over customers that were read just now.
    ///
    /// # Errors
    /// When it is damaged or cannot be written.
    pub fn update<'c>(
        &mut self,
        customers: impl IntoIterator<Item = &'c RemoteCustomer>,
    ) -> Result<(), SnapshotError> {
        let changes = customers.into_iter().flat_map(|customer| {
            let id = customer.id;
            [Change::Put(Box::new(customer.clone())), Change::Sure(id)]
        });
        let changes: Vec<_> = changes.collect();
        self.apply(&changes)
    }

    /// Does all of this or nothing; it is on disk when this returns.
    pub(super) fn apply(&mut self, changes: &[Change]) -> Result<(), SnapshotError> {
        if changes.is_empty() {
            return Ok(());
        }
        guarded(|| self.apply_all(changes))
    }

    fn apply_all(&mut self, changes: &[Change]) -> Result<(), SnapshotError> {
        let mut facts = self.facts;
        let transaction = self.database()?.begin_write().map_err(of_store)?;
        {
            let mut unsure = transaction.open_table(UNSURE).map_err(of_store)?;
            let mut blocks = transaction.open_table(BLOCKS).map_err(of_store)?;
            let mut touched = Touched::default();
            for change in changes {
                let id = change.id().0;
                match change {
                    Change::Unsure(_) => {
                        unsure.insert(id, ()).map_err(of_store)?;
                    }
                    Change::Sure(_) => {
                        unsure.remove(id).map_err(of_store)?;
                    }
                    Change::Put(customer) => {
                        let record = serde_json::to_vec(customer)
                            .map_err(super::super::reading::ReadingError::from)?;
                        let before = touched.block(&blocks, id)?.insert(id, record);
                        facts.customers += u64::from(before.is_none());
                    }
                    Change::Remove(_) => {
                        let before = touched.block(&blocks, id)?.remove(&id);
                        facts.customers -= u64::from(before.is_some());
                    }
                }
            }
            for (key, packed) in touched.into_blocks()? {
                blocks.insert(key, packed.as_slice()).map_err(of_store)?;
            }
        }
        let writes = self.writes + 1;
        write_facts(&transaction, facts, writes)?;
        transaction.commit().map_err(of_store)?;
        (self.facts, self.writes) = (facts, writes);
        Ok(())
    }
}

/// Blocks that are being changed, by the key that they are kept under.
#[derive(Default)]
struct Touched(BTreeMap<u64, Records>);

impl Touched {
    /// The block that the id belongs to.
    fn block(
        &mut self,
        blocks: &impl ReadableTable<u64, &'static [u8]>,
        id: u64,
    ) -> Result<&mut Records, SnapshotError> {
        let found = blocks.range(..=id).map_err(of_store)?.next_back();
        let found = found.transpose().map_err(of_store)?;
        let key = found.as_ref().map_or(0, |(key, _)| key.value());
        if let std::collections::btree_map::Entry::Vacant(vacant) = self.0.entry(key) {
            let records = match &found {
                Some((_, block)) => unpack(block.value())?,
                None => Records::new(),
            };
            vacant.insert(records);
        }
        Ok(self.0.entry(key).or_default())
    }

    /// The blocks to be written, a large one as several.
    fn into_blocks(self) -> Result<Vec<(u64, Vec<u8>)>, SnapshotError> {
        let mut packed = Vec::new();
        for (mut key, mut records) in self.0 {
            while records.len() > MOST {
                let Some(cut) = records.keys().nth(FILL).copied() else {
                    break;
                };
                let rest = records.split_off(&cut);
                packed.push((key, pack(&records)?));
                (key, records) = (cut, rest);
            }
            packed.push((key, pack(&records)?));
        }
        Ok(packed)
    }
}

fn facts(database: &Database) -> Result<(SnapshotFacts, u64), SnapshotError> {
    let transaction = database.begin_read().map_err(of_store)?;
    let about = transaction.open_table(ABOUT).map_err(of_store)?;
    let found = about.get(FACTS).map_err(of_store)?;
    let found = found.ok_or(SnapshotError::Damaged("it was not finished"))?;
    let unreadable = |_| SnapshotError::Damaged("its facts cannot be read");
    let facts: Facts = serde_json::from_slice(found.value()).map_err(unreadable)?;
    if facts.format > FORMAT {
        return Err(SnapshotError::Newer(facts.format));
    }
    let as_of = facts.as_of.parse();
    let known = SnapshotFacts {
        as_of: as_of.map_err(|_| SnapshotError::Damaged("its time cannot be read"))?,
        customers: facts.customers,
    };
    Ok((known, facts.writes))
}

fn write_facts(
    transaction: &redb::WriteTransaction,
    facts: SnapshotFacts,
    writes: u64,
) -> Result<(), SnapshotError> {
    let facts = Facts {
        format: FORMAT,
        as_of: facts.as_of.to_string(),
        customers: facts.customers,
        writes,
    };
    let facts = serde_json::to_vec(&facts).map_err(super::super::reading::ReadingError::from)?;
    let mut about = transaction.open_table(ABOUT).map_err(of_store)?;
    about.insert(FACTS, facts.as_slice()).map_err(of_store)?;
    Ok(())
}
