//! What HelpCrunch holds now: listings, look-ups, and the choice between them. It reads and never writes.

mod completion;
mod file;
mod listing;
mod lookup;
mod raw;
mod reading;
mod side;
mod strategy;

pub use completion::complete;
pub use file::{RemoteFileError, read_file};
pub use lookup::{EmailCase, WantedKeys, find_all, swapped_case_test};
pub use raw::{RawReading, list_raw};
pub use reading::{Reading, ReadingError};
pub use side::{NoProgress, ReadProgress, RemoteError, RemoteSettings, RemoteSide, list_all, read};
pub use strategy::{Choice, Strategy};
