//! Errors of the snapshot.

use std::io;

use crate::platform::FileError;

use super::super::reading::ReadingError;

/// Errors reading or writing the snapshot. A run never fails because of them, but continues without a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the snapshot cannot be read or written")]
    Io(#[from] io::Error),
    #[error("the snapshot's database cannot be used")]
    Store(#[source] Box<redb::Error>),
    #[error("the snapshot was written by a newer hcsync (format {0})")]
    Newer(u32),
    #[error("the snapshot is damaged: {0}")]
    Damaged(&'static str),
    #[error(transparent)]
    Reading(#[from] ReadingError),
}

/// Converts any of redb's error types.
pub(super) fn redb_error<E: Into<redb::Error>>(error: E) -> SnapshotError {
    SnapshotError::Store(Box::new(error.into()))
}
