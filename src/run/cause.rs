//! From the reason why a call brought no result to what becomes of its row. Pure.

use std::collections::BTreeMap;

use crate::domain::{Issue, IssueKind};
use crate::helpcrunch::{ApiError, CallError};

/// What is known of an operation whose call brought no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It will not be done: the row fails.
    Failed,
    /// It was not done, and the run stops: it is left for a resume.
    NotDone,
    /// What it stands on has to be read again first.
    Outdated,
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
        CallError::Outdated { .. } => Verdict::Outdated,
        CallError::Unknown { .. } | CallError::CutShort { .. } | CallError::Interrupted => {
            Verdict::Unknown
        }
    }
}

/// The row's problem, with the column to which the API's own word for the field leads. `properties` are the names
/// of the custom properties in the order in which they were sent, since the API tells one by its place among them.
#[must_use]
pub(super) fn issue(
    error: &CallError,
    columns: &BTreeMap<String, String>,
    properties: &[String],
) -> Issue {
    match error {
        CallError::Refused { status, errors } => {
            let code = |e: &ApiError| {
                let property = property_at(&e.code, properties);
                property.unwrap_or_else(|| e.code.clone())
            };
            let messages: Vec<_> = errors
                .iter()
                .map(|e| format!("{}: {}", code(e), e.message))
                .collect();
            let code = errors.first().map(code).unwrap_or_default();
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

/// `customData.NAME` for a path such as `customData[1].value`: nobody but this program knows that order.
fn property_at(code: &str, properties: &[String]) -> Option<String> {
    let (index, _) = code.strip_prefix("customData[")?.split_once(']')?;
    let name = properties.get(index.parse::<usize>().ok()?)?;
    Some(format!("customData.{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(code: &str) -> (String, Option<String>, String) {
        let errors = vec![ApiError {
            code: code.into(),
            message: "No.".into(),
        }];
        let error = CallError::Refused {
            status: 400,
            errors,
        };
        let columns = BTreeMap::from([("customData.plan".into(), "Plan".into())]);
        let issue = issue(&error, &columns, &["mrr".into(), "plan".into()]);
        (issue.code, issue.column, issue.message)
    }

    #[test]
    fn a_property_is_told_by_its_name_and_not_by_its_place_in_the_request() {
        let (code, column, message) = told("customData[1].property");
        assert_eq!(code, "customData.plan");
        assert_eq!(column.as_deref(), Some("Plan"));
        assert_eq!(message, "HelpCrunch refused it: customData.plan: No.");
    }

    #[test]
    fn what_leads_to_no_property_is_told_as_the_api_did() {
        for code in [
            "customData[2].value",
            "customData[x]",
            "customData",
            "email",
        ] {
            assert_eq!(told(code).0, code);
        }
    }
}
