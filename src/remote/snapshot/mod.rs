//! The last complete reading of an account, stored on disk and updated by every answer since.

mod block;
mod changes;
mod error;
mod facts;
mod files;
mod header;
mod live;
mod live_writer;
mod loading;
mod panic_guard;
mod repack;
mod store;
mod stored;

pub use error::SnapshotError;
pub use facts::SnapshotFacts;
pub use files::{SnapshotFiles, invalidate_snapshot};
pub use live::LiveSnapshot;
pub use store::SnapshotStore;
pub(super) use stored::StoredBlocks;
