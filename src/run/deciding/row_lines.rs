//! The lines of rows that were decided, so that a later row can name an earlier one.

use crate::domain::{Position, RowNumber};

/// Beyond this many, lines are not kept: 16 MB.
const MAX_STEPS: usize = 1 << 20;

/// The inputs and lines of rows. Kept are only the rows at which the distance between row and line changes: with one line per row
/// that is the first row of each input.
#[derive(Debug, Default)]
pub(super) struct RowLines {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    row: u32,
    source: u16,
    line: u64,
}

impl Step {
    fn line_of(self, row: u64) -> u64 {
        self.line + row.saturating_sub(self.row.into())
    }
}

impl RowLines {
    /// Adds the next row.
    pub(super) fn add(&mut self, position: Position) {
        let (row, line) = (position.row.0, position.line);
        let is_expected = |last: &Step| last.source == position.source && last.line_of(row) == line;
        if self.steps.last().is_some_and(is_expected) || self.steps.len() >= MAX_STEPS {
            return;
        }
        if let Ok(row) = u32::try_from(row) {
            self.steps.push(Step {
                row,
                source: position.source,
                line,
            });
        }
    }

    /// How messages name an earlier row.
    pub(super) fn name(&self, row: RowNumber, sources: &[String]) -> String {
        let after = self
            .steps
            .partition_point(|step| u64::from(step.row) <= row.0);
        let step = after.checked_sub(1).and_then(|at| self.steps.get(at));
        let step = step.filter(|_| self.steps.len() < MAX_STEPS);
        let source = step.and_then(|step| sources.get(usize::from(step.source)));
        match (step, source) {
            (Some(step), Some(source)) => {
                format!("{source}:{} (row {row})", step.line_of(row.0))
            }
            _ => format!("row {row}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_named_by_input_and_line() {
        let mut lines = RowLines::default();
        let sources = ["a.csv".to_owned(), "b.csv".to_owned()];
        for (row, source, line) in [(1, 0, 2), (2, 0, 3), (3, 0, 7), (4, 0, 8), (5, 1, 2)] {
            lines.add(Position {
                row: RowNumber(row),
                line,
                source,
            });
        }
        assert_eq!(lines.steps.len(), 3);
        for (row, name) in [
            (2, "a.csv:3 (row 2)"),
            (3, "a.csv:7 (row 3)"),
            (4, "a.csv:8 (row 4)"),
            (5, "b.csv:2 (row 5)"),
        ] {
            assert_eq!(lines.name(RowNumber(row), &sources), name);
        }
        let none = RowLines::default();
        assert_eq!(none.name(RowNumber(5), &sources), "row 5");
    }
}
