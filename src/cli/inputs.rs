//! The inputs of a command, as files that can be read more than once.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::source::InputFile;

use super::exit::{Exit, Failure};

/// The inputs of a command. What can be read only once (standard input, a pipe, a device) is spooled, since inputs
/// are read more than once.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) files: Vec<InputFile>,
    /// Removed when they are dropped.
    _spools: Vec<tempfile::NamedTempFile>,
}

impl Inputs {
    pub(super) fn open(paths: &[PathBuf]) -> Result<Self, Failure> {
        let is_stdin = |path: &Path| path.as_os_str() == "-";
        if paths.iter().filter(|path| is_stdin(path)).count() > 1 {
            return Err(Failure::usage("standard input (`-`) can be read only once"));
        }
        let (mut files, mut spools) = (Vec::new(), Vec::new());
        for path in paths {
            let name = path.display().to_string();
            let spool = if is_stdin(path) {
                Some(spool(std::io::stdin().lock(), &name)?)
            } else if is_stream(path) {
                let file = File::open(path)
                    .map_err(|e| Failure::usage(format!("`{name}` cannot be read: {e}")))?;
                Some(spool(file, &name)?)
            } else {
                None
            };
            let path = spool.as_ref().map_or(path.as_path(), |spool| spool.path());
            files.push(InputFile::new(name, path));
            spools.extend(spool);
        }
        Ok(Self {
            files,
            _spools: spools,
        })
    }
}

/// Whether a path leads to something whose bytes are gone once they were read, such as `<(…)` or `/dev/stdin`.
fn is_stream(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir())
}

/// Temporary files are made for their owner alone.
fn spool(mut input: impl Read, name: &str) -> Result<tempfile::NamedTempFile, Failure> {
    let failed = |e: std::io::Error| {
        Failure::from_error(Exit::Usage, "input", &e).hint(format!(
            "`{name}` is kept in a temporary file while it is needed"
        ))
    };
    let mut spool = tempfile::NamedTempFile::new().map_err(failed)?;
    std::io::copy(&mut input, &mut spool).map_err(failed)?;
    Ok(spool)
}
