//! Values that the account is known to refuse: texts that are too long, and properties that it does not define.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FieldChange, Operation, Patch, PropertyChange};
use crate::domain::{CustomValue, Issue, IssueKind, Value};

/// Numbers above this in a refusal are no length of a text.
const MAX_LENGTH: usize = 1_000_000;

/// What is refused of one field or property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldLimit {
    /// In characters: longer texts are refused. `None`: every value is.
    pub max_length: Option<usize>,
    /// How the API said so.
    pub message: String,
}

impl FieldLimit {
    fn refuses(&self, value: Option<&str>) -> bool {
        match (self.max_length, value) {
            (Some(max), Some(text)) => text.chars().count() > max,
            (Some(_), None) => false,
            (None, _) => true,
        }
    }

    /// Says what is refused and why that is known.
    #[must_use]
    pub fn describe(&self, field: &str) -> String {
        let message = &self.message;
        match self.max_length {
            Some(max) => {
                format!(
                    "{field} has more than the {max} characters that HelpCrunch takes ({message})"
                )
            }
            None => format!("HelpCrunch refused {field} for every value so far ({message})"),
        }
    }
}

/// The limits by name (`notes`, `customData.plan`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldLimits(BTreeMap<String, FieldLimit>);

impl FieldLimits {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&String, &FieldLimit)> {
        self.0.iter()
    }

    #[must_use]
    pub fn get(&self, field: &str) -> Option<&FieldLimit> {
        self.0.get(field)
    }

    pub fn insert(&mut self, field: String, limit: FieldLimit) {
        self.0.insert(field, limit);
    }

    pub fn retain(&mut self, keep: impl Fn(&str, &FieldLimit) -> bool) {
        self.0.retain(|field, limit| keep(field, limit));
    }

    /// Moves what would be refused of the operations into a patch. Operations of which nothing is left are removed.
    pub fn take_out(&self, operations: &mut Vec<Operation>) -> Patch {
        let mut taken = Patch::default();
        if self.is_empty() {
            return taken;
        }
        for operation in operations.iter_mut() {
            self.take_out_of(operation, &mut taken);
        }
        operations.retain(|op| !matches!(op, Operation::Patch(patch) if patch.is_empty()));
        taken
    }

    fn take_out_of(&self, operation: &mut Operation, taken: &mut Patch) {
        match operation {
            Operation::Create(create) => {
                let refused =
                    |(field, value): &mut (_, Value)| self.refuses_field(*field, Some(&*value));
                let set = create.set.extract_if(.., refused);
                taken.set.extend(set.map(|(field, value)| FieldChange {
                    field,
                    from: None,
                    to: Some(value),
                }));
                let refused = |(name, value): &mut (String, CustomValue)| {
                    self.refuses_property(name, Some(&*value))
                };
                let properties = create.custom_data.extract_if(.., refused);
                let change = |(name, value)| PropertyChange {
                    name,
                    from: None,
                    to: Some(value),
                };
                taken.custom_data.extend(properties.map(change));
            }
            Operation::Patch(patch) => {
                let refused =
                    |change: &mut FieldChange| self.refuses_field(change.field, change.to.as_ref());
                taken.set.extend(patch.set.extract_if(.., refused));
                let refused = |change: &mut PropertyChange| {
                    self.refuses_property(&change.name, change.to.as_ref())
                };
                let properties = patch.custom_data.extract_if(.., refused);
                taken.custom_data.extend(properties);
            }
            Operation::Tag(_) | Operation::Untag(_) | Operation::Delete(_) => {}
        }
    }

    fn refuses_field(&self, field: crate::domain::Field, value: Option<&Value>) -> bool {
        let text = value.and_then(|value| value.as_text());
        let limit = self.0.get(field.name());
        limit.is_some_and(|limit| limit.refuses(text))
    }

    fn refuses_property(&self, name: &str, value: Option<&CustomValue>) -> bool {
        let limit = self.0.get(&property(name));
        limit.is_some_and(|limit| limit.refuses(value.and_then(text_of)))
    }

    /// The issue of a row of which these fields and properties would be refused.
    #[must_use]
    pub fn issue(&self, fields: &[String]) -> Option<Issue> {
        let (field, limit) = fields
            .iter()
            .find_map(|field| self.0.get_key_value(field))?;
        let (code, remedy) = match limit.max_length {
            Some(_) => ("too_long", "shorten it".to_owned()),
            None => (
                "not_defined",
                "define the property in HelpCrunch's settings, or take the column out of the mapping".to_owned(),
            ),
        };
        let hint =
            format!("{remedy}; to have it sent again, run the sync with --force-field {field}");
        Some(Issue::new(IssueKind::Api, code, limit.describe(field)).hint(hint))
    }
}

