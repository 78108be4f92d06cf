//! What has to be written so that a customer is as its row wants it: by meaning, and nothing else.

use crate::domain::{
    CustomValue, DesiredCustomer, DesiredTags, Field, FieldKind, Known, Overwrite, RemoteCustomer,
    Tag, TagMode, Value, Wish, email_eq,
};

use super::{Create, FieldChange, Operation, Ownership, Patch, PropertyChange};

/// The difference between a wanted and a remote customer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diff {
    pub patch: Patch,
    pub tag: Vec<Tag>,
    pub untag: Vec<Tag>,
    /// One-way booleans that stay true although the row says false.
    pub kept_true: u32,
    /// The reading says nothing of tags or properties that the row speaks of: it has to be read again.
    pub unknown: bool,
}

impl Diff {
    /// The operations in running order; none where nothing differs.
    #[must_use]
    pub fn operations(self) -> Vec<Operation> {
        let patch = (!self.patch.is_empty()).then_some(Operation::Patch(self.patch));
        let tag = (!self.tag.is_empty()).then_some(Operation::Tag(self.tag));
        let untag = (!self.untag.is_empty()).then_some(Operation::Untag(self.untag));
        [patch, tag, untag].into_iter().flatten().collect()
    }
}

/// What differs between what a row wants and the customer as it was read.
#[must_use]
pub fn diff(desired: &DesiredCustomer, remote: &RemoteCustomer, ownership: &Ownership) -> Diff {
    let mut diff = Diff::default();
    for (field, wish) in &desired.fields {
        diff_field(*field, wish, remote, ownership, &mut diff);
    }
    diff_properties(desired, remote, ownership, &mut diff);
    diff_tags(&desired.tags, remote, ownership, &mut diff);
    diff
}

/// The create that makes the customer that a row wants.
#[must_use]
pub fn create(desired: &DesiredCustomer, ownership: &Ownership) -> Create {
    let cleared = |(field, wish): &(Field, Wish<Value>)| {
        let wished = *wish == Wish::Clear && may_write(ownership.field(*field), true);
        wished.then_some(*field)
    };
    let set = desired
        .fields
        .iter()
        .filter_map(|(f, wish)| Some((*f, wish.value()?.clone())));
    let custom_data = desired
        .custom_data
        .iter()
        .filter_map(|(name, wish)| Some((name.clone(), wish.value()?.clone())));
    Create {
        set: set
            .filter(|(_, value)| value.as_text() != Some(""))
            .collect(),
        clear: desired.fields.iter().filter_map(cleared).collect(),
        custom_data: custom_data
            .filter(|(_, value)| !value.is_no_value())
            .collect(),
        tags: desired.tags.add.clone(),
    }
}

/// Whether a remote value is what was wanted of a field. No value and false are the same of a one-way field.
#[must_use]
pub fn field_holds(field: Field, wanted: Option<&Value>, remote: Option<&Value>) -> bool {
    match (wanted, remote) {
        (Some(Value::Text(a)), Some(Value::Text(b))) => match field {
            Field::Email => email_eq(a, b),
            Field::UserId => a == b,
            _ => Value::Text(a.clone()).means(&Value::Text(b.clone())),
        },
        (Some(a), Some(b)) => a.means(b),
        (None, None) => true,
        (Some(value), None) | (None, Some(value)) => {
            value.as_text() == Some("")
                || (field.kind() == FieldKind::OneWay && *value == Value::Bool(false))
        }
    }
}

/// Whether a remote value is what was wanted of a property.
#[must_use]
pub fn property_holds(wanted: Option<&CustomValue>, remote: Option<&CustomValue>) -> bool {
    let some = |value: Option<&CustomValue>| value.filter(|v| !v.is_no_value()).cloned();
    match (some(wanted), some(remote)) {
        (Some(a), Some(b)) => a.means(&b),
        (None, None) => true,
        _ => false,
    }
}

