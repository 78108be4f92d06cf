//! The rows of a run, one ahead of where they are used.

use std::collections::VecDeque;
use std::io::BufRead;

use super::ResultsError;
use crate::domain::RowNumber;
use crate::run::rows::{RowLine, RowRange, RowReader, RowRecord, RowTotals};

/// Rows of a run, with the next one ready.
#[derive(Debug)]
pub(super) struct RowStream<R> {
    lines: RowReader<R>,
    pub(super) next: Option<RowRecord>,
    /// Ranges that were skipped before the next row.
    skipped: VecDeque<RowRange>,
    pub(super) skipped_rows: u64,
    pub(super) records: u64,
    pub(super) totals: Option<RowTotals>,
}

impl<R: BufRead> RowStream<R> {
    pub(super) fn new(rows: R) -> Result<Self, ResultsError> {
        let mut rows = Self {
            lines: RowReader::new(rows),
            next: None,
            skipped: VecDeque::new(),
            skipped_rows: 0,
            records: 0,
            totals: None,
        };
        rows.take_next()?;
        Ok(rows)
    }

    pub(super) fn take_next(&mut self) -> Result<Option<RowRecord>, ResultsError> {
        let record = self.next.take();
        for line in self.lines.by_ref() {
            match line? {
                RowLine::Row(row) => {
                    self.records += 1;
                    self.next = Some(*row);
                    break;
                }
                RowLine::Skipped(range) => {
                    self.skipped_rows += range.rows();
                    self.skipped.push_back(range);
                }
                RowLine::End(totals) => self.totals = Some(totals),
            }
        }
        Ok(record)
    }

    /// Whether a row was skipped. Rows have to be passed in ascending order.
    pub(super) fn is_skipped(&mut self, row: RowNumber) -> bool {
        while self.skipped.front().is_some_and(|range| range.last < row) {
            self.skipped.pop_front();
        }
        self.skipped
            .front()
            .is_some_and(|range| range.contains(row))
    }
}
