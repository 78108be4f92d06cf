use std::collections::HashMap;

use crate::domain::{Issue, IssueKind, RowNumber};
use crate::outcome::RowResult;
use crate::plan::Cause;

use super::summary::{ErrorEntry, ResultCounts};

/// Distinct causes that are kept apart; what comes after them is counted under `other`, so that a file of a million
/// bad rows takes no more memory than one of a thousand.
pub const MAX_CAUSES: usize = 1_000;

/// Longest part of a message or code that is kept, in characters: both may come from an answer of any length.
const MOST_CHARS: usize = 200;

/// Rows that ended for one and the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CauseGroup {
    pub cause: Cause,
    /// Status of the answers that caused it.
    pub http_status: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct GroupKey {
    kind: IssueKind,
    code: String,
    column: Option<String>,
    http_status: Option<u16>,
    message: String,
}

#[derive(Debug, Default)]
struct Groups(HashMap<GroupKey, CauseGroup>);

impl Groups {
    fn add(&mut self, issue: &Issue, row: &RowResult) {
        let key = GroupKey {
            kind: issue.kind,
            code: beginning(&issue.code),
            column: issue.column.clone(),
            http_status: issue.http_status,
            message: normalised(&issue.message),
        };
        if let Some(group) = self.0.get_mut(&key) {
            group.cause.count += 1;
        } else if self.0.len() < MAX_CAUSES {
            self.0.insert(key, CauseGroup::first(issue, row));
        } else {
            self.add_other(issue.kind, row);
        }
    }

    /// One group for each kind: as many as there are kinds.
    fn add_other(&mut self, kind: IssueKind, row: &RowResult) {
        let issue = Issue::new(kind, "other", "other causes, too many to list");
        let key = GroupKey {
            kind,
            code: issue.code.clone(),
            column: None,
            http_status: None,
            message: String::new(),
        };
        let group = self.0.entry(key);
        let group = group.or_insert_with(|| CauseGroup {
            cause: Cause {
                count: 0,
                ..CauseGroup::first(&issue, row).cause
            },
            http_status: None,
        });
        group.cause.count += 1;
    }

    fn sorted(&self) -> Vec<CauseGroup> {
        let mut groups: Vec<_> = self.0.values().cloned().collect();
        groups.sort_by_key(|g| (std::cmp::Reverse(g.cause.count), g.cause.example_row));
        groups
    }
}

impl CauseGroup {
    fn first(issue: &Issue, row: &RowResult) -> Self {
        let cause = Cause {
            kind: issue.kind,
            code: beginning(&issue.code),
            column: issue.column.clone(),
            count: 1,
            example_row: row.row,
            example_source: row.source.clone(),
            example_line: row.line,
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

/// The message without what differs from row to row: runs of digits become `#`.
fn normalised(message: &str) -> String {
    let mut text = String::new();
    for c in message.chars().take(MOST_CHARS) {
        let c = if c.is_ascii_digit() { '#' } else { c };
        if c != '#' || !text.ends_with('#') {
            text.push(c);
        }
    }
    text
}

/// Counts results as they come: rows by status, errors and warnings by cause, in bounded memory.
#[derive(Debug, Default)]
pub struct Tally {
    counts: ResultCounts,
    errors: Groups,
    warnings: Groups,
}

impl Tally {
    /// Counts one row; rows are given in the order of the input, so that the example is the first of its kind.
    pub fn add(&mut self, result: &RowResult) {
        self.counts.add(result.status);
        if let Some(error) = &result.error {
            self.errors.add(error, result);
        }
        for warning in &result.warnings {
            self.warnings.add(warning, result);
        }
    }

    #[must_use]
    pub fn counts(&self) -> ResultCounts {
        self.counts
    }

    /// Causes of errors, most rows first.
    #[must_use]
    pub fn errors(&self) -> Vec<CauseGroup> {
        self.errors.sorted()
    }

    /// Causes of warnings, most first.
    #[must_use]
    pub fn warnings(&self) -> Vec<CauseGroup> {
        self.warnings.sorted()
    }

    /// The errors as `summary.json` lists them: one entry for each kind, code and column, most rows first.
    #[must_use]
    pub fn error_entries(&self) -> Vec<ErrorEntry> {
        let mut entries: HashMap<_, ErrorEntry> = HashMap::new();
        for CauseGroup { cause, .. } in self.errors() {
            let key = (cause.kind, cause.code.clone(), cause.column.clone());
            let entry = entries.entry(key).or_insert_with(|| ErrorEntry {
                kind: cause.kind,
                code: cause.code,
                column: cause.column,
                count: 0,
                example_row: RowNumber(u64::MAX),
            });
            entry.count += cause.count;
            entry.example_row = entry.example_row.min(cause.example_row);
        }
        let mut entries: Vec<_> = entries.into_values().collect();
        entries.sort_by_key(|e| (std::cmp::Reverse(e.count), e.example_row));
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn with(row: u64, issue: Issue) -> RowResult {
        RowResult {
            row: RowNumber(row),
            error: Some(issue),
            ..samples::rejected()
        }
    }

    #[test]
    fn one_cause_is_one_group_whatever_numbers_its_message_holds() {
        let mut tally = Tally::default();
        tally.add(&with(4, Issue::input("ragged", "3 cells instead of 12")));
        tally.add(&with(
            5,
            Issue::new(IssueKind::Api, "email", "taken")
                .status(400)
                .column("E-mail"),
        ));
        tally.add(&with(6, Issue::input("ragged", "14 cells instead of 12")));
        tally.add(&with(
            7,
            Issue::new(IssueKind::Api, "email", "bad")
                .status(400)
                .column("E-mail"),
        ));
        let seen: Vec<_> = tally
            .errors()
            .into_iter()
            .map(|g| {
                (
                    g.cause.code,
                    g.cause.count,
                    g.cause.example_row.0,
                    g.http_status,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("ragged".into(), 2, 4, None),
                ("email".into(), 1, 5, Some(400)),
                ("email".into(), 1, 7, Some(400))
            ]
        );
        let entries = tally.error_entries();
        assert_eq!(
            entries
                .iter()
                .map(|e| (e.code.as_str(), e.count))
                .collect::<Vec<_>>(),
            [("ragged", 2), ("email", 2)]
        );
        assert_eq!(tally.counts().rejected, 4);
    }

    #[test]
    fn memory_is_bounded_and_no_row_is_lost() {
        let mut tally = Tally::default();
        let rows = 3 * MAX_CAUSES as u64;
        for row in 1..=rows {
            let name: String = row
                .to_string()
                .bytes()
                .map(|b| char::from(b - b'0' + b'a'))
                .collect();
            tally.add(&with(row, Issue::input("bad", name)));
        }
        let groups = tally.errors();
        assert_eq!(groups.len(), MAX_CAUSES + 1);
        assert_eq!(groups.iter().map(|g| g.cause.count).sum::<u64>(), rows);
        assert_eq!(groups[0].cause.code, "other");
        assert_eq!(groups[0].cause.count, rows - MAX_CAUSES as u64);
        assert_eq!(tally.counts().total(), rows);
    }

    #[test]
    fn warnings_do_not_count_as_errors() {
        let mut tally = Tally::default();
        samples::results().iter().for_each(|r| tally.add(r));
        assert_eq!(tally.warnings().len(), 1);
        assert_eq!(tally.errors().len(), 2);
    }
}