/// The text of a property's value.
#[must_use]
pub fn text_of(value: &CustomValue) -> Option<&str> {
    match value {
        CustomValue::Text(text) => Some(text),
        CustomValue::Number(_) | CustomValue::Bool(_) | CustomValue::Date(_) => None,
    }
}

fn property(name: &str) -> String {
    format!("customData.{name}")
}

/// The longest text that a refusal allows, if it is about the length of a text: the only number in its message
/// (observed: "It should have 255 characters or less").
#[must_use]
pub fn length_in(message: &str) -> Option<usize> {
    let lower = message.to_lowercase();
    let is_about_length = ["character", "too long", "length", "longer", "symbols"]
        .iter()
        .any(|word| lower.contains(word));
    let mut numbers = lower
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty());
    let (number, None) = (numbers.next()?, numbers.next()) else {
        return None;
    };
    let number = number.parse().ok()?;
    (is_about_length && (1..=MAX_LENGTH).contains(&number)).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Field;

    fn limits() -> FieldLimits {
        let mut limits = FieldLimits::default();
        let limit = |max_length| FieldLimit {
            max_length,
            message: "no".into(),
        };
        limits.insert("notes".into(), limit(Some(3)));
        limits.insert("customData.plan".into(), limit(None));
        limits
    }

    fn patch(notes: &str, property: &str) -> Operation {
        Operation::Patch(Patch {
            set: vec![FieldChange {
                field: Field::Notes,
                from: None,
                to: Some(Value::Text(notes.into())),
            }],
            custom_data: vec![PropertyChange {
                name: property.into(),
                from: None,
                to: Some(CustomValue::Text("x".into())),
            }],
        })
    }

    fn taken(operation: Operation) -> (Vec<String>, usize) {
        let mut operations = vec![operation];
        let taken = limits().take_out(&mut operations);
        (Operation::Patch(taken).fields(), operations.len())
    }

    #[test]
    fn long_texts_and_refused_properties_are_taken_out() {
        let all = ["notes", "customData.plan"].map(str::to_owned).to_vec();
        assert_eq!(taken(patch("ЇЇЇЇ", "plan")), (all, 0));
        assert_eq!(taken(patch("ЇЇЇ", "other")), (vec![], 1));
        let create = Operation::Create(super::super::Create {
            set: vec![(Field::Notes, Value::Text("four".into()))],
            custom_data: vec![("plan".into(), CustomValue::Bool(true))],
            ..super::super::Create::default()
        });
        let (fields, left) = taken(create);
        assert_eq!((fields.len(), left), (2, 1), "a customer is created anyway");
    }

    #[test]
    fn an_issue_names_the_field_and_the_way_out() {
        let issue = limits().issue(&patch("four", "plan").fields()).unwrap();
        assert_eq!(issue.code, "too_long");
        assert!(issue.message.contains("3 characters"), "{}", issue.message);
        assert!(issue.hint.unwrap().contains("--force-field notes"));
    }

    #[test]
    fn a_length_is_the_only_number_of_a_message_about_length() {
        let symfony = "This value is too long. It should have 255 characters or less.";
        assert_eq!(length_in(symfony), Some(255));
        for other in [
            "This value should be less than 255.",
            "too long",
            "This value is too long: 300 characters instead of 255.",
            "It should have 0 characters.",
        ] {
            assert_eq!(length_in(other), None, "{other}");
        }
    }
}
