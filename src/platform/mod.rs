//! Everything that differs between Linux, macOS and Windows: private files, locks, whole-file replacement,
//! standard folders, signals. The rest of the crate never asks which system it runs on, and this module never sees a
//! customer, a plan or HTTP.

mod atomic;
mod error;
mod file_lock;
mod listing;
mod output;
mod positioned;
mod private;
mod program;
mod quiet;
mod signals;
mod suspend;
#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod system;
mod workers;

pub use atomic::{AtomicFile, defer_flush, flush_disk, write_whole};
pub use error::{FileAction, FileError, StorageProblem, storage_problem};
pub use file_lock::FileLock;
pub use listing::names_in;
pub use output::check_output;
pub use positioned::{read_from, write_to};
pub use private::{
    create_folder, create_new_file, create_new_folder, open_file, open_or_create_file, read_file,
    remove_file, set_aside, sync_folder, sync_parent,
};
pub use program::Program;
pub use quiet::catch_panic;
pub use signals::{StopSignal, StopSignals};
pub use suspend::suspended;
pub use system::{
    avoid_huge_pages, folder_writable_by_others, host_name, is_journal, mode_open_to_others,
    state_home,
};
pub use workers::{map_in_order, worker_threads};
