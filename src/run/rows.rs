//! The rows of a run on disk: what each says and what was planned for it. With the plan and the journal they are
//! all that results need, whatever became of the input.
//!
//! Rows of which there is nothing to say but that they are unchanged or skipped are counted and not written, so that a
//! run leaves on disk what it changes and rejects.

use std::io::{self, BufRead, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::domain::{CustomerId, DesiredCustomer, Issue, Position, RawRecord, RowKey, RowNumber};
use crate::plan::codec::PlannedLane;
use crate::plan::fingerprint::Fingerprint;
use crate::plan::{Operation, OperationKind};

/// What was planned for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Read, not planned yet.
    Read,
    Create,
    Update,
    Unchanged,
    Rejected,
    Skipped,
    /// Merged into a row that has operations, whose end is its own.
    Merged,
}

/// One row of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowRecord {
    pub row: RowNumber,
    pub line: u64,
    /// Index of the input.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub source: u16,
    #[serde(default)]
    pub key: RowKey,
    pub verdict: Verdict,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// The earlier row of the same customer that this one was merged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<RowNumber>,
    /// Where the row has several problems, this stands for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Issue>,
    /// Each problem of a row that has several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Issue>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Issue>,
    /// The record as it stood in the input; kept where the row may end up in the rejected file.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "raw_as_text")]
    pub raw: Option<RawRecord>,
    /// What the row wants; kept where it may have to be planned anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<DesiredCustomer>,
    /// Of what the row wants, where it was made.
    #[serde(skip)]
    pub fingerprint: Option<Fingerprint>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn is_zero(n: &u16) -> bool {
    *n == 0
}

impl RowRecord {
    /// A row that was read well.
    #[must_use]
    pub fn read(position: Position, raw: RawRecord, mut desired: DesiredCustomer) -> Self {
        // It is kept once.
        let key = std::mem::take(&mut desired.key);
        Self {
            key,
            desired: Some(desired),
            ..Self::bare(position, Some(raw), Verdict::Read)
        }
    }

    /// A row that is rejected for what it holds, with everything that is wrong with it.
    #[must_use]
    pub fn rejected(position: Position, raw: RawRecord, key: RowKey, issues: Vec<Issue>) -> Self {
        let error = Issue::summary_of(&issues);
        let errors = if issues.len() > 1 { issues } else { Vec::new() };
        Self {
            key,
            error,
            errors,
            ..Self::bare(position, Some(raw), Verdict::Rejected)
        }
    }

    /// A row as its plan alone tells it.
    #[must_use]
    pub fn of_plan(planned: &PlannedLane) -> Self {
        let lane = &planned.lane;
        let creates = |op: &Operation| op.kind() == OperationKind::Create;
        let verdict = match lane.operations.iter().any(creates) {
            true => Verdict::Create,
            false => Verdict::Update,
        };
        let position = Position {
            source: planned.place.source,
            row: lane.row,
            line: planned.place.line,
        };
        Self {
            key: lane.key.clone(),
            customer_id: lane.customer,
            ..Self::bare(position, None, verdict)
        }
    }

    /// A row of which the place alone is known.
    #[must_use]
    pub fn at(position: Position) -> Self {
        Self::bare(position, None, Verdict::Read)
    }

    /// Everything that is wrong with the row, each problem on its own.
    #[must_use]
    pub fn problems(&self) -> &[Issue] {
        match self.errors.as_slice() {
            [] => self.error.as_slice(),
            errors => errors,
        }
    }

    fn bare(position: Position, raw: Option<RawRecord>, verdict: Verdict) -> Self {
        Self {
            row: position.row,
            line: position.line,
            source: position.source,
            key: RowKey::default(),
            verdict,
            customer_id: None,
            merged_into: None,
            error: None,
            errors: Vec::new(),
            warnings: Vec::new(),
            raw,
            desired: None,
            fingerprint: None,
        }
    }
}

/// A record's bytes on disk.
mod raw_as_text {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Raw, RawRecord};

    #[expect(clippy::ref_option, reason = "serde hands out references")]
    pub(super) fn serialize<S: Serializer>(
        raw: &Option<RawRecord>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        raw.clone().map(Raw::from).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<RawRecord>, D::Error> {
        let raw = Option::<Raw>::deserialize(deserializer)?;
        Ok(raw.map(RawRecord::from))
    }
}

