use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::RunId;
use crate::platform::{self, FileError};

/// Errors reading or writing state documents.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(
        "`{}` is not what hcsync wrote there; restore it from a copy, or move it away to continue without it",
        path.display()
    )]
    Damaged {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error(
        "`{}` was written by a newer version of hcsync (its version is {found}, this one knows {known}); use that version",
        path.display()
    )]
    Newer {
        path: PathBuf,
        found: u64,
        known: u32,
    },
    #[error("`{}` could not be written as JSON", path.display())]
    Encode {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("there is no run `{id}` in `{}`; `hcsync runs` lists the runs", runs.display())]
    NoRun { id: RunId, runs: PathBuf },
    #[error("no free name for a new run was found in `{}`", runs.display())]
    NoName { runs: PathBuf },
}

/// Reads a small JSON document with a `version` member; `None` if the file is missing.
pub(super) fn read<T: DeserializeOwned>(path: &Path, known: u32) -> Result<Option<T>, StateError> {
    let Some(bytes) = platform::read_file(path)? else {
        return Ok(None);
    };
    let damaged = |source| StateError::Damaged {
        path: path.to_owned(),
        source,
    };
    // The version first: a newer document may differ in everything else.
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(damaged)?;
    let version = value.get("version").and_then(serde_json::Value::as_u64);
    if let Some(found) = version.filter(|found| *found > u64::from(known)) {
        let path = path.to_owned();
        return Err(StateError::Newer { path, found, known });
    }
    serde_json::from_value(value).map(Some).map_err(damaged)
}

/// Like [`read`], but a damaged document is set aside and counts as missing. `loss` says what that loses.
pub(super) fn read_or_set_aside<T: DeserializeOwned>(
    path: &Path,
    known: u32,
    loss: &str,
) -> Result<Option<T>, StateError> {
    match read(path, known) {
        Err(StateError::Damaged { path, source }) => {
            let aside = platform::set_aside(&path)?;
            tracing::warn!(
                "`{}` was damaged ({source}) and is now `{}`: {loss}",
                path.display(),
                aside.display()
            );
            Ok(None)
        }
        read => read,
    }
}

/// Writes a small JSON document whole or not at all.
pub(super) fn write<T: Serialize>(path: &Path, document: &T) -> Result<(), StateError> {
    let mut bytes = serde_json::to_vec_pretty(document).map_err(|source| StateError::Encode {
        path: path.to_owned(),
        source,
    })?;
    bytes.push(b'\n');
    Ok(platform::write_whole(path, &bytes)?)
}
