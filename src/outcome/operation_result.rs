use serde::{Deserialize, Serialize};

use crate::plan::{Operation, OperationKind};

/// The status of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationStatus {
    Planned,
    Done,
    Failed,
    /// Sent, outcome unknown.
    InDoubt,
    /// Left out because an earlier operation of its customer failed.
    NotSent,
}

/// One entry of `operations` in `results.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationResult {
    pub op: OperationKind,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    pub status: OperationStatus,
    /// HTTP exchanges that were begun for it, without look-ups that settle a doubt.
    pub attempts: u32,
    pub http_status: Option<u16>,
    /// When it ended (RFC 3339, UTC, whole seconds), or `None` if it was not sent.
    pub at: Option<String>,
}

impl OperationResult {
    /// Returns the result of an operation before it is sent.
    #[must_use]
    pub fn planned(operation: &Operation) -> Self {
        Self {
            op: operation.kind(),
            fields: operation.fields(),
            tags: operation.tags(),
            status: OperationStatus::Planned,
            attempts: 0,
            http_status: None,
            at: None,
        }
    }

    #[must_use]
    pub fn with_status(self, status: OperationStatus) -> Self {
        Self { status, ..self }
    }

    #[must_use]
    pub fn is_done(&self) -> bool {
        self.status == OperationStatus::Done
    }
}
