use std::fs::{self, FileType};
use std::io;
use std::path::Path;

use super::error::{FileAction, FileError};

/// The names of the entries of a folder whose kind is wanted; none if there is no such folder. A name that is not Unicode is
/// not ours.
///
/// # Errors
/// The folder cannot be read.
pub fn names_in(folder: &Path, wanted: fn(&FileType) -> bool) -> Result<Vec<String>, FileError> {
    let unreadable = |error| FileError::new(FileAction::Read, folder, error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(unreadable)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        let is_wanted = entry.file_type().is_ok_and(|kind| wanted(&kind));
        let name = entry.file_name().into_string().ok();
        names.extend(name.filter(|_| is_wanted));
    }
    Ok(names)
}
