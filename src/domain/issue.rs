use std::collections::HashSet;

use serde::{Deserialize, Serialize};

/// Where a row's problem comes from; the `kind` of `results.jsonl`.
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
/// `message` names fields, not values. The exception is a damaged cell, which is quoted: see
/// [`without_cells`](super::without_cells).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    pub kind: IssueKind,
    /// Status of the answer that caused it, if one did.
    pub http_status: Option<u16>,
    /// Stable and machine-readable: `bad_date`, `ragged`, `ambiguous`, or a code of the API's error body.
    pub code: String,
    pub message: String,
    /// The input column at fault, if there is one.
    pub column: Option<String>,
    /// What the user can do, if the message does not make that clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Issue {
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

    pub fn input(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(IssueKind::Input, code, message)
    }

    pub fn matching(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(IssueKind::Match, code, message)
    }

    /// Merges all problems of a row into one issue: kind, code and column of the first, and every message and hint once.
    /// Returns `None` if there are no problems.
    pub fn summary_of(problems: &[Issue]) -> Option<Issue> {
        let (first, rest) = problems.split_first()?;
        if rest.is_empty() {
            return Some(first.clone());
        }
        let hints = problems
            .iter()
            .filter_map(|problem| problem.hint.as_deref());
        Some(Issue {
            message: join_distinct(problems.iter().map(|problem| problem.message.as_str())),
            hint: Some(join_distinct(hints)).filter(|hint| !hint.is_empty()),
            ..first.clone()
        })
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

/// Joins texts with semicolons, leaving out repetitions.
pub fn join_distinct<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut seen = HashSet::new();
    let distinct: Vec<&str> = texts.filter(|text| seen.insert(*text)).collect();
    distinct.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_holds_every_message_and_hint_once() {
        let email = Issue::input("bad_email", "`email` is not an e-mail address");
        let date = |name: &str| {
            let message = format!("`{name}` is not a date");
            Issue::input("bad_date", message).hint("name the format")
        };
        let problems = [
            email.clone().column("Mail"),
            date("firstSeen"),
            date("lastSeen"),
        ];
        let summary = Issue::summary_of(&problems).unwrap();
        assert_eq!(
            (summary.code.as_str(), summary.column.as_deref()),
            ("bad_email", Some("Mail"))
        );
        assert_eq!(
            summary.message,
            "`email` is not an e-mail address; `firstSeen` is not a date; `lastSeen` is not a date"
        );
        assert_eq!(summary.hint.as_deref(), Some("name the format"));
        assert_eq!(Issue::summary_of(std::slice::from_ref(&email)), Some(email));
        assert_eq!(Issue::summary_of(&[]), None);
    }
}
