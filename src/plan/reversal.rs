//! What takes an earlier write back. Each value returns to what it was before only where the customer still has what was
//! written; what was edited since stays.

use crate::domain::{Field, RemoteCustomer, Reported, Tag, Value};

use super::diff::{field_matches, property_matches};
use super::{Create, CustomerState, FieldChange, Operation, Patch, PropertyChange};

/// The operations that take a write back, and what stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reversal {
    pub operations: Vec<Operation>,
    /// Fields and properties (`customData.NAME`) that were edited since, and stay as they are.
    pub edited: Vec<String>,
}

/// What is done with a customer that the run created.
#[derive(Debug, Clone)]
pub struct CreatedRule<'a> {
    /// The customer gets this tag and keeps everything else.
    pub tag: &'a str,
    /// A customer that is as the run left it, and was last seen by then (UNIX seconds), is deleted instead.
    pub delete_if_unseen_since: Option<i64>,
}

/// Compares what was written to a customer with what the customer has now.
pub fn reverse(
    written: &[Operation],
    customer: &RemoteCustomer,
    created: &CreatedRule<'_>,
) -> Reversal {
    let created_tag = created.tag;
    // A create is the only operation of its row.
    if let [Operation::Create(create)] = written {
        if let Some(run) = created.delete_if_unseen_since
            && is_as_created(create, customer, created_tag)
            && !was_seen_after(run, create, customer)
        {
            return Reversal {
                operations: vec![Operation::Delete(CustomerState::of(customer))],
                edited: Vec::new(),
            };
        }
        let tag = (!customer.has_tag(created_tag)).then(|| vec![Tag::named(created_tag)]);
        return Reversal {
            operations: tag.map(Operation::Tag).into_iter().collect(),
            edited: Vec::new(),
        };
    }
    let mut edited = Vec::new();
    let (mut patch, mut tag, mut untag) = (Patch::default(), Vec::new(), Vec::new());
    for operation in written {
        match operation {
            // A customer that was deleted cannot be restored.
            Operation::Create(_) | Operation::Delete(_) => {}
            Operation::Patch(written) => reverse_patch(written, customer, &mut patch, &mut edited),
            Operation::Tag(tags) => untag.extend(tags.iter().filter_map(|t| tag_of(customer, t))),
            Operation::Untag(tags) => {
                tag.extend(tags.iter().filter(|t| !customer.has_tag(&t.name)).cloned());
            }
        }
    }
    let patch = (!patch.is_empty()).then_some(Operation::Patch(patch));
    let tag = (!tag.is_empty()).then_some(Operation::Tag(tag));
    let untag = (!untag.is_empty()).then_some(Operation::Untag(untag));
    Reversal {
        operations: [patch, tag, untag].into_iter().flatten().collect(),
        edited,
    }
}

/// Whether a customer has what its create gave it, and nothing else. Unknown counts as something else.
fn is_as_created(create: &Create, customer: &RemoteCustomer, created_tag: &str) -> bool {
    let (Reported::Value(tags), Reported::Value(properties)) =
        (&customer.tags, &customer.custom_data)
    else {
        return false;
    };
    let wanted = |field| create.set.iter().find(|(f, _)| *f == field).map(|(_, v)| v);
    let fields = Field::ALL.into_iter().all(|field| {
        let set_by_server = matches!(field, Field::FirstSeen | Field::LastSeen);
        match wanted(field) {
            None if set_by_server => true,
            wanted => field_matches(field, wanted, customer.value(field)),
        }
    });
    let has_tag = |name: &str| name == created_tag || create.tags.iter().any(|t| t.name == name);
    let given = create.custom_data.iter().map(|(name, _)| name.as_str());
    let mut names = properties.keys().map(String::as_str).chain(given);
    let is_property_as_created = |name: &str| {
        let wanted = create.custom_data.iter().find(|(n, _)| n == name);
        property_matches(wanted.map(|(_, value)| value), customer.property(name))
    };
    fields
        && customer.opaque.is_empty()
        && tags.iter().all(|tag| has_tag(&tag.name))
        && create.tags.iter().all(|tag| customer.has_tag(&tag.name))
        && names.all(is_property_as_created)
}

