use serde::{Deserialize, Serialize};

use crate::domain::{CustomerId, Issue, RowKey, RowNumber};

use super::OperationResult;

/// The error code of a row whose customer was created while another customer got the same key. The row succeeded but
/// needs attention.
pub const CREATED_TWICE: &str = "created_twice";

/// How a row ended. Each row of the input has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowStatus {
    Created,
    Updated,
    Unchanged,
    /// Never sent: something is wrong with the row itself.
    Rejected,
    /// Left out because the config says so.
    Skipped,
    Failed,
    InDoubt,
    /// Not reached; a resume sends it.
    Pending,
    WouldCreate,
    WouldUpdate,
}

impl RowStatus {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Rejected => "rejected",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::InDoubt => "in_doubt",
            Self::Pending => "pending",
            Self::WouldCreate => "would_create",
            Self::WouldUpdate => "would_update",
        }
    }

    /// Whether the row belongs in the rejected file, to be fixed and fed back.
    #[must_use]
    pub fn needs_attention(self) -> bool {
        matches!(self, Self::Rejected | Self::Failed | Self::InDoubt)
    }
}

/// Counts of rows that have no result of their own because there is nothing to report of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unlisted {
    pub unchanged: u64,
    pub skipped: u64,
}

/// One line of a `results.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowResult {
    pub row: RowNumber,
    /// Physical line in `source` on which the record starts.
    pub line: u64,
    /// The input as the user named it.
    pub source: String,
    pub key: RowKey,
    pub customer_id: Option<CustomerId>,
    pub status: RowStatus,
    /// Whether it is no row but a customer that the input no longer holds. Its number follows the last row's.
    #[serde(
        default,
        rename = "missing",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub is_missing: bool,
    /// The earlier row of the same customer that this one was merged into, which carries the operations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<RowNumber>,
    pub operations: Vec<OperationResult>,
    /// The row's problem; a summary if there are several.
    pub error: Option<Issue>,
    /// Each problem, if the row has several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Issue>,
    /// Problems that did not change how the row ended, such as a value that the server keeps overriding.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Issue>,
}

impl RowResult {
    /// Returns each problem of the row.
    #[must_use]
    pub fn problems(&self) -> &[Issue] {
        match self.errors.as_slice() {
            [] => self.error.as_slice(),
            errors => errors,
        }
    }
}
