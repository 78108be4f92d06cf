//! Fields and properties that the API refuses for row after row, such as a property that the account does not define.
//! They are left out of what is sent from then on, so that they do not cost each row a request and its other changes.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::{Field, Issue};
use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::field_limits::{FieldLimit, FieldLimits, length_in, text_of};
use crate::plan::{AttributeChange, AttributeValue, Operation};

/// After this many equal refusals of a field, without a write of it that was accepted, it is left out.
const MAX_REFUSALS: u32 = 10;

/// The issue code of a row of which a field was left out.
pub(super) const NOT_SENT: &str = "not_sent";

/// What the run's writes showed of each field (`notes`, `customData.plan`).
#[derive(Debug, Default)]
pub struct FieldRefusals {
    records: Mutex<BTreeMap<String, FieldRecord>>,
    /// What is sent however often it is refused.
    forced: Vec<String>,
}

/// What was left out of a row's operations, and why the row fails for it once the rest is done.
#[derive(Debug, Clone)]
pub(super) struct LeftOut {
    pub(super) result: OperationResult,
    pub(super) issue: Issue,
}

#[derive(Debug, Default)]
struct FieldRecord {
    refusals: u32,
    /// How the API refused it, without the row's value.
    message: String,
    /// Length of the longest text that was accepted, 0 for other values.
    accepted: Option<usize>,
    /// The longest text that the API takes, as its refusal says.
    max_length: Option<usize>,
}

impl FieldRecord {
    fn is_stopped(&self) -> bool {
        self.refusals >= MAX_REFUSALS && self.accepted.is_none()
    }

    /// What the API is known by now to refuse.
    fn limit(&self) -> Option<FieldLimit> {
        let max_length = self.max_length.filter(|max| self.accepted <= Some(*max));
        (max_length.is_some() || self.is_stopped()).then(|| FieldLimit {
            max_length,
            message: self.message.clone(),
        })
    }
}

/// What a run's writes showed of fields and properties, to be kept for the account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitLessons {
    pub limits: FieldLimits,
    /// Length of the longest text that was accepted, by field, 0 for other values.
    pub accepted: BTreeMap<String, usize>,
}

