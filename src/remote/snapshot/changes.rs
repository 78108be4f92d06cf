//! Changes to entries of the snapshot, and the blocks that they touch.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use redb::ReadableTable;

use crate::domain::{CustomerId, RemoteCustomer};

use super::SnapshotError;
use super::block::{MAX_BLOCK, NEW_BLOCK, Records, unpack};
use super::error::redb_error;

/// A change to a customer's entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EntryChange {
    Put(Box<RemoteCustomer>),
    Remove(CustomerId),
    /// A run is going to write the customer.
    Unsure(CustomerId),
    /// The entry is up to date again.
    Sure(CustomerId),
}

impl EntryChange {
    pub(super) fn id(&self) -> CustomerId {
        match self {
            Self::Put(customer) => customer.id,
            Self::Remove(id) | Self::Unsure(id) | Self::Sure(id) => *id,
        }
    }
}

/// What changed records of a block were before; `None`: they were not there.
pub(super) type RecordsBefore = BTreeMap<u64, Option<Vec<u8>>>;

/// An unpacked block that is being changed.
pub(super) struct ChangedBlock {
    pub(super) records: Records,
    /// The changed records as they are packed. `None`: the block as a whole is new.
    pub(super) before: Option<RecordsBefore>,
    /// What was unpacked.
    pub(super) packed: Vec<u8>,
}

impl ChangedBlock {
    /// A block that was not packed before.
    pub(super) fn new(records: Records) -> Self {
        Self {
            records,
            before: None,
            packed: Vec::new(),
        }
    }

    /// Stores a record, or removes it. Returns whether there was one.
    pub(super) fn replace(&mut self, id: u64, record: Option<Vec<u8>>) -> bool {
        let earlier = match record {
            Some(record) => self.records.insert(id, record),
            None => self.records.remove(&id),
        };
        let existed = earlier.is_some();
        if let Some(before) = &mut self.before {
            before.entry(id).or_insert(earlier);
        }
        existed
    }
}

/// Unpacked blocks that are being changed, by their keys.
#[derive(Default)]
pub(super) struct ChangedBlocks(BTreeMap<u64, ChangedBlock>);

impl ChangedBlocks {
    /// Returns the block that the id belongs to, unpacking it the first time.
    pub(super) fn block(
        &mut self,
        blocks: &impl ReadableTable<u64, &'static [u8]>,
        id: u64,
    ) -> Result<&mut ChangedBlock, SnapshotError> {
        let stored = blocks.range(..=id).map_err(redb_error)?.next_back();
        let stored = stored.transpose().map_err(redb_error)?;
        let key = stored.as_ref().map_or(0, |(key, _)| key.value());
        Ok(match self.0.entry(key) {
            Entry::Occupied(occupied) => occupied.into_mut(),
            Entry::Vacant(vacant) => vacant.insert(match &stored {
                Some((_, block)) => ChangedBlock {
                    records: unpack(block.value())?,
                    before: Some(RecordsBefore::new()),
                    packed: block.value().to_vec(),
                },
                None => ChangedBlock::new(Records::new()),
            }),
        })
    }

    /// Returns the blocks with their keys, splitting large ones.
    pub(super) fn into_blocks(self) -> Vec<(u64, ChangedBlock)> {
        let mut blocks = Vec::new();
        for (mut key, mut block) in self.0 {
            while block.records.len() > MAX_BLOCK {
                let Some(cut) = block.records.keys().nth(NEW_BLOCK).copied() else {
                    break;
                };
                let rest = block.records.split_off(&cut);
                blocks.push((key, ChangedBlock::new(block.records)));
                (key, block) = (cut, ChangedBlock::new(rest));
            }
            blocks.push((key, block));
        }
        blocks
    }
}
