//! Inputs of commands that keep no run: standard input is read into a file of its own, gone at the end.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::source::InputFile;

use super::exit::{Exit, Failure};
use super::planning::input_files;

/// Inputs that can be read more than once.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) files: Vec<InputFile>,
    /// What came from standard input; removed with this value.
    _piped: Vec<NamedTempFile>,
}

impl Inputs {
    /// Takes the inputs as the user named them; `-` is read to its end.
    pub(super) fn take(paths: &[PathBuf]) -> Result<Self, Failure> {
        let failed = |e: io::Error| Failure::from_error(Exit::NotFinished, "input", &e);
        let mut files = input_files(paths)?;
        let mut piped = Vec::new();
        for file in &mut files {
            if file.name == "-" && file.path == Path::new("-") {
                let mut copy = NamedTempFile::new().map_err(failed)?;
                io::copy(&mut io::stdin().lock(), &mut copy).map_err(failed)?;
                file.path = copy.path().to_owned();
                piped.push(copy);
            }
        }
        Ok(Self {
            files,
            _piped: piped,
        })
    }
}
