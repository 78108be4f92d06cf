use crate::outcome::{RowResult, RowStatus, Unlisted};
use crate::plan::RowPlace;
use crate::plan::causes::{CauseGroup, Causes};

use super::result_counts::ResultCounts;
use super::summary::ErrorEntry;

/// Counts results: rows by status, errors and warnings by cause, in bounded memory.
#[derive(Debug, Default)]
pub struct Tally {
    counts: ResultCounts,
    missing: ResultCounts,
    errors: Causes,
    warnings: Causes,
}

impl Tally {
    /// Counts one row. Rows come in the order of the input, so the example is the first of its kind.
    pub fn add(&mut self, result: &RowResult) {
        match result.is_missing {
            true => self.missing.add(result.status),
            false => self.counts.add(result.status),
        }
        let place = RowPlace {
            row: result.row,
            source: &result.source,
            line: result.line,
        };
        self.errors.add_all(result.problems(), place);
        self.warnings.add_all(&result.warnings, place);
    }

    /// Counts rows without a result of their own.
    pub fn add_unlisted(&mut self, rows: Unlisted) {
        self.counts.unchanged += rows.unchanged;
        self.counts.skipped += rows.skipped;
    }

    pub fn counts(&self) -> ResultCounts {
        self.counts
    }

    /// Counts customers that the input no longer holds, which are not among its rows. Returns `None` if there are none.
    pub fn missing(&self) -> Option<ResultCounts> {
        (self.missing.total() > 0).then_some(self.missing)
    }

    /// Counts rows and missing customers with a status.
    pub fn count(&self, status: RowStatus) -> u64 {
        self.counts.get(status) + self.missing.get(status)
    }

    /// Causes of errors, most rows first.
    pub fn errors(&self) -> Vec<CauseGroup> {
        self.errors.sorted()
    }

    /// Causes of warnings, most first.
    pub fn warnings(&self) -> Vec<CauseGroup> {
        self.warnings.sorted()
    }

    /// The errors for `summary.json`: one entry for each kind, code and column, most rows first.
    pub fn error_entries(&self) -> Vec<ErrorEntry> {
        let mut entries: Vec<ErrorEntry> = Vec::new();
        for CauseGroup { cause, .. } in self.errors() {
            let is_same = |e: &&mut ErrorEntry| {
                (e.kind, &e.code, &e.column) == (cause.kind, &cause.code, &cause.column)
            };
            if let Some(entry) = entries.iter_mut().find(is_same) {
                entry.count += cause.count;
                entry.example_row = entry.example_row.min(cause.example_row);
            } else {
                entries.push(ErrorEntry {
                    kind: cause.kind,
                    code: cause.code,
                    column: cause.column,
                    count: cause.count,
                    example_row: cause.example_row,
                });
            }
        }
        entries.sort_by_key(|e| (std::cmp::Reverse(e.count), e.example_row));
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Issue, IssueKind, RowNumber};
    use crate::plan::causes::MAX_CAUSES;
    use crate::report::samples;

    fn with(row: u64, issue: Issue) -> RowResult {
        RowResult {
            row: RowNumber(row),
            error: Some(issue),
            ..samples::rejected()
        }
    }

    #[test]
    fn one_cause_is_one_group_whatever_numbers_its_message_has() {
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
