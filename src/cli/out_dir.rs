//! `--out-dir`: a folder here or in an object store that gets the files of each run.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::objects::{ObjectUrl, local_path, upload};
use crate::platform::{AtomicFile, create_folder};

use super::exit::{Failure, OrFail as _};

#[derive(Debug, Clone)]
pub(super) enum OutDir {
    Here(PathBuf),
    Store(ObjectUrl),
}

impl OutDir {
    /// The folder that an option or the config names.
    pub(super) fn of(path: &Path) -> Result<Self, Failure> {
        let object = ObjectUrl::of(path).map_err(Failure::output)?;
        Ok(match object {
            Some(object) => Self::Store(object),
            None => Self::Here(local_path(path)),
        })
    }

    /// Something in this folder.
    pub(super) fn join(&self, name: &str) -> Self {
        match self {
            Self::Here(folder) => Self::Here(folder.join(name)),
            Self::Store(object) => Self::Store(object.join(name)),
        }
    }

    /// How messages name it.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Here(folder) => {
                let full = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
                full.display().to_string()
            }
            Self::Store(object) => object.to_string(),
        }
    }

    /// Copies a file to this place, whole or not at all.
    pub(super) async fn put(&self, from: &Path) -> Result<(), Failure> {
        let mut file = File::open(from).or_not_finished("output")?;
        match self {
            Self::Store(object) => upload(file, object).await.or_not_finished("output"),
            Self::Here(path) => {
                create_folder(path.parent().unwrap_or(path)).or_not_finished("output")?;
                let mut copy = AtomicFile::create(path).or_not_finished("output")?;
                io::copy(&mut file, &mut copy).or_not_finished("output")?;
                copy.commit().or_not_finished("output")
            }
        }
    }
}
