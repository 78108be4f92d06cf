//! The rows of a run on disk: what each wants and what was planned for it. Together with the plan and the journal they are
//! all that results need.
//!
//! Rows that are only unchanged or skipped are counted and not written, so that the file holds what a run changes and
//! rejects. Where results list them, too, the input is read again (`Results::with_inputs`).

mod record;

pub use record::{RowRecord, Verdict};

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};

use crate::domain::{RowKey, RowNumber};

/// Writes a row record as a line.
pub fn write_row(out: &mut impl Write, row: &RowRecord) -> io::Result<()> {
    write_line(out, row)
}

fn write_line(out: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

/// Which rows are written to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowDetail {
    /// All rows, for reports that list each one.
    All,
    /// Rows that are sent, and rows with a problem or warning.
    ToSend,
    /// For a plan that is not sent: rows with a problem or warning that the plan does not hold.
    Preview,
}

/// One line of a run's rows.
#[derive(Debug, Clone, PartialEq)]
pub enum RowLine {
    Row(Box<RowRecord>),
    /// Rows that were skipped without a problem or warning.
    Skipped(RowRange),
    /// The last line. Rows that were not written are unchanged, or are only in the plan.
    End(RowTotals),
}

/// Rows from `first` to `last`, inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowRange {
    pub first: RowNumber,
    pub last: RowNumber,
}

impl RowRange {
    pub fn contains(&self, row: RowNumber) -> bool {
        (self.first..=self.last).contains(&row)
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> u64 {
        self.last.0 - self.first.0 + 1
    }
}

/// Counts of all rows, written or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowTotals {
    pub rows: u64,
    /// Rows that match a customer.
    pub matched: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OtherLine {
    Skipped(RowRange),
    End(RowTotals),
}

/// Writes the rows of a run that have to be written.
#[derive(Debug)]
pub struct RowWriter<W> {
    out: W,
    detail: RowDetail,
    skipped: Option<RowRange>,
    totals: RowTotals,
}

impl<W: Write> RowWriter<W> {
    pub fn new(out: W, detail: RowDetail) -> Self {
        Self {
            out,
            detail,
            skipped: None,
            totals: RowTotals::default(),
        }
    }

    /// Writes the next row, if necessary. `planned`: the key that the plan has for it, if it has operations.
    pub fn write(&mut self, record: &RowRecord, planned: Option<&RowKey>) -> io::Result<()> {
        let is_matched = record.customer_id.is_some();
        if !self.is_needed(record, planned) {
            return self.count_only(record.row, is_matched, record.verdict == Verdict::Skipped);
        }
        self.count(is_matched);
        self.write_skipped()?;
        write_row(&mut self.out, record)
    }

    /// Counts the next row, which is only unchanged or skipped.
    pub fn count_only(
        &mut self,
        row: RowNumber,
        is_matched: bool,
        is_skipped: bool,
    ) -> io::Result<()> {
        self.count(is_matched);
        if !is_skipped {
            return self.write_skipped();
        }
        let first = self.skipped.map_or(row, |range| range.first);
        self.skipped = Some(RowRange { first, last: row });
        Ok(())
    }

    fn count(&mut self, is_matched: bool) {
        self.totals.rows += 1;
        self.totals.matched += u64::from(is_matched);
    }

    fn is_needed(&self, record: &RowRecord, planned: Option<&RowKey>) -> bool {
        let has_notes =
            record.error.is_some() || !record.warnings.is_empty() || record.merged_into.is_some();
        let is_plain = match record.verdict {
            Verdict::Unchanged | Verdict::Skipped => true,
            Verdict::Create | Verdict::Update => {
                self.detail == RowDetail::Preview && planned == Some(&record.key)
            }
            Verdict::Read | Verdict::Rejected | Verdict::Merged => false,
        };
        self.detail == RowDetail::All || has_notes || !is_plain
    }

    fn write_skipped(&mut self) -> io::Result<()> {
        match self.skipped.take() {
            Some(range) => write_line(&mut self.out, &OtherLine::Skipped(range)),
            None => Ok(()),
        }
    }

    /// Writes the last line.
    pub fn finish(mut self) -> io::Result<W> {
        self.write_skipped()?;
        write_line(&mut self.out, &OtherLine::End(self.totals))?;
        Ok(self.out)
    }
}

/// Streams the lines of a run's rows in the order of the input.
#[derive(Debug)]
pub struct RowReader<R> {
    input: R,
    line: Vec<u8>,
}

impl<R: BufRead> RowReader<R> {
    pub fn new(input: R) -> Self {
        Self {
            input,
            line: Vec::new(),
        }
    }

