use serde::{Deserialize, Serialize};

/// Where a problem of one row comes from; the `kind` of `results.jsonl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IssueKind {
    Input,
    Match,
    Api,
    Network,
    Safety,
    Stale,
}

impl IssueKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Match => "match",
            Self::Api => "api",
            Self::Network => "network",
            Self::Safety => "safety",
            Self::Stale => "stale",
        }
    }
}

/// One problem of one row: data, not an error. It serializes as the `error` of `results.jsonl`.
///
/// `message` names the row's fields and never its values: it goes to logs and reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    pub kind: IssueKind,
    /// Status of the answer that caused it, where there was one.
    pub http_status: Option<u16>,
    /// Stable, machine-readable: `bad_date`, `ragged`, `ambiguous`, or a code of the API's error body.
    pub code: String,
    pub message: String,
    /// The input's column, where one is to blame.
    pub column: Option<String>,
    /// What the user can do, where that is not plain from the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Issue {
    #[must_use]
    pub fn new(kind: IssueKind, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            http_status: None,
            code: code.into(),
            message: message.into(),
            column: None,
            hint: None,
        }
    }

    #[must_use]
    pub fn input(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(IssueKind::Input, code, message)
    }

    #[must_use]
    pub fn matching(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(IssueKind::Match, code, message)
    }

    #[must_use]
    pub fn column(mut self, column: impl Into<String>) -> Self {
        self.column = Some(column.into());
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.http_status = Some(status);
        self
    }
}
