//! The command line: what may be asked, and (elsewhere in this folder) who does it.

pub mod args;
mod overrides;