/// Whether the customer was seen after the run wrote it. A date that the run itself set says nothing.
fn was_seen_after(run: i64, create: &Create, customer: &RemoteCustomer) -> bool {
    let is_set = create
        .set
        .iter()
        .any(|(field, _)| *field == Field::LastSeen);
    match customer.value(Field::LastSeen) {
        Some(Value::Date(seen)) => !is_set && *seen > run,
        _ => false,
    }
}

fn reverse_patch(
    written: &Patch,
    customer: &RemoteCustomer,
    reversed: &mut Patch,
    edited: &mut Vec<String>,
) {
    for FieldChange { field, from, to } in &written.set {
        let current = customer.value(*field);
        let is = |value: Option<&_>| field_matches(*field, value, current);
        if is(from.as_ref()) {
            continue;
        }
        match is(to.as_ref()) {
            true => reversed.set.push(FieldChange {
                field: *field,
                from: current.cloned(),
                to: from.clone(),
            }),
            false => edited.push(field.name().to_owned()),
        }
    }
    for PropertyChange { name, from, to } in &written.custom_data {
        let current = customer.property(name);
        let is = |value: Option<&_>| property_matches(value, current);
        if is(from.as_ref()) {
            continue;
        }
        match is(to.as_ref()) {
            true => reversed.custom_data.push(PropertyChange {
                name: name.clone(),
                from: current.cloned(),
                to: from.clone(),
            }),
            false => edited.push(format!("customData.{name}")),
        }
    }
}

