use crate::domain::Issue;
use crate::outcome::{RowResult, Unlisted};
use crate::plan::causes::{CauseGroup, Causes};
use crate::plan::previewer::Place;

use super::summary::{ErrorEntry, ResultCounts};

/// Counts results as they come: rows by status, errors and warnings by cause, in bounded memory.
#[derive(Debug, Default)]
pub struct Tally {
    counts: ResultCounts,
    errors: Causes,
    warnings: Causes,
}

impl Tally {
    /// Counts one row; rows are given in the order of the input, so that the example is the first of its kind.
    pub fn add(&mut self, result: &RowResult) {
        self.counts.add(result.status);
        let place = Place {
            row: result.row,
            source: &result.source,
            line: result.line,
        };
        let add = |causes: &mut Causes, issue: &Issue| causes.add(issue, place);
        self.errors.add_all(result.problems(), place);
        result
            .warnings
            .iter()
            .for_each(|w| add(&mut self.warnings, w));
    }

    /// Counts rows of which there is nothing to say.
    pub fn add_unlisted(&mut self, rows: Unlisted) {
        self.counts.unchanged += rows.unchanged;
        self.counts.skipped += rows.skipped;
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
    use crate::domain::{IssueKind, RowNumber};
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
