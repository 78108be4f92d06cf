use crate::domain::{RowKey, RowNumber};

/// The match keys of a row as names and texts, the strongest first.
pub(super) fn key_parts(key: &RowKey) -> Vec<(&'static str, String)> {
    let parts = [
        ("userId", key.user_id.clone()),
        ("email", key.email.clone()),
        ("id", key.id.map(|id| id.to_string())),
    ];
    let there = |(name, text): (&'static str, Option<String>)| text.map(|text| (name, text));
    parts.into_iter().filter_map(there).collect()
}

/// `customers.csv:13 (row 12)`, the name shortened from its start so that all of it takes at most `width` columns.
pub(super) fn place(source: &str, line: u64, row: RowNumber, width: usize) -> String {
    let rest = format!(":{line} (row {row})");
    let room = width.saturating_sub(rest.len()).max(8);
    let source = super::clean(source);
    format!("{}{rest}", super::shorten_start(&source, room))
}
