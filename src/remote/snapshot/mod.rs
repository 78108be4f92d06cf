//! The last complete reading of an account, kept on disk and brought up to date by every answer since.

mod block;
mod error;
mod files;
mod guard;
mod live;
mod store;

pub use error::SnapshotError;
pub use files::{SnapshotFiles, void_snapshot};
pub use live::LiveSnapshot;
pub use store::{SnapshotFacts, SnapshotStore};
