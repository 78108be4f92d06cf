//! The rows of a run on disk: what each says and what was planned for it. With the plan and the journal they are
//! all that results need, whatever became of the input.

use std::io::{self, BufRead, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::domain::{CustomerId, DesiredCustomer, Issue, Position, RawRecord, RowKey, RowNumber};

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Raw>,
    /// What the row wants; kept where it may have to be planned anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<DesiredCustomer>,
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
    pub fn read(position: Position, raw: RawRecord, desired: DesiredCustomer) -> Self {
        let key = desired.key.clone();
        Self {
            key,
            desired: Some(desired),
            ..Self::bare(position, raw, Verdict::Read)
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
            ..Self::bare(position, raw, Verdict::Rejected)
        }
    }

    /// Everything that is wrong with the row, each problem on its own.
    #[must_use]
    pub fn problems(&self) -> &[Issue] {
        match self.errors.as_slice() {
            [] => self.error.as_slice(),
            errors => errors,
        }
    }

    fn bare(position: Position, raw: RawRecord, verdict: Verdict) -> Self {
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
            raw: Some(Raw::from(raw)),
            desired: None,
        }
    }
}

/// Bytes of a record: as text where they are UTF-8, else in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Raw {
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
    serde_json::to_writer(&mut *out, row)?;
    out.write_all(b"\n")
}

/// Streams the rows of a run in the order of the input.
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
    type Item = io::Result<RowRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        self.line.clear();
        match self.input.read_until(b'\n', &mut self.line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_slice(&self.line).map_err(io::Error::from)),
            Err(error) => Some(Err(error)),
        }
    }
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
        assert_eq!(back, rows);
    }
}
