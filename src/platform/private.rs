use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::error::at;
use super::{FileAction, FileError, system};

/// Creates a file that only its owner can read (0600) and that must not exist yet.
///
/// # Errors
/// [`FileError::already_exists`] if the name is taken, also by a link.
pub fn create_new_file(path: &Path) -> Result<File, FileError> {
    open_new(path).map_err(at(path, FileAction::Create))
}

pub(super) fn open_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    open(path, &mut options)
}

/// Opens a state file for reading and writing, and creates it (0600) if it is missing. Its content stays.
///
/// # Errors
/// The path is a link, or cannot be opened.
pub fn open_or_create_file(path: &Path) -> Result<File, FileError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    open(path, &mut options).map_err(at(path, FileAction::Open))
}

/// Opens a state file for reading.
///
/// # Errors
/// The path is a link, or cannot be opened.
pub fn open_file(path: &Path) -> Result<File, FileError> {
    open(path, OpenOptions::new().read(true)).map_err(at(path, FileAction::Open))
}

/// Reads a whole state file; `None` if it is missing.
///
/// # Errors
/// The path is a link, or cannot be read.
pub fn read_file(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let mut file = match open_file(path) {
        Err(error) if error.is_not_found() => return Ok(None),
        opened => opened?,
    };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .map_err(at(path, FileAction::Read))?;
    Ok(Some(bytes))
}

/// Removes a file, if it exists.
///
/// # Errors
/// It cannot be removed.
pub fn remove_file(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FileError::new(FileAction::Remove, path, error))
        }
        _ => Ok(()),
    }
}

/// Renames a damaged state file to `NAME.damaged`, replacing an earlier one, and returns that path.
///
/// # Errors
/// It cannot be renamed.
pub fn set_aside(path: &Path) -> Result<PathBuf, FileError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".damaged");
    let aside = path.with_file_name(name);
    fs::rename(path, &aside).map_err(at(path, FileAction::Replace))?;
    Ok(aside)
}

/// Creates a folder that only its owner can enter (0700), and missing folders above it likewise. Existing folders keep
/// their modes.
///
/// # Errors
/// It cannot be created.
pub fn create_folder(path: &Path) -> Result<(), FileError> {
    let mut builder = DirBuilder::new();
    system::private_folder(builder.recursive(true))
        .create(path)
        .map_err(at(path, FileAction::Create))
}

/// Creates a private folder that must not exist yet, in an existing folder.
///
/// # Errors
/// [`FileError::already_exists`] if the name is taken.
pub fn create_new_folder(path: &Path) -> Result<(), FileError> {
    system::private_folder(&mut DirBuilder::new())
        .create(path)
        .map_err(at(path, FileAction::Create))
}

/// Makes the names in a folder durable: files made in it, renames into it.
///
/// # Errors
/// The disk fails.
pub fn sync_folder(folder: &Path) -> Result<(), FileError> {
    system::sync_folder(folder).map_err(at(folder, FileAction::Sync))
}

/// Makes the name of `path` itself durable.
///
/// # Errors
/// The disk fails.
pub fn sync_parent(path: &Path) -> Result<(), FileError> {
    sync_folder(parent(path))
}

/// The folder of a path's last component.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

pub(super) fn link_error() -> io::Error {
    io::Error::other(
        "it is a symbolic link, and state files are never reached through one; remove it",
    )
}

fn not_a_file_error() -> io::Error {
    io::Error::other("it is a folder, pipe or device, and hcsync keeps a file there; remove it")
}

fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let file = match system::refuse_link(system::private(options).open(path)) {
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => return Err(not_a_file_error()),
        opened => opened?,
    };
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(not_a_file_error()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_in_a_file_survives_its_opening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        open_or_create_file(&path)
            .unwrap()
            .write_all(b"kept")
            .unwrap();
        drop(open_or_create_file(&path).unwrap());
        assert_eq!(read_file(&path).unwrap().unwrap(), b"kept");
        assert!(create_new_file(&path).unwrap_err().already_exists());
        remove_file(&path).unwrap();
        remove_file(&path).unwrap();
        assert_eq!(read_file(&path).unwrap(), None);
    }

    #[test]
    fn a_new_folder_must_be_new() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        create_new_folder(&path).unwrap();
        create_folder(&path).unwrap();
        assert!(create_new_folder(&path).unwrap_err().already_exists());
    }

    #[cfg(unix)]
    mod unix {
        use std::os::unix::fs::{PermissionsExt, symlink};

        use super::*;

        fn mode(path: &Path) -> u32 {
            fs::metadata(path).unwrap().permissions().mode() & 0o777
        }

        #[test]
        fn files_and_folders_are_their_owners_alone() {
            let folder = tempfile::tempdir().unwrap();
            let deep = folder.path().join("a/b");
            create_folder(&deep).unwrap();
            create_new_folder(&deep.join("c")).unwrap();
            create_new_file(&deep.join("new")).unwrap();
            open_or_create_file(&deep.join("opened")).unwrap();
            for made in ["a", "a/b", "a/b/c"] {
                assert_eq!(mode(&folder.path().join(made)), 0o700, "{made}");
            }
            assert_eq!(mode(&deep.join("new")), 0o600);
            assert_eq!(mode(&deep.join("opened")), 0o600);
        }

        #[test]
        fn a_pipe_or_folder_in_place_of_a_state_file_is_refused_at_once() {
            let folder = tempfile::tempdir().unwrap();
            let (pipe, inner) = (folder.path().join("pipe"), folder.path().join("inner"));
            let made = std::process::Command::new("mkfifo").arg(&pipe).status();
            assert!(made.unwrap().success());
            create_new_folder(&inner).unwrap();
            for path in [&pipe, &inner] {
                for refused in [open_file(path), open_or_create_file(path)] {
                    let source = refused.unwrap_err().source;
                    assert!(
                        source.to_string().contains("hcsync keeps a file"),
                        "{source}"
                    );
                }
                assert!(read_file(path).is_err());
            }
        }

        #[test]
        fn a_link_in_place_of_a_state_file_is_refused() {
            let folder = tempfile::tempdir().unwrap();
            let target = folder.path().join("target");
            fs::write(&target, "not ours").unwrap();
            let link = folder.path().join("link");
            symlink(&target, &link).unwrap();
            for refused in [
                create_new_file(&link),
                open_or_create_file(&link),
                open_file(&link),
            ] {
                refused.unwrap_err();
            }
            let source = open_file(&link).unwrap_err().source;
            assert!(source.to_string().contains("symbolic link"), "{source}");
            assert!(read_file(&link).is_err());
            assert_eq!(fs::read(&target).unwrap(), b"not ours");
        }
    }
}
