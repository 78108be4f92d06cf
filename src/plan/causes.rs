//! Groups rows by why they ended badly, in bounded memory: what differs from row to row in a message, such as the
//! place of a quote, makes no group of its own.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::domain::{Issue, IssueKind, without_cells};

use super::Cause;
use super::previewer::Place;

/// Distinct causes that are kept apart; what comes after them is counted under `other`, so that a file of a million
/// bad rows takes no more memory than one of a thousand.
pub const MAX_CAUSES: usize = 1_000;

/// Longest part of a message or code that is kept, in characters: both may come from an answer of any length.
const MOST_CHARS: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    kind: IssueKind,
    code: String,
    column: Option<String>,
    http_status: Option<u16>,
    message: String,
}

/// Rows that ended for one and the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CauseGroup {
    pub cause: Cause,
    /// Status of the answers that caused it.
    pub http_status: Option<u16>,
}

/// Groups of rows; each knows its first row.
#[derive(Debug, Default)]
pub struct Causes {
    /// With the order in which they came.
    groups: HashMap<Key, (usize, CauseGroup)>,
    shows_cells: bool,
}

impl Causes {
    /// The same, whose messages show the bad cells of their first rows.
    #[must_use]
    pub fn with_cells() -> Self {
        Self {
            shows_cells: true,
            ..Self::default()
        }
    }

    /// Counts a row under the cause of each of its problems.
    pub fn add_all(&mut self, problems: &[Issue], place: Place<'_>) {
        problems.iter().for_each(|issue| self.add(issue, place));
    }

    /// Counts a row; rows are given in the order of the input, so that the example is the first of its kind.
    pub fn add(&mut self, issue: &Issue, place: Place<'_>) {
        let key = Key {
            kind: issue.kind,
            code: beginning(&issue.code),
            column: issue.column.clone(),
            http_status: issue.http_status,
            message: normalised(&issue.message),
        };
        if self.groups.len() < MAX_CAUSES || self.groups.contains_key(&key) {
            self.count(key, issue, place);
        } else {
            self.add_other(issue.kind, place);
        }
    }

    fn count(&mut self, key: Key, issue: &Issue, place: Place<'_>) {
        let next = self.groups.len();
        let shows_cells = self.shows_cells;
        let new = || {
            let mut group = CauseGroup::new(issue, place);
            if !shows_cells {
                group.cause.message = without_cells(&group.cause.message).into_owned();
            }
            (next, group)
        };
        let (_, group) = self.groups.entry(key).or_insert_with(new);
        group.cause.count += 1;
    }

    /// One group for each kind: as many as there are kinds.
    fn add_other(&mut self, kind: IssueKind, place: Place<'_>) {
        let issue = Issue::new(kind, "other", "other causes, too many to list");
        let key = Key {
            kind,
            code: issue.code.clone(),
            column: None,
            http_status: None,
            message: String::new(),
        };
        self.count(key, &issue, place);
    }

    /// Most first, then in the order of their first rows and of the problems of one row.
    #[must_use]
    pub fn sorted(&self) -> Vec<CauseGroup> {
        let mut groups: Vec<_> = self.groups.values().collect();
        groups.sort_by_key(|(index, group)| (Reverse(group.cause.count), *index));
        groups.into_iter().map(|(_, group)| group.clone()).collect()
    }
}

impl CauseGroup {
    /// A group without rows; the one at `place` is its example.
    fn new(issue: &Issue, place: Place<'_>) -> Self {
        let cause = Cause {
            kind: issue.kind,
            code: beginning(&issue.code),
            column: issue.column.clone(),
            count: 0,
            example_row: place.row,
            example_source: place.source.to_owned(),
            example_line: place.line,
            message: beginning(&issue.message),
            hint: issue.hint.clone(),
        };
        Self {
            cause,
            http_status: issue.http_status,
        }
    }
}

fn beginning(text: &str) -> String {
    text.chars().take(MOST_CHARS).collect()
}

/// The message without what differs from row to row: cells are left out, runs of digits become `#`.
#[must_use]
pub fn normalised(message: &str) -> String {
    let mut text = String::new();
    for c in without_cells(message).chars().take(MOST_CHARS) {
        let c = if c.is_ascii_digit() { '#' } else { c };
        if c != '#' || !text.ends_with('#') {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{RowNumber, quoted_cell};

    #[test]
    fn cells_make_no_groups_and_are_shown_only_where_that_is_asked_for() {
        for (mut causes, cell) in [
            (Causes::with_cells(), "“u\\u{200b}”"),
            (Causes::default(), "“…”"),
        ] {
            for (row, text) in [(1, "u\u{200b}"), (2, "’secret")] {
                let place = Place {
                    row: RowNumber(row),
                    source: "a.csv",
                    line: row + 1,
                };
                let message = format!("`userId` is damaged: {}", quoted_cell(text));
                causes.add(&Issue::input("damaged", message), place);
            }
            let groups = causes.sorted();
            assert_eq!(groups.len(), 1);
            assert_eq!(groups[0].cause.count, 2);
            assert_eq!(
                groups[0].cause.message,
                format!("`userId` is damaged: {cell}")
            );
        }
    }
}
