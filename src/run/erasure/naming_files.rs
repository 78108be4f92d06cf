//! Which files hold an e-mail address, whatever wrote them.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::platform::open_file;

use super::People;

/// Bytes of a file that are searched at once, and those of them that are searched again with the next ones.
const CHUNK: usize = 1 << 20;
const OVERLAP: usize = 1 << 10;

/// The files of a folder, at any depth, in which an address stands as it is.
///
/// # Errors
/// A file or folder cannot be read.
pub fn files_naming(folder: &Path, people: &People) -> io::Result<Vec<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() && names(&entry.path(), people)? {
                found.insert(entry.path());
            }
        }
    }
    Ok(found.into_iter().collect())
}

fn names(path: &Path, people: &People) -> io::Result<bool> {
    let mut file = open_file(path).map_err(|error| error.source)?;
    let mut text = Vec::new();
    loop {
        // The end of the chunk before stays, since an address may stand across.
        text.drain(..text.len().saturating_sub(OVERLAP));
        let read = file.by_ref().take(CHUNK as u64).read_to_end(&mut text)?;
        if people.are_named_in(&text) {
            return Ok(true);
        }
        if read < CHUNK {
            return Ok(false);
        }
    }
}
