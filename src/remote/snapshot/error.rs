use std::io;

use crate::platform::FileError;

use super::super::reading::ReadingError;

/// Why a snapshot cannot be used or kept. Never a reason for a run to fail: it goes on without one.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the snapshot cannot be read or written")]
    Io(#[from] io::Error),
    #[error("the snapshot's store cannot be used")]
    Store(#[source] Box<redb::Error>),
    #[error("the snapshot was written by a newer hcsync (format {0})")]
    Newer(u32),
    #[error("the snapshot is damaged: {0}")]
    Damaged(&'static str),
    #[error(transparent)]
    Reading(#[from] ReadingError),
}

/// Turns an error of the store, which has a type for each of its calls, into one of the snapshot.
pub(super) fn of_store<E: Into<redb::Error>>(error: E) -> SnapshotError {
    SnapshotError::Store(Box::new(error.into()))
}