/// Bytes of a record: as text where they are UTF-8, else in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Raw {
    Text(String),
    Base64(String),
}

impl From<RawRecord> for Raw {
    fn from(raw: RawRecord) -> Self {
        match String::from_utf8(raw.0) {
            Ok(text) => Self::Text(text),
            Err(other) => Self::Base64(STANDARD.encode(other.into_bytes())),
        }
    }
}

impl From<Raw> for RawRecord {
    fn from(raw: Raw) -> Self {
        match raw {
            Raw::Text(text) => Self(text.into_bytes()),
            Raw::Base64(text) => Self(STANDARD.decode(text).unwrap_or_default()),
        }
    }
}

/// Writes a row record as a line.
///
/// # Errors
/// When the sink cannot be written.
pub fn write_row(out: &mut impl Write, row: &RowRecord) -> io::Result<()> {
    write_line(out, row)
}

fn write_line(out: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

/// Which rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowDetail {
    /// All, for whoever wants the result of each.
    All,
    /// Those that are sent, and those with something to say.
    ToSend,
    /// Of a plan that is not sent: those with something to say that the plan does not hold.
    Preview,
}

/// One line of a run's rows.
#[derive(Debug, Clone, PartialEq)]
pub enum RowLine {
    Row(Box<RowRecord>),
    /// Rows that were skipped, of which there is nothing else to say.
    Skipped(RowRange),
    /// The last line. What was not written before it is unchanged, or in the plan alone.
    End(RowTotals),
}

/// Rows from the first to the last of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowRange {
    pub first: RowNumber,
    pub last: RowNumber,
}

impl RowRange {
    #[must_use]
    pub fn contains(&self, row: RowNumber) -> bool {
        (self.first..=self.last).contains(&row)
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.last.0 - self.first.0 + 1
    }
}

/// How many rows there are, written or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowTotals {
    pub rows: u64,
    /// Rows that found a customer.
    pub matched: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OtherLine {
    Skipped(RowRange),
    End(RowTotals),
}

/// Writes the rows of a run, as far as they have to be written.
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

    /// Takes the next row. `planned`: the key that the plan has for it, if it has operations.
    ///
    /// # Errors
    /// When the sink cannot be written.
    pub fn write(&mut self, record: &RowRecord, planned: Option<&RowKey>) -> io::Result<()> {
        self.totals.rows += 1;
        self.totals.matched += u64::from(record.customer_id.is_some());
        if self.is_needed(record, planned) {
            self.write_skipped()?;
            return write_row(&mut self.out, record);
        }
        if record.verdict == Verdict::Skipped {
            let first = self.skipped.map_or(record.row, |range| range.first);
            self.skipped = Some(RowRange {
                first,
                last: record.row,
            });
            return Ok(());
        }
        self.write_skipped()
    }

    fn is_needed(&self, record: &RowRecord, planned: Option<&RowKey>) -> bool {
        let has_more_to_say =
            record.error.is_some() || !record.warnings.is_empty() || record.merged_into.is_some();
        let is_plain = match record.verdict {
            Verdict::Unchanged | Verdict::Skipped => true,
            Verdict::Create | Verdict::Update => {
                self.detail == RowDetail::Preview && planned == Some(&record.key)
            }
            Verdict::Read | Verdict::Rejected | Verdict::Merged => false,
        };
        self.detail == RowDetail::All || has_more_to_say || !is_plain
    }

    fn write_skipped(&mut self) -> io::Result<()> {
        match self.skipped.take() {
            Some(range) => write_line(&mut self.out, &OtherLine::Skipped(range)),
            None => Ok(()),
        }
    }

    /// Writes the last line.
    ///
    /// # Errors
    /// When the sink cannot be written.
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

fn parse_line(line: &[u8]) -> serde_json::Result<RowLine> {
    if line.starts_with(b"{\"row\":") {
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

    #[test]
    fn raw_bytes_survive_whatever_they_are() {
        for bytes in [b"a,b".to_vec(), vec![0xff, 0x00, b'\n'], Vec::new()] {
            let raw = Raw::from(RawRecord(bytes.clone()));
            let text = serde_json::to_string(&raw).unwrap();
            assert_eq!(
                RawRecord::from(serde_json::from_str::<Raw>(&text).unwrap()),
                RawRecord(bytes)
            );
        }
    }

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
