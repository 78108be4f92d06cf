use std::io;

use super::error::{EngineError, SourceError};
use super::open::InputTally;

/// The origin of the bytes, for errors.
pub(super) struct Origin {
    pub(super) name: String,
    pub(super) tally: InputTally,
    pub(super) packing: Option<&'static str>,
}

impl Origin {
    pub(super) fn io(&self, source: io::Error) -> SourceError {
        let (name, offset) = (self.name.clone(), self.tally.bytes());
        match self.packing {
            // An error without an OS error code comes from decompression.
            Some(packing) if source.raw_os_error().is_none() => SourceError::Compressed {
                name,
                packing,
                offset,
                source,
            },
            _ => SourceError::Io {
                name,
                offset,
                source,
            },
        }
    }

    pub(super) fn engine_error(&self, fault: EngineError) -> SourceError {
        match fault {
            EngineError::Io(error) => self.io(error),
            EngineError::Broken { line, problem } => SourceError::BrokenJson {
                name: self.name.clone(),
                line,
                problem,
            },
        }
    }
}
