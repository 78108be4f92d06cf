//! From the reason why a call brought no result to what becomes of its row. Pure.

use std::collections::BTreeMap;

use crate::domain::{Issue, IssueKind};
use crate::helpcrunch::CallError;

/// What is known of an operation whose call brought no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It will not be done: the row fails.
    Failed,
    /// It was not done, and the run stops: it is left for a resume.
    NotDone,
    /// It may have been done, and the run stops: a resume finds out.
    Unknown,
}

#[must_use]
pub(super) fn verdict(error: &CallError) -> Verdict {
    match error {
        CallError::Refused { .. } | CallError::GaveUp { .. } => Verdict::Failed,
        CallError::NotSent(_) | CallError::Unauthorized { .. } | CallError::Redirected { .. } => {
            Verdict::NotDone
        }
        CallError::Unknown { .. } | CallError::CutShort { .. } | CallError::Interrupted => {
            Verdict::Unknown
        }
    }
}

/// The row's problem, with the column to which the API's own word for the field leads.
#[must_use]
pub(super) fn issue(error: &CallError, columns: &BTreeMap<String, String>) -> Issue {
    match error {
        CallError::Refused { status, errors } => {
            let first = errors.first();
            let code = first.map_or_else(String::new, |e| e.code.clone());
            let messages: Vec<_> = errors
                .iter()
                .map(|e| format!("{}: {}", e.code, e.message))
                .collect();
            let column = columns.get(&code).cloned();
            let message = format!("HelpCrunch refused it: {}", messages.join("; "));
            Issue {
                column,
                ..Issue::new(IssueKind::Api, code, message).status(*status)
            }
        }
        CallError::GaveUp { attempts, why } => {
            let message = format!("no usable answer after {attempts} attempts: {why}");
            Issue::new(IssueKind::Network, "gave_up", message).hint("run the sync again")
        }
        other => Issue::new(IssueKind::Network, "no_answer", other.to_string()),
    }
}
