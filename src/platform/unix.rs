use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{
    DirBuilderExt, FileExt as _, MetadataExt as _, OpenOptionsExt, PermissionsExt,
};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use etcetera::base_strategy::{BaseStrategy, choose_native_strategy};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, geteuid, kill_process, kill_process_group};

use super::StorageProblem;

/// New files are readable and writable by their owner only. A link is not followed, and opening a pipe does not wait.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.mode(0o600).custom_flags(flags.bits().cast_signed())
}

pub(super) fn private_folder(builder: &mut DirBuilder) -> &mut DirBuilder {
    builder.mode(0o700)
}

/// Explains why a link was refused; the kernel's own message is "too many levels of symbolic links".
pub(super) fn refuse_link(opened: io::Result<File>) -> io::Result<File> {
    opened.map_err(|error| {
        let is_link = error.raw_os_error() == Some(Errno::LOOP.raw_os_error());
        if is_link {
            super::private::link_error()
        } else {
            error
        }
    })
}

/// Makes the program and all that it starts a process group, which can be ended as a whole.
pub(super) fn separate(command: &mut Command) {
    command.process_group(0);
}

/// Sends SIGTERM to a program, or to its whole process group.
pub(super) fn ask_to_end(program: &Child, is_separate: bool) {
    let id = i32::try_from(program.id()).ok().and_then(Pid::from_raw);
    // Fails if the program has ended already.
    let _ = id.map(|id| match is_separate {
        true => kill_process_group(id, Signal::TERM),
        false => kill_process(id, Signal::TERM),
    });
}

/// Kills a process group whose first program has ended or been killed.
pub(super) fn kill_rest(program: &Child) {
    let id = i32::try_from(program.id()).ok().and_then(Pid::from_raw);
    let _ = id.map(|id| kill_process_group(id, Signal::KILL));
}

/// The file's mode if other users can read or write it.
pub fn mode_open_to_others(file: &File) -> io::Result<Option<u32>> {
    let metadata = file.metadata()?;
    let mode = metadata.permissions().mode();
    // A file of another user can only be read as one of its group: Kubernetes mounts secrets so, with mode 440.
    let is_own = metadata.uid() == geteuid().as_raw();
    let open = if is_own { 0o077 } else { 0o037 };
    Ok((mode & open != 0).then_some(mode & 0o777))
}

/// The folder's mode if other users can write in it; `None` if they cannot or it does not exist.
#[must_use]
pub fn folder_writable_by_others(folder: &Path) -> Option<u32> {
    let mode = std::fs::metadata(folder).ok()?.permissions().mode();
    (mode & 0o022 != 0).then_some(mode & 0o7777)
}

/// Whether the process was started to outlive its terminal, as by `nohup`. False if the system does not show it.
pub(super) fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // SIGHUP is signal 1, the lowest bit.
    mask.is_some_and(|mask| mask & 1 == 1)
}

/// Keeps the memory in small pages. In huge ones, which mimalloc asks for, much of it is taken and never used.
#[cfg(target_os = "linux")]
pub fn avoid_huge_pages() {
    // Where that is not possible, the program only takes more memory.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

#[cfg(not(target_os = "linux"))]
pub fn avoid_huge_pages() {}

/// Whether the disk of one folder can be flushed as a whole.
pub(super) const FLUSHES_DISKS: bool = cfg!(target_os = "linux");

#[cfg(target_os = "linux")]
pub(super) fn flush_disk(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(folder)?)?)
}

/// Does nothing: each file was flushed by itself.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "the same shape on every system")]
pub(super) fn flush_disk(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Reads at a place of a file.
pub(super) fn read_at(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(into, offset)
}

/// Writes at a place of a file.
pub(super) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.write_at(bytes, offset)
}

/// Makes names in a folder durable: a new file, a rename.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some network and FUSE file systems cannot sync a folder; they order renames on their own.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        synced => synced,
    }
}

pub(super) fn storage_problem_of_code(code: i32) -> Option<StorageProblem> {
    match Errno::from_raw_os_error(code) {
        Errno::IO => Some(StorageProblem::Device),
        Errno::MFILE | Errno::NFILE => Some(StorageProblem::TooManyFiles),
        _ => None,
    }
}

/// Whether a stream of this process is connected to systemd's journal.
#[must_use]
pub fn is_journal(stream: impl AsFd) -> bool {
    std::env::var("JOURNAL_STREAM").is_ok_and(|name| has_name(stream, &name))
}

/// Whether systemd names a stream so, by device and inode.
fn has_name(stream: impl AsFd, name: &str) -> bool {
    let stat = rustix::fs::fstat(stream);
    stat.is_ok_and(|stat| name == format!("{}:{}", stat.st_dev, stat.st_ino))
}

/// The machine's name, to show which host holds a lock.
#[must_use]
pub fn host_name() -> String {
    let system = rustix::system::uname();
    system.nodename().to_string_lossy().into_owned()
}

/// For how long the machine was suspended since it was started; `None` if the system does not count that.
#[cfg(target_os = "linux")]
pub(super) fn suspended_since_boot() -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};
    let now = |clock| {
        let now = clock_gettime(clock);
        let seconds = u64::try_from(now.tv_sec).ok()?;
        Some(Duration::new(seconds, u32::try_from(now.tv_nsec).ok()?))
    };
    // In this order the difference is never too large.
    let boot = now(ClockId::Boottime)?;
    let awake = now(ClockId::Monotonic)?;
    Some(boot.saturating_sub(awake))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn suspended_since_boot() -> Option<Duration> {
    None
}

/// The default state folder: on Linux `$XDG_STATE_HOME/hcsync` or `~/.local/state/hcsync`, on macOS
/// `~/Library/Application Support/hcsync`. `None` if there is no home folder.
#[must_use]
pub fn state_home() -> Option<PathBuf> {
    let folders = choose_native_strategy().ok()?;
    let base = folders.state_dir().unwrap_or_else(|| folders.data_dir());
    Some(base.join("hcsync"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_name_and_a_state_folder() {
        assert!(!host_name().is_empty());
        let home = state_home().unwrap();
        assert!(home.is_absolute() && home.ends_with("hcsync"), "{home:?}");
    }

    #[test]
    fn a_file_of_another_user_may_be_read_by_its_group() {
        let file = tempfile::tempfile().unwrap();
        let open = |mode| {
            file.set_permissions(std::fs::Permissions::from_mode(mode))
                .unwrap();
            mode_open_to_others(&file).unwrap()
        };
        assert_eq!(open(0o600), None);
        assert_eq!(open(0o440), Some(0o440));
        // Only root can give a file away.
        if std::os::unix::fs::fchown(&file, Some(10_001), None).is_ok() {
            assert_eq!(open(0o440), None);
            assert_eq!(open(0o460), Some(0o460));
            assert_eq!(open(0o444), Some(0o444));
        }
    }

    #[test]
    fn a_stream_is_known_by_device_and_inode() {
        let file = tempfile::tempfile().unwrap();
        let metadata = file.metadata().unwrap();
        let (device, inode) = (metadata.dev(), metadata.ino());
        assert!(has_name(&file, &format!("{device}:{inode}")));
        for other in ["", ":", &format!("{device}:{}", inode + 1), "1:2:3"] {
            assert!(!has_name(&file, other), "{other}");
        }
    }
}
