use serde::{Deserialize, Serialize};

use crate::domain::{CustomerId, Issue, RowKey, RowNumber};

use super::OperationResult;

/// The code of the error of a row that was created while another customer got its key: it ended well, and needs
/// attention all the same.
pub const CREATED_TWICE: &str = "created_twice";

/// How a row ended; exactly one for each row of the input.
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
    /// Not reached; resumable.
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

    /// Whether the row belongs into the rejected file, to be mended and fed back.
    #[must_use]
    pub fn needs_attention(self) -> bool {
        matches!(self, Self::Rejected | Self::Failed | Self::InDoubt)
    }
}

/// Rows without a result of their own: there is nothing to say of them, and they are only counted.
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
    /// The earlier row of the same customer that this one was merged into, which carries the operations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<RowNumber>,
    pub operations: Vec<OperationResult>,
    /// Where a row has several problems, this stands for all of them.
    pub error: Option<Issue>,
    /// Each problem of a row that has several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Issue>,
    /// Things worth knowing that did not change how the row ended, such as a value that the server keeps
    /// rewriting.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Issue>,
}

impl RowResult {
    /// Everything that is wrong with the row, each problem on its own.
    #[must_use]
    pub fn problems(&self) -> &[Issue] {
        match self.errors.as_slice() {
            [] => self.error.as_slice(),
            errors => errors,
        }
    }
}
