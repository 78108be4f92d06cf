//! Takes the customers of a snapshot from the headers of its blocks, on several threads.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::CustomerId;
use crate::plan::fingerprint::Fingerprinter;

use super::super::decoded::DecodedCustomers;
use super::SnapshotError;
use super::block::unpack;
use super::header::{decode, pack_header, unpack_header};
use super::stored::StoredBlocks;

/// What the threads have to know that load a snapshot.
pub(super) struct Loading {
    pub(super) blocks: Arc<StoredBlocks>,
    /// Customers that the reading has already.
    pub(super) known: BTreeSet<CustomerId>,
    pub(super) unsure: BTreeSet<CustomerId>,
    pub(super) fingerprinter: Option<Arc<Fingerprinter>>,
}

/// The key of a block, and its header if there is a valid one.
pub(super) type BlockToLoad = (u64, Option<Vec<u8>>);

/// The customers of some blocks.
#[derive(Default)]
pub(super) struct Loaded {
    pub(super) customers: Vec<DecodedCustomers>,
    /// How many there are, and how many of them the reading had.
    pub(super) seen: u64,
    pub(super) met: u64,
    /// Headers that had to be made.
    pub(super) headers: Vec<(u64, Vec<u8>)>,
}

impl Loading {
    pub(super) fn load(&self, blocks: Vec<BlockToLoad>) -> Result<Loaded, SnapshotError> {
        let mut loaded = Loaded::default();
        for (key, header) in blocks {
            self.load_block(&mut loaded, key, header.as_deref())?;
        }
        Ok(loaded)
    }

    fn load_block(
        &self,
        loaded: &mut Loaded,
        key: u64,
        header: Option<&[u8]>,
    ) -> Result<(), SnapshotError> {
        let prints = self.fingerprinter.as_deref();
        let (all, records) = match header {
            Some(header) => (unpack_header(header)?, None),
            None => {
                let records = unpack(&self.blocks.block(key)?)?;
                let all = decode(&records, prints, |_| true)?;
                loaded.headers.push((key, pack_header(&all)?));
                (all, Some(records))
            }
        };
        let ids = || all.entries.iter().map(|entry| entry.id);
        loaded.seen += all.entries.len() as u64;
        if !self.has_exceptions(ids().next(), ids().next_back()) {
            loaded.customers.push(all);
            return Ok(());
        }
        loaded.met += ids().filter(|id| self.known.contains(id)).count() as u64;
        let records = match records {
            Some(records) => records,
            None => unpack(&self.blocks.block(key)?)?,
        };
        let takes = |id| !self.known.contains(&id) && !self.unsure.contains(&id);
        loaded.customers.push(decode(&records, prints, takes)?);
        Ok(())
    }

    /// Whether some customer from `first` to `last` may not be taken from the snapshot.
    fn has_exceptions(&self, first: Option<CustomerId>, last: Option<CustomerId>) -> bool {
        let (Some(first), Some(last)) = (first, last) else {
            return false;
        };
        let mut sets = [&self.known, &self.unsure].into_iter();
        sets.any(|ids| ids.range(first..=last).next().is_some())
    }
}
