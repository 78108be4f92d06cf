//! Compares the customer in a write's answer with what the write meant. Pure; never trusts an HTTP status.

use crate::domain::{CustomValue, Field, RemoteCustomer, Reported, Tag, Value};
use crate::plan::diff::{field_matches, property_matches};
use crate::plan::{Create, FieldChange, Operation, Patch, PropertyChange};

/// What of a write did not take effect.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Shortfall {
    /// The changes that are still to be made to the customer in the answer.
    pub(super) patch: Patch,
    /// Tags that were to be added and are not there.
    pub(super) tags: Vec<Tag>,
    /// Tags that were to be removed and are there.
    pub(super) untags: Vec<Tag>,
    /// The answer does not report tags or properties, so that their state is not known.
    pub(super) unknown: bool,
}

impl Shortfall {
    pub(super) fn is_empty(&self) -> bool {
        self.patch.is_empty() && self.tags.is_empty() && self.untags.is_empty() && !self.unknown
    }

    /// Returns the names of what did not take effect.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = Operation::Patch(self.patch.clone()).fields();
        if !self.tags.is_empty() || !self.untags.is_empty() {
            names.push("tags".into());
        }
        names
    }

    /// Returns one operation of each kind that may repair it, in running order.
    pub(super) fn repairs(&self) -> Vec<Operation> {
        let patch = (!self.patch.is_empty()).then(|| Operation::Patch(self.patch.clone()));
        let tag = (!self.tags.is_empty()).then(|| Operation::Tag(self.tags.clone()));
        let untag = (!self.untags.is_empty()).then(|| Operation::Untag(self.untags.clone()));
        [patch, tag, untag].into_iter().flatten().collect()
    }

    fn check_field(&mut self, field: Field, wanted: Option<&Value>, answer: &RemoteCustomer) {
        let theirs = answer.value(field);
        if !field_matches(field, wanted, theirs) {
            self.patch.set.push(FieldChange {
                field,
                from: theirs.cloned(),
                to: wanted.cloned(),
            });
        }
    }

    fn check_property(
        &mut self,
        name: &str,
        wanted: Option<&CustomValue>,
        answer: &RemoteCustomer,
    ) {
        let theirs = answer.property(name);
        if !answer.custom_data.is_reported() {
            self.unknown = true;
        } else if !property_matches(wanted, theirs) {
            let change = PropertyChange {
                name: name.to_owned(),
                from: theirs.cloned(),
                to: wanted.cloned(),
            };
            self.patch.custom_data.push(change);
        }
    }

    fn check_tags(&mut self, wanted: &[Tag], answer: &RemoteCustomer) {
        if wanted.is_empty() {
            return;
        }
        self.unknown |= !answer.tags.is_reported();
        if answer.tags.is_reported() {
            self.tags = wanted
                .iter()
                .filter(|t| !answer.has_tag(&t.name))
                .cloned()
                .collect();
        }
    }
}

/// Returns what of an operation did not take effect. `before`: the customer before the write.
pub(super) fn shortfall(
    operation: &Operation,
    before: Option<&RemoteCustomer>,
    answer: &RemoteCustomer,
) -> Shortfall {
    match operation {
        Operation::Create(create) => of_create(create, answer),
        Operation::Patch(patch) => of_patch(patch, before, answer),
        Operation::Tag(tags) => {
            let mut missing = Shortfall::default();
            missing.check_tags(tags, answer);
            missing
        }
        Operation::Untag(tags) => Shortfall {
            untags: tags
                .iter()
                .filter(|t| answer.has_tag(&t.name))
                .cloned()
                .collect(),
            unknown: !answer.tags.is_reported(),
            ..Shortfall::default()
        },
        // Only a customer that is gone shows that it was deleted.
        Operation::Delete(_) => Shortfall {
            unknown: true,
            ..Shortfall::default()
        },
    }
}

fn of_create(create: &Create, answer: &RemoteCustomer) -> Shortfall {
    let mut missing = Shortfall::default();
    for (field, value) in &create.set {
        missing.check_field(*field, Some(value), answer);
    }
    for field in &create.clear {
        missing.check_field(*field, None, answer);
    }
    for (name, value) in &create.custom_data {
        missing.check_property(name, Some(value), answer);
    }
    missing.check_tags(&create.tags, answer);
    missing
}

