use std::path::PathBuf;

use crate::platform::FileError;

/// Why a journal cannot be resumed.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    #[error(transparent)]
    File(#[from] FileError),
    /// Not even its first record is whole, so nothing was sent under it unless somebody changed the file.
    #[error("the journal `{}` holds no whole record, so it does not show what was sent; sync the same input again", path.display())]
    Empty { path: PathBuf },
    #[error(
        "the journal `{}` was written by a newer version of hcsync (journal version {found}, this one knows {known}); use that version",
        path.display()
    )]
    Newer {
        path: PathBuf,
        found: u64,
        known: u32,
    },
    /// A record that was on disk has changed.
    #[error(
        "the journal `{}` is damaged at byte {offset} (line {line}) and later records follow, so it does not show what was sent; \
         restore the file from a copy and resume, or sync the same input again, which reads every customer again",
        path.display()
    )]
    Damaged {
        path: PathBuf,
        offset: u64,
        line: u64,
    },
    /// A whole record that this version cannot read.
    #[error(
        "the journal `{}` holds at byte {offset} (line {line}) a record that this version of hcsync does not know; use the version that wrote it",
        path.display()
    )]
    Unknown {
        path: PathBuf,
        offset: u64,
        line: u64,
        source: serde_json::Error,
    },
    #[error(
        "the journal `{}` must have one `begin` record, at its start (byte {offset}, line {line}); it was changed since hcsync wrote it",
        path.display()
    )]
    Misplaced {
        path: PathBuf,
        offset: u64,
        line: u64,
    },
}
