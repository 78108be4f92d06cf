//! Pages for people: one file each, with everything in it. It loads nothing, and its policy forbids it to; style and script are the two
//! that the policy names by their hash, so that nothing of a value can run.

mod chart;
mod history_page;
mod packed_changes;
mod report_charts;
mod report_page;
mod shell;

pub use history_page::write_history_page;
pub use packed_changes::{PackedChanges, ShownValues};
pub use report_page::write_report_page;