fn diff_field(
    field: Field,
    wish: &Wish<Value>,
    remote: &RemoteCustomer,
    ownership: &Ownership,
    diff: &mut Diff,
) {
    let theirs = remote.value(field);
    if field_holds(field, wish.value(), theirs) {
        return;
    }
    let overwrite = ownership.field(field);
    let back_to_false = field.kind() == FieldKind::OneWay && theirs == Some(&Value::Bool(true));
    if back_to_false && overwrite != Overwrite::Always {
        diff.kept_true += 1;
        return;
    }
    if may_write(overwrite, theirs.is_some()) {
        diff.patch.set.push(FieldChange {
            field,
            from: theirs.cloned(),
            to: wish.value().cloned(),
        });
    }
}

/// `IfUnedited` needs a memory of what was written last; without one every value counts as edited.
fn may_write(overwrite: Overwrite, has_value: bool) -> bool {
    match overwrite {
        Overwrite::Default | Overwrite::Always => true,
        Overwrite::IfEmpty | Overwrite::IfUnedited => !has_value,
    }
}

fn diff_properties(
    desired: &DesiredCustomer,
    remote: &RemoteCustomer,
    ownership: &Ownership,
    diff: &mut Diff,
) {
    if desired.custom_data.is_empty() {
        return;
    }
    if !remote.custom_data.is_known() {
        diff.unknown = true;
        return;
    }
    for (name, wish) in &desired.custom_data {
        let theirs = remote.property(name);
        if !property_holds(wish.value(), theirs)
            && may_write(ownership.property(name), theirs.is_some())
        {
            let change = PropertyChange {
                name: name.clone(),
                from: theirs.cloned(),
                to: wish.value().cloned(),
            };
            diff.patch.custom_data.push(change);
        }
    }
}

