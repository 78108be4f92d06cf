//! Groups rejected and failed rows by cause, in bounded memory. What differs from row to row in a message, such as the position
//! of a quote, makes no group of its own.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::domain::{Issue, IssueKind, without_cells};

use super::{Cause, RowPlace};

/// Distinct causes. Further ones are counted as `other`, so that a million bad rows take no more memory than a thousand.
pub(crate) const MAX_CAUSES: usize = 1_000;

/// Characters of a message or code that are kept: both may come from an answer of any length.
const MAX_CHARS: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct CauseKey {
    kind: IssueKind,
    code: String,
    column: Option<String>,
    http_status: Option<u16>,
    message: String,
}

/// Rows with the same cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CauseGroup {
    pub cause: Cause,
    /// Status of the answers that caused it.
    pub http_status: Option<u16>,
}

/// Groups of rows by cause, each with its first row as an example.
#[derive(Debug, Default)]
pub struct Causes {
    /// With the order in which the groups began.
    groups: HashMap<CauseKey, (usize, CauseGroup)>,
    shows_cells: bool,
}

impl Causes {
    /// Empty groups whose messages show the bad cell of their first row.
    pub fn with_cells() -> Self {
        Self {
            shows_cells: true,
            ..Self::default()
        }
    }

    /// Counts a row under each of its problems.
    pub fn add_all(&mut self, problems: &[Issue], place: RowPlace<'_>) {
        problems.iter().for_each(|issue| self.add(issue, place));
    }

    /// Counts a problem of a row. Rows come in the order of the input, so the example is the first of its kind.
    pub fn add(&mut self, issue: &Issue, place: RowPlace<'_>) {
        let key = CauseKey {
            kind: issue.kind,
            code: shortened(&issue.code),
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

    fn count(&mut self, key: CauseKey, issue: &Issue, place: RowPlace<'_>) {
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

    /// Counts a problem under `other`, of which there is one group per kind.
    fn add_other(&mut self, kind: IssueKind, place: RowPlace<'_>) {
        let issue = Issue::new(kind, "other", "other causes, too many to list");
        let key = CauseKey {
            kind,
            code: issue.code.clone(),
            column: None,
            http_status: None,
            message: String::new(),
        };
        self.count(key, &issue, place);
    }

    /// The groups, largest first, then in the order in which they began.
    pub fn sorted(&self) -> Vec<CauseGroup> {
        let mut groups: Vec<_> = self.groups.values().collect();
        groups.sort_by_key(|(index, group)| (Reverse(group.cause.count), *index));
        groups.into_iter().map(|(_, group)| group.clone()).collect()
    }
}

impl CauseGroup {
    /// An empty group with the row at `place` as its example.
    fn new(issue: &Issue, place: RowPlace<'_>) -> Self {
        let cause = Cause {
            kind: issue.kind,
            code: shortened(&issue.code),
            column: issue.column.clone(),
            count: 0,
            example_row: place.row,
            example_source: place.source.to_owned(),
            example_line: place.line,
            message: shortened(&issue.message),
            hint: issue.hint.clone(),
        };
        Self {
            cause,
            http_status: issue.http_status,
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}

/// Returns a message without what differs from row to row: cells are left out, runs of digits become `#`.
pub fn normalised(message: &str) -> String {
    let mut text = String::new();
    for c in without_cells(message).chars().take(MAX_CHARS) {
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
    fn cells_make_no_groups_and_are_shown_only_on_request() {
        for (mut causes, cell) in [
            (Causes::with_cells(), "“u\\u{200b}”"),
            (Causes::default(), "“…”"),
        ] {
            for (row, text) in [(1, "u\u{200b}"), (2, "’secret")] {
                let place = RowPlace {
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
