//! Reads the customers that HelpCrunch has: listings, look-ups, the snapshot, and the choice between them. Never writes.

mod completion;
mod decoded;
mod email_case;
mod file;
mod id_ranges;
mod index;
mod key_search;
mod listing;
mod lookup;
mod lookup_keys;
mod memory_limit;
mod raw;
mod reader;
mod reading;
mod side;
mod snapshot;
mod snapshot_check;
mod strategy;
mod times;

pub use completion::complete;
pub use email_case::{EmailCase, swapped_case_test};
pub use file::{RemoteFileError, read_export};
pub use index::CustomerIndex;
pub use lookup::find_all;
pub use lookup_keys::LookupKeys;
pub use memory_limit::MemoryLimit;
pub use raw::{RawReading, customers_with_email, find_raw, list_raw};
pub use reader::{FirstReading, list_all, read, read_first};
pub use reading::{Reading, ReadingError};
pub use side::{NoProgress, ReadProgress, RemoteError, RemoteQuery, RemoteSettings, RemoteSide};
pub use snapshot::{
    LiveSnapshot, SnapshotError, SnapshotFacts, SnapshotFiles, SnapshotStore, invalidate_snapshot,
};
pub use snapshot_check::may_use_snapshot;
pub use strategy::{ReadMethod, Strategy};
pub use times::ReadTimes;
