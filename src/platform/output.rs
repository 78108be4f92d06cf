use std::fs::{self, OpenOptions};
use std::path::Path;

use super::atomic::{folder_error, temporary};
use super::error::at;
use super::private::parent;
use super::{FileAction, FileError};

/// Checks before any work that an output file of the user can be written in the end. An existing file is not changed.
///
/// # Errors
/// The path is a folder, its folder is missing or no file can be created in it, or an existing file is not writable.
pub fn check_output(path: &Path) -> Result<(), FileError> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Err(folder_error(path)),
        Ok(metadata) => metadata,
        Err(_) => return check_folder(path),
    };
    if !metadata.is_file() {
        // Opening a pipe would wait for its reader.
        return Ok(());
    }
    // A rename would replace a file that its owner made read-only; this respects that wish.
    let opened = OpenOptions::new().append(true).open(path);
    opened.map_err(at(path, FileAction::Write))?;
    let real = fs::canonicalize(path).map_err(at(path, FileAction::Open))?;
    check_folder(&real)
}

fn check_folder(path: &Path) -> Result<(), FileError> {
    let folder = parent(path);
    fs::metadata(folder).map_err(at(folder, FileAction::Open))?;
    temporary(path)
        .map(drop)
        .map_err(at(path, FileAction::Create))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.csv");
        check_output(&path).unwrap();
        assert!(!path.exists());
        fs::write(&path, "kept").unwrap();
        check_output(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"kept");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn folders_and_missing_folders_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        check_output(folder.path()).unwrap_err();
        let error = check_output(&folder.path().join("no/results.csv")).unwrap_err();
        assert!(error.path.ends_with("no"), "{error}");
        assert!(error.to_string().contains("does not exist"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_is_left_alone() {
        check_output(Path::new("/dev/null")).unwrap();
    }
}