fn diff_tags(
    desired: &DesiredTags,
    remote: &RemoteCustomer,
    ownership: &Ownership,
    diff: &mut Diff,
) {
    let rules = desired.spoken && ownership.tag_mode != TagMode::Add;
    if desired.add.is_empty() && desired.remove.is_empty() && !rules {
        return;
    }
    let Known::Is(theirs) = &remote.tags else {
        diff.unknown = true;
        return;
    };
    let wanted = |name: &str| desired.add.iter().any(|t| t.name == name);
    diff.tag = desired
        .add
        .iter()
        .filter(|t| !remote.has_tag(&t.name))
        .cloned()
        .collect();
    let leaves = |tag: &&Tag| {
        let asked = desired.remove.contains(&tag.name);
        let ruled = desired.spoken
            && match ownership.tag_mode {
                TagMode::Add => false,
                TagMode::Exact => true,
                TagMode::Managed => ownership.managed_tags.is_match(&tag.name),
            };
        !wanted(&tag.name) && (asked || ruled)
    };
    diff.untag = theirs
        .iter()
        .filter(leaves)
        .map(|t| Tag::named(&t.name))
        .collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CustomerId, Number};
    use std::collections::BTreeMap;

    fn remote() -> RemoteCustomer {
        let mut customer = RemoteCustomer::unknown(CustomerId(1));
        customer.set_field(Field::Name, Some(Value::Text("Ann".into())));
        customer.set_field(Field::Email, Some(Value::Text("Ann@x.org".into())));
        customer.set_field(Field::Unsubscribed, Some(Value::Bool(true)));
        customer.tags = Known::Is(vec![
            Tag {
                name: "vip".into(),
                color: Some("#ff0000".into()),
            },
            Tag::named("plan:a"),
        ]);
        customer.custom_data = Known::Is(BTreeMap::from([(
            "mrr".into(),
            CustomValue::Text("15".into()),
        )]));
        customer
    }

    fn wanting(fields: Vec<(Field, Wish<Value>)>) -> DesiredCustomer {
        DesiredCustomer {
            fields,
            ..DesiredCustomer::default()
        }
    }

    fn text(t: &str) -> Wish<Value> {
        Wish::Set(Value::Text(t.into()))
    }

    #[test]
    fn what_means_the_same_is_no_change() {
        let desired = DesiredCustomer {
            custom_data: vec![
                (
                    "mrr".into(),
                    Wish::Set(CustomValue::Number(Number::parse("15.0").unwrap())),
                ),
                ("none".into(), Wish::Clear),
            ],
            ..wanting(vec![
                (Field::Email, text("ann@X.org")),
                (Field::Name, text("Ann")),
                (Field::Notes, Wish::Clear),
            ])
        };
        assert_eq!(
            diff(&desired, &remote(), &Ownership::default()).operations(),
            vec![]
        );
    }

    #[test]
    fn a_one_way_field_goes_back_only_where_always_is_written() {
        let desired = wanting(vec![(Field::Unsubscribed, Wish::Set(Value::Bool(false)))]);
        let kept = diff(&desired, &remote(), &Ownership::default());
        assert_eq!((kept.kept_true, kept.patch.is_empty()), (1, true));
        let ownership = Ownership {
            fields: BTreeMap::from([(Field::Unsubscribed, Overwrite::Always)]),
            ..Ownership::default()
        };
        assert_eq!(diff(&desired, &remote(), &ownership).patch.set.len(), 1);
        let never_was = wanting(vec![(Field::Blocked, Wish::Set(Value::Bool(false)))]);
        assert!(
            diff(&never_was, &remote(), &Ownership::default())
                .patch
                .is_empty()
        );
    }

    #[test]
    fn if_empty_fills_and_never_replaces() {
        let ownership = Ownership {
            fields: BTreeMap::from([
                (Field::Name, Overwrite::IfEmpty),
                (Field::Company, Overwrite::IfEmpty),
            ]),
            ..Ownership::default()
        };
        let desired = wanting(vec![
            (Field::Name, text("Bea")),
            (Field::Company, text("Acme")),
        ]);
        let changes = diff(&desired, &remote(), &ownership).patch.set;
        assert_eq!(
            changes.iter().map(|c| c.field).collect::<Vec<_>>(),
            [Field::Company]
        );
    }

    fn tags(
        add: &[&str],
        remove: &[&str],
        spoken: bool,
        mode: TagMode,
        managed: &str,
    ) -> (Vec<String>, Vec<String>) {
        let managed = globset::GlobSetBuilder::new()
            .add(globset::Glob::new(managed).unwrap())
            .build()
            .unwrap();
        let ownership = Ownership {
            tag_mode: mode,
            managed_tags: managed,
            ..Ownership::default()
        };
        let desired = DesiredCustomer {
            tags: DesiredTags {
                add: add.iter().map(|t| Tag::named(*t)).collect(),
                remove: remove.iter().map(|t| (*t).to_owned()).collect(),
                spoken,
            },
            ..DesiredCustomer::default()
        };
        let diff = diff(&desired, &remote(), &ownership);
        let names = |tags: Vec<Tag>| tags.into_iter().map(|t| t.name).collect();
        (names(diff.tag), names(diff.untag))
    }

    fn named(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn tag_modes_remove_what_they_say_and_no_more() {
        assert_eq!(
            tags(&["new"], &[], true, TagMode::Add, "x"),
            (named(&["new"]), named(&[]))
        );
        assert_eq!(
            tags(&["new"], &[], true, TagMode::Exact, "x"),
            (named(&["new"]), named(&["vip", "plan:a"]))
        );
        assert_eq!(
            tags(&["plan:b"], &[], true, TagMode::Managed, "plan:*"),
            (named(&["plan:b"]), named(&["plan:a"]))
        );
        assert_eq!(
            tags(&["new"], &[], false, TagMode::Exact, "x"),
            (named(&["new"]), named(&[]))
        );
        assert_eq!(
            tags(&["vip"], &["vip", "plan:a"], false, TagMode::Add, "x"),
            (named(&[]), named(&["plan:a"]))
        );
        assert_eq!(
            tags(&[], &[], true, TagMode::Exact, "x"),
            (named(&[]), named(&["vip", "plan:a"]))
        );
    }

    #[test]
    fn what_the_reading_does_not_say_is_unknown_not_empty() {
        let mut silent = remote();
        silent.tags = Known::Unknown;
        let desired = DesiredCustomer {
            tags: DesiredTags {
                add: vec![Tag::named("vip")],
                ..DesiredTags::default()
            },
            ..DesiredCustomer::default()
        };
        let found = diff(&desired, &silent, &Ownership::default());
        assert!(found.unknown && found.operations().is_empty());
    }
}
