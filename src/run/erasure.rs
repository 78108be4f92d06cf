//! Erases people from the files of runs that are over. A row stays as its number, its verdict and its outcome, so that the
//! counts of the run still add up.

mod naming_files;
mod people;
mod run_files;

pub use naming_files::files_naming;
pub use people::People;
pub use run_files::{ErasureError, erase_rows, find_people, find_rows};
