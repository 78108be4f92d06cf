//! Maps the reason why a call brought no result to the issue of its row. Pure.

use std::collections::BTreeMap;

use crate::domain::{Issue, IssueKind};
use crate::helpcrunch::{ApiError, CallError, blocked};

/// Returns the row's issue, with the column that holds the field which the API names. `properties` are the names of the
/// custom properties in the order in which they were sent, since the API names one by its index.
pub(super) fn issue(
    error: &CallError,
    columns: &BTreeMap<String, String>,
    properties: &[String],
) -> Issue {
    match error {
        CallError::Refused { status, errors } if error.is_blocked() => {
            let issue = Issue::new(IssueKind::Network, "blocked", blocked(*status, errors));
            issue.status(*status).hint(
                "such filters take HTML, SQL or a URL in a text for an attack: change the row, or have the rule relaxed; \
                 the next run tries the row again",
            )
        }
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

/// Returns `customData.NAME` for a path such as `customData[1].value`: users do not know that order.
fn property_at(code: &str, properties: &[String]) -> Option<String> {
    let (index, _) = code.strip_prefix("customData[")?.split_once(']')?;
    let name = properties.get(index.parse::<usize>().ok()?)?;
    Some(format!("customData.{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribution(code: &str) -> (String, Option<String>, String) {
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
        let (code, column, message) = attribution("customData[1].property");
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
            assert_eq!(attribution(code).0, code);
        }
    }
}