/// Besides the patch's own changes, covers properties that the customer had before and the write removed.
fn of_patch(patch: &Patch, before: Option<&RemoteCustomer>, answer: &RemoteCustomer) -> Shortfall {
    let mut missing = Shortfall::default();
    for change in &patch.set {
        missing.check_field(change.field, change.to.as_ref(), answer);
    }
    for change in &patch.custom_data {
        missing.check_property(&change.name, change.to.as_ref(), answer);
    }
    if patch.custom_data.is_empty() {
        return missing;
    }
    let Some(Reported::Value(had)) = before.map(|b| b.custom_data.as_ref()) else {
        return missing;
    };
    let is_named = |name: &str| patch.custom_data.iter().any(|c| c.name == name);
    for (name, value) in had.iter().filter(|(name, _)| !is_named(name)) {
        if answer.custom_data.is_reported()
            && answer.property(name).is_none()
            && !value.is_no_value()
        {
            missing.check_property(name, Some(value), answer);
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CustomerId;
    use std::collections::BTreeMap;

    fn text(t: &str) -> CustomValue {
        CustomValue::Text(t.into())
    }

    fn answer(name: &str, properties: &[(&str, &str)], tags: &[&str]) -> RemoteCustomer {
        let mut customer = RemoteCustomer::unknown(CustomerId(1));
        customer.set_field(Field::Name, Some(Value::Text(name.into())));
        customer.custom_data = Reported::Value(
            properties
                .iter()
                .map(|(n, v)| ((*n).to_owned(), text(v)))
                .collect::<BTreeMap<_, _>>(),
        );
        customer.tags = Reported::Value(tags.iter().map(|t| Tag::named(*t)).collect());
        customer
    }

    fn property_patch(name: &str, to: &str) -> Operation {
        let change = PropertyChange {
            name: name.into(),
            from: None,
            to: Some(text(to)),
        };
        Operation::Patch(Patch {
            set: vec![],
            custom_data: vec![change],
        })
    }

    #[test]
    fn ignored_fields_properties_and_tags_of_a_create_are_seen() {
        let create = Operation::Create(Create {
            set: vec![
                (Field::Name, Value::Text("Ann".into())),
                (Field::Blocked, Value::Bool(true)),
            ],
            clear: vec![Field::FirstSeen, Field::Company],
            custom_data: vec![("plan".into(), text("pro"))],
            tags: vec![Tag::named("vip")],
        });
        let mut filled = answer("Ann", &[("plan", "pro")], &["vip"]);
        filled.set_field(Field::Blocked, Some(Value::Bool(true)));
        filled.set_field(Field::FirstSeen, Some(Value::Date(5)));
        let missing = shortfall(&create, None, &filled);
        assert_eq!(
            missing.names(),
            ["firstSeen"],
            "filled by the server itself"
        );
        let missing = shortfall(&create, None, &answer("Ann", &[], &[]));
        assert_eq!(missing.names(), ["blocked", "customData.plan", "tags"]);
        assert_eq!(missing.repairs().len(), 2);
        let mut taken = answer("Ann", &[("plan", "pro")], &["vip", "other"]);
        taken.set_field(Field::Blocked, Some(Value::Bool(true)));
        assert!(shortfall(&create, None, &taken).is_empty());
    }

    #[test]
    fn properties_that_a_patch_lost_are_written_back() {
        let before = answer("Ann", &[("plan", "a"), ("mrr", "5")], &[]);
        let missing = shortfall(
            &property_patch("plan", "b"),
            Some(&before),
            &answer("Ann", &[("plan", "b")], &[]),
        );
        assert_eq!(missing.names(), ["customData.mrr"]);
        let whole = answer("Ann", &[("plan", "b"), ("mrr", "6")], &[]);
        assert!(shortfall(&property_patch("plan", "b"), Some(&before), &whole).is_empty());
    }

    #[test]
    fn an_answer_that_does_not_say_is_not_taken_for_success() {
        let mut silent = answer("Ann", &[], &[]);
        silent.tags = Reported::Missing;
        silent.custom_data = Reported::Missing;
        for operation in [
            property_patch("p", "x"),
            Operation::Tag(vec![Tag::named("t")]),
            Operation::Untag(vec![Tag::named("t")]),
        ] {
            assert!(
                shortfall(&operation, None, &silent).unknown,
                "{operation:?}"
            );
        }
    }
}
