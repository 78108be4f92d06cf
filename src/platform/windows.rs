use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use etcetera::base_strategy::{BaseStrategy, choose_native_strategy};

use super::StorageProblem;

/// `FILE_FLAG_OPEN_REPARSE_POINT`: opens a link itself instead of what it points to.
const OPEN_LINK_ITSELF: u32 = 0x0020_0000;
/// `ERROR_TOO_MANY_OPEN_FILES`, `ERROR_CRC`, `ERROR_HANDLE_DISK_FULL` and `ERROR_IO_DEVICE`.
const TOO_MANY_OPEN_FILES: i32 = 4;
const BAD_CHECKSUM: i32 = 23;
const HANDLE_DISK_FULL: i32 = 39;
const IO_DEVICE: i32 = 1117;

/// The user's own folder protects the file instead of modes. A link is opened itself, to be refused.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags(OPEN_LINK_ITSELF)
}

pub(super) fn private_folder(builder: &mut DirBuilder) -> &mut DirBuilder {
    builder
}

pub(super) fn refuse_link(opened: io::Result<File>) -> io::Result<File> {
    let file = opened?;
    if file.metadata()?.file_type().is_symlink() {
        return Err(super::private::link_error());
    }
    Ok(file)
}

/// Names are journalled by NTFS; a folder cannot be flushed without administrator's rights.
pub(super) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

pub(super) fn storage_problem_of_code(code: i32) -> Option<StorageProblem> {
    match code {
        HANDLE_DISK_FULL => Some(StorageProblem::Full),
        BAD_CHECKSUM | IO_DEVICE => Some(StorageProblem::Device),
        TOO_MANY_OPEN_FILES => Some(StorageProblem::TooManyFiles),
        _ => None,
    }
}

/// Whether the disk of one folder can be flushed as a whole.
pub(super) const FLUSHES_DISKS: bool = false;

/// Does nothing: each file was flushed by itself.
#[expect(clippy::unnecessary_wraps, reason = "the same shape on every system")]
pub(super) fn flush_disk(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// False: there is no journal.
#[must_use]
pub fn is_journal<T>(_stream: T) -> bool {
    false
}

/// The machine's name, to show which host holds a lock.
#[must_use]
pub fn host_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| String::from("this computer"))
}

/// The default state folder: `%LOCALAPPDATA%\hcsync`, which does not roam.
#[must_use]
pub fn state_home() -> Option<PathBuf> {
    let places = choose_native_strategy().ok()?;
    // The strategy's cache folder is the local, not roaming, application data folder itself.
    Some(places.cache_dir().join("hcsync"))
}

/// `None`: Windows has no modes, the user's own folder protects the file.
#[expect(clippy::unnecessary_wraps, reason = "the same shape on every system")]
pub fn mode_open_to_others(_file: &File) -> io::Result<Option<u32>> {
    Ok(None)
}

/// `None`: Windows has no modes, the user's own folder protects its content.
#[must_use]
pub fn folder_writable_by_others(_folder: &Path) -> Option<u32> {
    None
}

/// Reads at a place of a file, and leaves the file's own position behind it.
pub(super) fn read_at(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek_read(into, offset)
}

/// Writes at a place of a file, and leaves the file's own position behind it.
pub(super) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.seek_write(bytes, offset)
}

/// Does nothing: the program itself is ended, and what it starts ends when its output is no longer read.
pub(super) fn separate(_command: &mut Command) {}

/// Does nothing: there is no signal that a program could handle.
pub(super) fn ask_to_end(_program: &Child, _is_separate: bool) {}

/// Does nothing, as [`separate`].
pub(super) fn kill_rest(_program: &Child) {}

/// Does nothing: pages are small.
pub fn avoid_huge_pages() {}

/// `None`: not counted, only the wall clock shows it.
pub(super) fn suspended_since_boot() -> Option<std::time::Duration> {
    None
}