/// The customer's own tag of this name, with its colour, so that taking it off can be taken back too.
fn tag_of(customer: &RemoteCustomer, tag: &Tag) -> Option<Tag> {
    let tags = customer.tags.as_ref().ok()?;
    tags.iter().find(|t| t.name == tag.name).cloned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::{CustomValue, CustomerId, Field, Reported, Value};
    use crate::plan::Create;

    const TAGGED: CreatedRule<'_> = CreatedRule {
        tag: "undo",
        delete_if_unseen_since: None,
    };

    fn text(value: &str) -> Option<Value> {
        Some(Value::Text(value.into()))
    }

    fn property(value: &str) -> Option<CustomValue> {
        Some(CustomValue::Text(value.into()))
    }

    fn customer(company: &str, plan: &str, tags: &[&str]) -> RemoteCustomer {
        let mut customer = RemoteCustomer::unknown(CustomerId(7));
        customer.set_field(Field::Company, text(company));
        customer.custom_data = Reported::Value(
            property(plan)
                .map(|v| ("plan".into(), v))
                .into_iter()
                .collect(),
        );
        let tag = |name: &&str| Tag {
            name: (*name).to_owned(),
            color: Some("#00ff00".into()),
        };
        customer.tags = Reported::Value(tags.iter().map(tag).collect());
        customer
    }

    fn written() -> Vec<Operation> {
        let set = vec![FieldChange {
            field: Field::Company,
            from: text("old"),
            to: text("new"),
        }];
        let custom_data = vec![PropertyChange {
            name: "plan".into(),
            from: None,
            to: property("pro"),
        }];
        vec![
            Operation::Patch(Patch { set, custom_data }),
            Operation::Tag(vec![Tag::named("vip"), Tag::named("lead")]),
            Operation::Untag(vec![Tag {
                name: "trial".into(),
                color: Some("#ff0000".into()),
            }]),
        ]
    }

    #[test]
    fn a_customer_as_it_was_left_is_restored() {
        let reversal = reverse(
            &written(),
            &customer("new", "pro", &["vip", "lead"]),
            &TAGGED,
        );
        assert_eq!(reversal.edited, Vec::<String>::new());
        let [
            Operation::Patch(patch),
            Operation::Tag(tag),
            Operation::Untag(untag),
        ] = reversal.operations.as_slice()
        else {
            panic!("{reversal:?}");
        };
        let company = FieldChange {
            field: Field::Company,
            from: text("new"),
            to: text("old"),
        };
        assert_eq!(patch.set, [company]);
        assert_eq!(patch.custom_data[0].from, property("pro"));
        assert_eq!(patch.custom_data[0].to, None);
        assert_eq!(tag[0].color.as_deref(), Some("#ff0000"));
        let green = |name: &str| Tag {
            name: name.into(),
            color: Some("#00ff00".into()),
        };
        assert_eq!(*untag, [green("vip"), green("lead")]);
    }

    #[test]
    fn each_edit_stays_and_is_named() {
        let reversal = reverse(
            &written(),
            &customer("edited", "basic", &["vip", "trial"]),
            &TAGGED,
        );
        assert_eq!(reversal.edited, ["company", "customData.plan"]);
        assert!(
            matches!(reversal.operations.as_slice(), [Operation::Untag(tags)] if tags.len() == 1),
            "{reversal:?}"
        );
    }

    #[test]
    fn what_is_as_before_needs_nothing() {
        let mut before = customer("old", "", &["trial"]);
        before.custom_data = Reported::Value(BTreeMap::new());
        assert_eq!(reverse(&written(), &before, &TAGGED), Reversal::default());
    }

    #[test]
    fn a_created_customer_is_tagged_once_and_otherwise_left_alone() {
        let created = [Operation::Create(Create::default())];
        let tagging = [Operation::Tag(vec![Tag::named("undo")])];
        let reversal = reverse(&created, &customer("x", "y", &[]), &TAGGED);
        assert_eq!(reversal.operations, tagging);
        let again = reverse(&created, &customer("x", "y", &["undo"]), &TAGGED);
        assert_eq!(again, Reversal::default());
    }

    #[test]
    fn a_created_customer_is_deleted_only_as_the_run_left_it() {
        let create = Create {
            set: vec![(Field::Company, Value::Text("new".into()))],
            custom_data: vec![("plan".into(), CustomValue::Text("pro".into()))],
            tags: vec![Tag::named("vip")],
            ..Create::default()
        };
        let rule = CreatedRule {
            tag: "undo",
            delete_if_unseen_since: Some(100),
        };
        let is_deleted = |customer: &RemoteCustomer| {
            let reversal = reverse(&[Operation::Create(create.clone())], customer, &rule);
            matches!(reversal.operations.as_slice(), [Operation::Delete(_)])
        };
        let mut left = customer("new", "pro", &["vip"]);
        left.set_field(Field::FirstSeen, Some(Value::Date(90)));
        left.set_field(Field::LastSeen, Some(Value::Date(100)));
        left.set_field(Field::Blocked, Some(Value::Bool(false)));
        assert!(is_deleted(&left));
        assert!(is_deleted(&customer("new", "pro", &["vip", "undo"])));
        let with = |field, value| {
            let mut customer = left.clone();
            customer.set_field(field, Some(value));
            customer
        };
        let mut property = left.clone();
        if let Reported::Value(properties) = &mut property.custom_data {
            properties.insert("seats".into(), CustomValue::Bool(true));
        }
        let mut untold = left.clone();
        untold.tags = Reported::Missing;
        let used = [
            with(Field::LastSeen, Value::Date(101)),
            with(Field::Notes, Value::Text("called".into())),
            with(Field::Company, Value::Text("other".into())),
            with(Field::Blocked, Value::Bool(true)),
            customer("new", "basic", &["vip"]),
            customer("new", "pro", &[]),
            customer("new", "pro", &["vip", "foreign"]),
            property,
            untold,
        ];
        for customer in used {
            assert!(!is_deleted(&customer), "{customer:?}");
        }
    }
}