impl FieldRefusals {
    /// `forced`: fields and properties that the user wants to be sent however often they are refused.
    #[must_use]
    pub fn except(forced: Vec<String>) -> Self {
        Self {
            forced,
            ..Self::default()
        }
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<String, FieldRecord>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that the API accepted an operation.
    pub(super) fn accept(&self, operation: &Operation) {
        let mut records = self.records();
        for (field, length) in lengths(operation) {
            let record = records.entry(field).or_default();
            record.accepted = record.accepted.max(Some(length));
        }
    }

    /// Records that the API refused an operation because of what the issue names.
    pub(super) fn refuse(&self, operation: &Operation, issue: &Issue) {
        if issue.http_status != Some(400) {
            return;
        }
        let lengths = lengths(operation);
        if let Some((field, max, message)) = too_long(&lengths, issue) {
            let mut records = self.records();
            let record = records.entry(field).or_default();
            record.max_length = Some(max);
            record.message = message;
            return;
        }
        let Some(field) = refused_field(operation, issue) else {
            return;
        };
        let mut records = self.records();
        let record = records.entry(field.clone()).or_default();
        if record.message != issue.message {
            record.refusals = 0;
            record.message.clone_from(&issue.message);
        }
        record.refusals += 1;
        if record.refusals == MAX_REFUSALS && record.is_stopped() {
            tracing::warn!(
                field,
                "refused {MAX_REFUSALS} times and never accepted: not sent any more"
            );
        }
    }

    fn limits(&self) -> FieldLimits {
        let mut limits = FieldLimits::default();
        for (field, record) in self.records().iter() {
            if let Some(limit) = record.limit()
                && !self.forced.contains(field)
            {
                limits.insert(field.clone(), limit);
            }
        }
        limits
    }

    /// What is to be kept for the account: texts that are too long, and properties that are refused, since the account
    /// need not define them. Every account has the other fields, so that it is their values that are refused.
    #[must_use]
    pub fn lessons(&self) -> LimitLessons {
        let mut limits = self.limits();
        limits.retain(|field, limit| limit.max_length.is_some() || is_property(field));
        let records = self.records();
        let accepted = records
            .iter()
            .filter_map(|(field, record)| Some((field.clone(), record.accepted?)));
        LimitLessons {
            limits,
            accepted: accepted.collect(),
        }
    }

    /// Takes out of operations what is not sent any more.
    pub(super) fn leave_out(
        &self,
        operations: &mut Vec<Operation>,
        columns: &BTreeMap<String, String>,
    ) -> Option<LeftOut> {
        let limits = self.limits();
        let left_out = Operation::Patch(limits.take_out(operations));
        let fields = left_out.fields();
        let issue = limits.issue(&fields)?;
        let column = fields.iter().find_map(|field| columns.get(field)).cloned();
        Some(LeftOut {
            result: OperationResult::planned(&left_out).with_status(OperationStatus::NotSent),
            issue: Issue {
                code: NOT_SENT.to_owned(),
                column,
                message: format!("{} was not sent: {}", fields.join(", "), issue.message),
                ..issue
            },
        })
    }
}

fn is_property(field: &str) -> bool {
    field.starts_with("customData.")
}

/// The fields and properties of an operation, each with the length of its text, 0 for other values.
fn lengths(operation: &Operation) -> Vec<(String, usize)> {
    let changes = operation.changes().into_iter();
    let length = |change: AttributeChange<'_>| {
        let text = match change.new? {
            AttributeValue::Field(value) => value.as_text(),
            AttributeValue::Property(value) => text_of(value),
            AttributeValue::Tag(_) => return None,
        };
        let length = text.map_or(0, |text| text.chars().count());
        Some((change.attribute.to_string(), length))
    };
    changes.filter_map(length).collect()
}

/// The field whose text the API calls too long, the longest text that it takes, and its words.
fn too_long(lengths: &[(String, usize)], issue: &Issue) -> Option<(String, usize, String)> {
    let complaints = issue.message.trim_start_matches("HelpCrunch refused it: ");
    complaints.split("; ").find_map(|complaint| {
        let (code, words) = complaint.split_once(": ")?;
        let max = length_in(words)?;
        let mut longer = lengths.iter().filter(|(field, length)| {
            let is_meant = field == code || (code.starts_with("customData") && is_property(field));
            is_meant && *length > max
        });
        match (longer.next(), longer.next()) {
            (Some((field, _)), None) => Some((field.clone(), max, words.to_owned())),
            _ => None,
        }
    })
}

