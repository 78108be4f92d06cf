//! One row of a run.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::domain::{CustomerId, DesiredCustomer, Issue, Position, RawRecord, RowKey, RowNumber};
use crate::plan::codec::PlannedLane;
use crate::plan::{LeftValue, Operation, OperationKind};

/// What was planned for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Not planned yet.
    Read,
    Create,
    Update,
    Unchanged,
    Rejected,
    Skipped,
    /// Merged into an earlier row that has operations, and shares its outcome.
    Merged,
}

/// One row of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowRecord {
    /// First, since [`is_record`](super::is_record) recognises a record by it.
    pub row: RowNumber,
    pub line: u64,
    /// Index of the input.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub source: u16,
    /// Whether it is no row but a customer that the input no longer holds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_missing: bool,
    #[serde(default)]
    pub key: RowKey,
    pub verdict: Verdict,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// The earlier row of the same customer that this one was merged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<RowNumber>,
    /// The row's problem; a summary if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Issue>,
    /// Each problem, if the row has several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Issue>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Issue>,
    /// Values that are not written although the row has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<LeftValue>,
    /// The record's bytes, kept if the row may end up in the rejected file.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "raw_as_text")]
    pub raw: Option<RawRecord>,
    /// What the row wants, kept if it may have to be replanned.
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
    /// A row that was mapped without a problem.
    pub fn read(position: Position, raw: RawRecord, mut desired: DesiredCustomer) -> Self {
        // The key is stored once.
        let key = std::mem::take(&mut desired.key);
        Self {
            key,
            desired: Some(desired),
            ..Self::bare(position, Some(raw), Verdict::Read)
        }
    }

    /// A row that is rejected for its values, with all its problems.
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

    /// A row that `[rows] where` leaves out.
    pub fn skipped(position: Position) -> Self {
        Self::bare(position, None, Verdict::Skipped)
    }

    /// A row as far as its plan knows it.
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
            is_missing: planned.place.is_missing,
            ..Self::bare(position, None, verdict)
        }
    }

    /// A row of which only the position is known.
    pub fn at(position: Position) -> Self {
        Self::bare(position, None, Verdict::Read)
    }

    /// Returns each problem of the row.
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
            is_missing: false,
            key: RowKey::default(),
            verdict,
            customer_id: None,
            merged_into: None,
            error: None,
            errors: Vec::new(),
            warnings: Vec::new(),
            left: Vec::new(),
            raw,
            desired: None,
        }
    }
}

/// Serializes a record's bytes.
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

/// Bytes of a record: text if they are UTF-8, otherwise base64.
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
}
