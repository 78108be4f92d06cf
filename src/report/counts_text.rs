//! Counts of results as text.

use crate::outcome::RowStatus;

use super::result_counts::ResultCounts;
use super::terminal::human_count;

/// Returns the counts that are not 0, such as `+3 created, ~2 updated`.
pub(super) fn counts(results: &ResultCounts) -> String {
    use RowStatus::{
        Created, Failed, InDoubt, Pending, Rejected, Skipped, Unchanged, Updated, WouldCreate,
        WouldUpdate,
    };
    let rows = [
        ("+", "created", Created),
        ("~", "updated", Updated),
        ("+", "would be created", WouldCreate),
        ("~", "would be updated", WouldUpdate),
        ("", "unchanged", Unchanged),
        ("", "skipped", Skipped),
        ("", "rejected", Rejected),
        ("", "failed", Failed),
        ("", "in doubt", InDoubt),
        ("", "not reached", Pending),
    ];
    let there = rows.into_iter().filter_map(|(sign, label, status)| {
        let count = results.get(status);
        (count > 0).then(|| format!("{sign}{} {label}", human_count(count)))
    });
    there.collect::<Vec<_>>().join(", ")
}