/// The field of an operation that the API's error names. Keys are sent whatever was refused before.
fn refused_field(operation: &Operation, issue: &Issue) -> Option<String> {
    let fields = operation.fields();
    let is_key = |field: &str| field == Field::UserId.name() || field == Field::Email.name();
    if is_key(&issue.code) {
        return None;
    }
    if fields.contains(&issue.code) {
        return Some(issue.code.clone());
    }
    let mut properties = fields.into_iter().filter(|field| is_property(field));
    match (properties.next(), properties.next()) {
        (Some(only), None) if issue.code.starts_with("customData") => Some(only),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CustomValue, IssueKind, Value};
    use crate::plan::{FieldChange, Patch, PropertyChange};

    fn patch(company: &str, plan: &str) -> Operation {
        Operation::Patch(Patch {
            set: vec![FieldChange {
                field: Field::Company,
                from: None,
                to: Some(Value::Text(company.into())),
            }],
            custom_data: vec![PropertyChange {
                name: "plan".into(),
                from: None,
                to: Some(CustomValue::Text(plan.into())),
            }],
        })
    }

    fn refusal(code: &str, message: &str) -> Issue {
        Issue::new(IssueKind::Api, code, message).status(400)
    }

    fn left_out(refusals: &FieldRefusals, operations: &mut Vec<Operation>) -> Option<Vec<String>> {
        let left_out = refusals.leave_out(operations, &BTreeMap::new())?;
        assert_eq!(left_out.issue.code, NOT_SENT);
        assert_eq!(left_out.result.status, OperationStatus::NotSent);
        Some(left_out.result.fields)
    }

    #[test]
    fn ten_equal_refusals_stop_a_field_and_the_rest_is_sent() {
        for code in ["customData.plan", "customData[x]"] {
            let refusals = FieldRefusals::default();
            for _ in 0..MAX_REFUSALS {
                let mut operations = vec![patch("A", "x")];
                assert_eq!(left_out(&refusals, &mut operations), None);
                refusals.refuse(&patch("A", "x"), &refusal(code, "not defined"));
            }
            let mut operations = vec![patch("A", "x")];
            let fields = left_out(&refusals, &mut operations).unwrap();
            assert_eq!(fields, ["customData.plan"]);
            assert_eq!(operations[0].fields(), ["company"]);
        }
    }

    #[test]
    fn a_field_that_was_accepted_once_or_is_refused_for_different_reasons_is_sent() {
        let accepted = FieldRefusals::default();
        accepted.accept(&patch("A", "x"));
        let different = FieldRefusals::default();
        let keys = FieldRefusals::default();
        for n in 0..2 * MAX_REFUSALS {
            accepted.refuse(&patch("A", "x"), &refusal("customData.plan", "too long"));
            let why = format!("{n} is no plan");
            different.refuse(&patch("A", "x"), &refusal("customData.plan", &why));
            keys.refuse(&patch("A", "x"), &refusal("email", "bad"));
        }
        for refusals in [accepted, different, keys] {
            assert_eq!(left_out(&refusals, &mut vec![patch("A", "x")]), None);
        }
    }

    #[test]
    fn a_text_that_is_called_too_long_stops_longer_ones_only() {
        let refusals = FieldRefusals::default();
        let message = "HelpCrunch refused it: customData[0].value: This value is too long. It should have 3 characters or less.";
        refusals.refuse(
            &patch("A", "long"),
            &refusal("customData[0].value", message),
        );
        let short = left_out(&refusals, &mut vec![patch("A", "pro")]);
        assert_eq!(short, None);
        let fields = left_out(&refusals, &mut vec![patch("A", "four")]).unwrap();
        assert_eq!(fields, ["customData.plan"]);
        let kept = refusals.lessons().limits;
        assert_eq!(kept.get("customData.plan").unwrap().max_length, Some(3));
        // Then the limit is another one than was understood.
        refusals.accept(&patch("A", "longer"));
        assert_eq!(left_out(&refusals, &mut vec![patch("A", "four")]), None);
        assert!(refusals.lessons().limits.is_empty());
    }

    #[test]
    fn what_is_forced_is_sent_however_often_it_is_refused() {
        let refusals = FieldRefusals::except(vec!["customData.plan".into()]);
        for _ in 0..MAX_REFUSALS {
            refusals.refuse(&patch("A", "x"), &refusal("customData.plan", "no"));
        }
        assert_eq!(left_out(&refusals, &mut vec![patch("A", "x")]), None);
        assert!(refusals.lessons().limits.is_empty());
    }

    #[test]
    fn only_properties_are_remembered_as_refused() {
        let refusals = FieldRefusals::default();
        for _ in 0..MAX_REFUSALS {
            refusals.refuse(&patch("A", "x"), &refusal("company", "no"));
            refusals.refuse(&patch("A", "x"), &refusal("customData.plan", "no"));
        }
        let lessons = refusals.lessons();
        let fields: Vec<_> = lessons
            .limits
            .iter()
            .map(|(field, _)| field.as_str())
            .collect();
        assert_eq!(fields, ["customData.plan"]);
    }
}
