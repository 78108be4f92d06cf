use std::io;

use crate::source::SourceError;

/// Why inputs cannot be taken in.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("the run's files cannot be written")]
    Spool(#[from] io::Error),
    #[error("the run was stopped")]
    Stopped,
    #[error(
        "{name}: the file's columns changed since it was opened a moment ago; nothing was sent. Run the command again once no other program writes to the file"
    )]
    Changed { name: String },
}
