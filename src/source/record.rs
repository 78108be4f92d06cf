use crate::domain::{CellKind, Cells, Issue, Position, RawRecord, Row};

/// One record of an input.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    Row(Row),
    Bad(BadRecord),
}

impl Record {
    /// The row, or `None` for a bad record.
    #[must_use]
    pub fn row(&self) -> Option<&Row> {
        match self {
            Self::Row(row) => Some(row),
            Self::Bad(_) => None,
        }
    }
}

/// A record that cannot be read, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct BadRecord {
    pub position: Position,
    /// The bytes of the record; empty if it was too long to keep.
    pub raw: RawRecord,
    pub issues: Vec<Issue>,
}

/// The identity of an input that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// SHA-256 of the stored file in lower-case hexadecimal.
    pub sha256: String,
    /// Size of the stored file.
    pub bytes: u64,
    /// The number of records that were returned, good and bad.
    pub rows: u64,
}

/// A record from an engine.
pub(super) struct ParsedRecord {
    pub(super) line: u64,
    /// See [`Row::raw`].
    pub(super) raw: Option<RawRecord>,
    pub(super) outcome: Result<Cells, Vec<Issue>>,
    /// See [`Row::flaws`].
    pub(super) flaws: Vec<Issue>,
    /// See [`Row::kinds`].
    pub(super) kinds: Vec<CellKind>,
}
