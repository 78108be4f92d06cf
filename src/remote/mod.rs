//! What HelpCrunch holds now: listings, look-ups, and the choice between them. It reads and never writes.

mod completion;
mod file;
mod index;
mod kept;
mod listing;
mod lookup;
mod raw;
mod reading;
mod side;
mod snapshot;
mod strategy;
mod times;

pub use completion::complete;
pub use file::{RemoteFileError, read_export};
pub use lookup::{EmailCase, WantedKeys, find_all, swapped_case_test};
pub use raw::{RawReading, list_raw};
pub use reading::{Reading, ReadingError};
pub use side::{
    Inquiry, NoProgress, ReadProgress, RemoteError, RemoteSettings, RemoteSide, UnknownKeys,
    list_all, read,
};
pub use snapshot::{
    LiveSnapshot, SnapshotError, SnapshotFacts, SnapshotFiles, SnapshotStore, void_snapshot,
};
pub use strategy::{Strategy, Way};
pub use times::ReadTimes;