    /// The text of the line that was read last.
    pub fn text(&self) -> &[u8] {
        &self.line
    }
}

impl<R: BufRead> Iterator for RowReader<R> {
    type Item = io::Result<RowLine>;

    fn next(&mut self) -> Option<Self::Item> {
        self.line.clear();
        match self.input.read_until(b'\n', &mut self.line) {
            Ok(0) => None,
            Ok(_) => Some(parse_line(&self.line).map_err(io::Error::from)),
            Err(error) => Some(Err(error)),
        }
    }
}

/// Whether a line is a row's record, whose first member is `row`.
pub fn is_record(line: &[u8]) -> bool {
    line.starts_with(b"{\"row\":")
}

fn parse_line(line: &[u8]) -> serde_json::Result<RowLine> {
    if is_record(line) {
        return serde_json::from_slice(line).map(|record| RowLine::Row(Box::new(record)));
    }
    Ok(match serde_json::from_slice(line)? {
        OtherLine::Skipped(range) => RowLine::Skipped(range),
        OtherLine::End(totals) => RowLine::End(totals),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CustomerId, DesiredCustomer, Issue, Position, RawRecord};

    #[test]
    fn rows_come_back_in_order() {
        let position = |row| Position {
            source: 0,
            row: RowNumber(row),
            line: row + 1,
        };
        let rows: Vec<_> = (1..=3)
            .map(|row| {
                RowRecord::rejected(
                    position(row),
                    RawRecord(b"x".to_vec()),
                    RowKey::default(),
                    vec![Issue::input("ragged", "m")],
                )
            })
            .collect();
        let mut bytes = Vec::new();
        rows.iter()
            .for_each(|row| write_row(&mut bytes, row).unwrap());
        let back: Vec<_> = RowReader::new(bytes.as_slice())
            .map(Result::unwrap)
            .collect();
        let rows: Vec<_> = rows
            .into_iter()
            .map(|row| RowLine::Row(Box::new(row)))
            .collect();
        assert_eq!(back, rows);
    }

    fn with(row: u64, verdict: Verdict) -> RowRecord {
        let position = Position {
            source: 0,
            row: RowNumber(row),
            line: row + 1,
        };
        RowRecord {
            verdict,
            customer_id: (verdict == Verdict::Unchanged).then_some(CustomerId(row)),
            ..RowRecord::read(position, RawRecord::default(), DesiredCustomer::default())
        }
    }

    fn written(detail: RowDetail, rows: &[RowRecord]) -> Vec<RowLine> {
        let mut writer = RowWriter::new(Vec::new(), detail);
        for row in rows {
            writer.write(row, Some(&RowKey::default())).unwrap();
        }
        let bytes = writer.finish().unwrap();
        RowReader::new(bytes.as_slice())
            .map(Result::unwrap)
            .collect()
    }

    #[test]
    fn rows_that_say_nothing_are_counted_and_not_written() {
        use Verdict::{Create, Skipped, Unchanged};
        let verdicts = [
            Unchanged, Skipped, Skipped, Unchanged, Skipped, Create, Skipped,
        ];
        let mut rows: Vec<_> = (1..).zip(verdicts).map(|(n, v)| with(n, v)).collect();
        let range = |first, last| {
            RowLine::Skipped(RowRange {
                first: RowNumber(first),
                last: RowNumber(last),
            })
        };
        let row = |row: &RowRecord| RowLine::Row(Box::new(row.clone()));
        let end = RowLine::End(RowTotals {
            rows: 7,
            matched: 2,
        });
        let expected = [
            range(2, 3),
            range(5, 5),
            row(&rows[5]),
            range(7, 7),
            end.clone(),
        ];
        assert_eq!(written(RowDetail::ToSend, &rows), expected);
        let expected = [range(2, 3), range(5, 5), range(7, 7), end.clone()];
        assert_eq!(written(RowDetail::Preview, &rows)[..2], expected[..2]);
        assert!(!written(RowDetail::Preview, &rows).contains(&row(&rows[5])));
        let all: Vec<_> = rows.iter().map(row).chain([end]).collect();
        assert_eq!(written(RowDetail::All, &rows), all);
        rows[3].warnings.push(Issue::input("ragged", "m"));
        assert!(written(RowDetail::Preview, &rows).contains(&row(&rows[3])));
        // The plan leaves a part of its key out.
        rows[5].key.email = Some("a@x.org".into());
        assert!(written(RowDetail::Preview, &rows).contains(&row(&rows[5])));
    }
}
