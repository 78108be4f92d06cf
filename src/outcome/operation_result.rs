use serde::{Deserialize, Serialize};

use crate::plan::{Operation, OperationKind};

/// How far an operation came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationStatus {
    Planned,
    Done,
    Failed,
    /// Sent, and whether it took is not known.
    InDoubt,
    /// Left out because an earlier operation of its customer did not end well.
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
    /// HTTP exchanges that were begun for it; look-ups to settle a doubt do not count.
    pub attempts: u32,
    pub http_status: Option<u16>,
    /// When it ended (RFC 3339, UTC, whole seconds); nothing where it was not sent.
    pub at: Option<String>,
}

impl OperationResult {
    /// The operation as planned, before anything was sent.
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
}
