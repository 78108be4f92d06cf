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

/// Unpacked blocks that are being changed, by their keys.
#[derive(Default)]
pub(super) struct ChangedBlocks(BTreeMap<u64, Records>);

impl ChangedBlocks {
    /// Returns the block that the id belongs to, unpacking it the first time.
    pub(super) fn block(
        &mut self,
        blocks: &impl ReadableTable<u64, &'static [u8]>,
        id: u64,
    ) -> Result<&mut Records, SnapshotError> {
        let stored = blocks.range(..=id).map_err(redb_error)?.next_back();
        let stored = stored.transpose().map_err(redb_error)?;
        let key = stored.as_ref().map_or(0, |(key, _)| key.value());
        Ok(match self.0.entry(key) {
            Entry::Occupied(occupied) => occupied.into_mut(),
            Entry::Vacant(vacant) => vacant.insert(match &stored {
                Some((_, block)) => unpack(block.value())?,
                None => Records::new(),
            }),
        })
    }

    /// Returns the blocks with their keys, splitting large ones.
    pub(super) fn into_blocks(self) -> Vec<(u64, Records)> {
        let mut blocks = Vec::new();
        for (mut key, mut records) in self.0 {
            while records.len() > MAX_BLOCK {
                let Some(cut) = records.keys().nth(NEW_BLOCK).copied() else {
                    break;
                };
                let rest = records.split_off(&cut);
                blocks.push((key, records));
                (key, records) = (cut, rest);
            }
            blocks.push((key, records));
        }
        blocks
    }
}
