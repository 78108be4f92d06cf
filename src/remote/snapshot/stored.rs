//! The records of a snapshot, which a reading takes from it only where they are needed.

use std::fmt;

use redb::ReadOnlyTable;

use crate::domain::CustomerId;

use super::SnapshotError;
use super::block::{frame_of, unpack_record};
use super::error::redb_error;
use super::panic_guard::guarded;

/// The blocks as they were when the snapshot was loaded, whatever has been written to it since.
pub(in crate::remote) struct StoredBlocks(pub(super) ReadOnlyTable<u64, &'static [u8]>);

impl StoredBlocks {
    /// The block with this key.
    pub(super) fn block(&self, key: u64) -> Result<Vec<u8>, SnapshotError> {
        let block = self.0.get(key).map_err(redb_error)?;
        let block = block.ok_or(SnapshotError::Damaged("a block is missing"))?;
        Ok(block.value().to_vec())
    }

    /// The record of a customer, which was the one with this number in its block.
    pub(in crate::remote) fn record(
        &self,
        id: CustomerId,
        number: u32,
    ) -> Result<Vec<u8>, SnapshotError> {
        guarded(|| {
            let block = self.0.range(..=id.0).map_err(redb_error)?.next_back();
            let block = block.transpose().map_err(redb_error)?;
            let block = block.as_ref().map(|(_, block)| block.value());
            let block = block.unwrap_or_default();
            unpack_record(frame_of(block, number), id.0)
        })
    }
}

impl fmt::Debug for StoredBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredBlocks")
    }
}
