use crate::domain::{RowKey, RowNumber};

/// Returns the match keys of a row as names and texts, the strongest first.
pub(super) fn key_parts(key: &RowKey) -> Vec<(&'static str, String)> {
    let parts = [
        ("userId", key.user_id.clone()),
        ("email", key.email.clone()),
        ("id", key.id.map(|id| id.to_string())),
    ];
    let present = |(name, text): (&'static str, Option<String>)| Some((name, text?));
    parts.into_iter().filter_map(present).collect()
}

/// Returns `customers.csv:13 (row 12)`, with the start of the name cut off so that it fits into `width` columns. A customer that
/// the input no longer holds has no place in it.
pub(super) fn place(source: &str, line: u64, row: RowNumber, width: usize) -> String {
    if source.is_empty() && line == 0 {
        return "no longer in the input".to_owned();
    }
    let rest = format!(":{line} (row {row})");
    let room = width.saturating_sub(rest.len()).max(8);
    let source = super::clean(source);
    format!("{}{rest}", super::terminal::shorten_start(&source, room))
}
