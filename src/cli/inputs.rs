use std::path::PathBuf;

use crate::source::InputFile;

use super::exit::{Exit, Failure};

/// The inputs of a command. Standard input is spooled, since inputs are read more than once.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) files: Vec<InputFile>,
    /// Removed when it is dropped.
    _spool: Option<tempfile::NamedTempFile>,
}

impl Inputs {
    pub(super) fn open(paths: &[PathBuf]) -> Result<Self, Failure> {
        let is_stdin = |path: &PathBuf| path.as_os_str() == "-";
        if paths.iter().filter(|path| is_stdin(path)).count() > 1 {
            return Err(Failure::usage("standard input (`-`) can be read only once"));
        }
        let spool = if paths.iter().any(is_stdin) {
            Some(spool_stdin()?)
        } else {
            None
        };
        let file = |path: &PathBuf| match &spool {
            Some(spool) if is_stdin(path) => InputFile::new("-", spool.path()),
            _ => InputFile::new(path.display().to_string(), path),
        };
        Ok(Self {
            files: paths.iter().map(file).collect(),
            _spool: spool,
        })
    }
}

/// Temporary files are made for their owner alone.
fn spool_stdin() -> Result<tempfile::NamedTempFile, Failure> {
    let failed = |e: std::io::Error| {
        Failure::from_error(Exit::Usage, "input", &e)
            .hint("standard input is kept in a temporary file")
    };
    let mut spool = tempfile::NamedTempFile::new().map_err(failed)?;
    std::io::copy(&mut std::io::stdin().lock(), &mut spool).map_err(failed)?;
    Ok(spool)
}
