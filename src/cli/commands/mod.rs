//! The commands, a file each.

pub(super) mod apply;
pub(super) mod check;
pub(super) mod completions;
pub(super) mod export;
pub(super) mod init;
pub(super) mod man;
pub(super) mod plan;
pub(super) mod probe;
pub(super) mod resume;
pub(super) mod runs;
pub(super) mod sandbox;
mod saved_plan;
pub(super) mod show;
pub(super) mod sync;
