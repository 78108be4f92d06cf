//! The commands, a file each.

pub(super) mod apply;
pub(super) mod completions;
pub(super) mod man;
pub(super) mod plan;
pub(super) mod resume;
pub(super) mod sandbox;
pub(super) mod sync;
