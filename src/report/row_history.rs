//! What runs did with one row or customer, and what would happen today: `hcsync why`. It shows values, since that is what
//! was asked for.

use std::io::{self, Write};

use serde::Serialize;

use crate::domain::{CustomerId, Issue, RowKey, RowNumber};
use crate::outcome::{RowResult, RowStatus};
use crate::plan::{Lane, LeftValue, OperationKind, ShownChange};

use super::changes::{Change, LaneFacts};
use super::json_text::write_line;

/// What a row says, attribute by attribute.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RowValues {
    /// Each changed attribute, old → new.
    pub changes: Vec<Change>,
    /// The same as people read it.
    #[serde(skip)]
    pub shown: Vec<(OperationKind, ShownChange)>,
    /// Values that stay as HelpCrunch has them, and why.
    pub left: Vec<LeftValue>,
    /// Names of the fields and properties that were as wanted already.
    pub same: Vec<String>,
}

impl RowValues {
    /// The changes of a lane.
    pub fn of_lane(facts: LaneFacts<'_>) -> Self {
        let Lane { operations, .. } = facts.lane;
        let shown = operations.iter().flat_map(|operation| {
            let changes = operation.changes().into_iter();
            changes.map(|change| (operation.kind(), ShownChange::of(&change)))
        });
        Self {
            changes: facts.changes(),
            shown: shown.collect(),
            ..Self::default()
        }
    }

    /// Whether a field or property is changed, or left for a reason.
    pub fn has(&self, field: &str) -> bool {
        self.shown.iter().any(|(_, change)| change.field == field)
            || self.left.iter().any(|left| left.field == field)
    }
}

/// A row of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HistoryEntry {
    pub run_id: String,
    pub command: String,
    /// RFC 3339, UTC.
    pub started_at: String,
    pub dry_run: bool,
    /// Why the run sent nothing, such as a safety limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nothing_sent: Option<String>,
    /// The key by which the row found its customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched_by: Option<&'static str>,
    pub result: RowResult,
    #[serde(flatten)]
    pub values: RowValues,
}

/// The row of a run that is planned again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RowOfRun {
    pub run_id: String,
    pub source: String,
    pub line: u64,
    pub row: RowNumber,
}

/// What would happen today.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RowToday {
    /// The newest row that is known; `None` if no run kept one.
    pub of: Option<RowOfRun>,
    /// `would_create`, `would_update`, `unchanged`, `skipped` or `rejected`; `None` without a row.
    pub status: Option<RowStatus>,
    /// The customer that it means now; without a row, the one that was asked for.
    pub customer_id: Option<CustomerId>,
    /// Its keys in HelpCrunch, without a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<RowKey>,
    /// The customer that it meant then, if that does not exist any more.
    pub gone: Option<CustomerId>,
    #[serde(flatten)]
    pub values: RowValues,
    /// Why the row would be rejected.
    pub error: Option<Issue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Issue>,
}

/// Everything that `hcsync why` reports.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RowHistory {
    pub query: String,
    /// Newest run first.
    pub entries: Vec<HistoryEntry>,
    /// Runs that were searched.
    pub runs: u64,
    /// Runs that could not be read.
    pub unreadable: Vec<String>,
    /// What would happen today, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub today: Option<RowToday>,
}

#[derive(Serialize)]
struct HistoryJson<'a> {
    hcsync_why: u32,
    #[serde(flatten)]
    history: &'a RowHistory,
}

/// Writes the history as one line of JSON.
pub fn write_history(out: impl Write, history: &RowHistory) -> io::Result<()> {
    let json = HistoryJson {
        hcsync_why: 1,
        history,
    };
    write_line(out, &json)
}
