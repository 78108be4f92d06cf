//! What has to be written so that a customer is as its row wants it: by meaning, and nothing else.

use crate::domain::{
    CustomValue, DesiredCustomer, DesiredTags, Field, FieldKind, Known, Overwrite, RemoteCustomer,
    Tag, TagMode, Value, Wish, email_eq,
};

use super::{Create, FieldChange, Operation, Ownership, Patch, PropertyChange, Written};

/// The difference between a wanted and a remote customer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diff {
    pub patch: Patch,
    pub tag: Vec<Tag>,
    pub untag: Vec<Tag>,
    /// One-way booleans that stay true although the row says false.
    pub kept_true: u32,
    /// Fields and properties (`customData.NAME`) that differ and are left as somebody edited them.
    pub kept_edited: Vec<String>,
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

/// What a row is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Against<'a> {
    /// The customer as it was read.
    pub remote: &'a RemoteCustomer,
    /// What hcsync last wrote to it.
    pub written: &'a Written,
    pub ownership: &'a Ownership,
}

/// What differs between what a row wants and the customer as it was read, as far as the row may write it.
#[must_use]
pub fn diff(desired: &DesiredCustomer, against: Against<'_>) -> Diff {
    let mut diff = Diff::default();
    for (field, wish) in &desired.fields {
        diff_field(*field, wish, against, &mut diff);
    }
    diff_properties(desired, against, &mut diff);
    diff_tags(&desired.tags, against, &mut diff);
    diff
}

/// The create that makes the customer that a row wants.
#[must_use]
pub fn create(desired: &DesiredCustomer, ownership: &Ownership) -> Create {
    let cleared = |(field, wish): &(Field, Wish<Value>)| {
        // What HelpCrunch fills in of its own accord was not written by hcsync.
        let firm = ownership.field(*field).is_firm();
        (*wish == Wish::Clear && firm).then_some(*field)
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
        set: set.filter(|(_, value)| !is_blank(value)).collect(),
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
            is_blank(value) || (field.kind() == FieldKind::OneWay && *value == Value::Bool(false))
        }
    }
}

/// Whether a value is a text that holds nothing but blanks.
fn is_blank(value: &Value) -> bool {
    value.as_text().is_some_and(|text| text.trim().is_empty())
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

fn diff_field(field: Field, wish: &Wish<Value>, against: Against<'_>, diff: &mut Diff) {
    let theirs = against.remote.value(field);
    if field_holds(field, wish.value(), theirs) {
        return;
    }
    let overwrite = against.ownership.field(field);
    let back_to_false = field.kind() == FieldKind::OneWay && theirs == Some(&Value::Bool(true));
    if back_to_false && overwrite != Overwrite::Always {
        diff.kept_true += 1;
        return;
    }
    if against.ownership.may_write(field, theirs, against.written) {
        diff.patch.set.push(FieldChange {
            field,
            from: theirs.cloned(),
            to: wish.value().cloned(),
        });
    } else if overwrite == Overwrite::IfUnedited {
        diff.kept_edited.push(field.name().to_owned());
    }
}

fn diff_properties(desired: &DesiredCustomer, against: Against<'_>, diff: &mut Diff) {
    let Against {
        remote,
        written,
        ownership,
    } = against;
    if desired.custom_data.is_empty() {
        return;
    }
    if !remote.custom_data.is_known() {
        diff.unknown = true;
        return;
    }
    for (name, wish) in &desired.custom_data {
        let theirs = remote.property(name);
        if property_holds(wish.value(), theirs) {
            continue;
        }
        // An object or a list is there, though it cannot be compared.
        let opaque = remote.opaque.contains_key(name) && !ownership.property(name).is_firm();
        if !opaque && ownership.may_write_property(name, theirs, written) {
            let change = PropertyChange {
                name: name.clone(),
                from: theirs.cloned(),
                to: wish.value().cloned(),
            };
            diff.patch.custom_data.push(change);
        } else if ownership.property(name) == Overwrite::IfUnedited {
            diff.kept_edited.push(format!("customData.{name}"));
        }
    }
}

fn diff_tags(desired: &DesiredTags, against: Against<'_>, diff: &mut Diff) {
    let Against {
        remote,
        written,
        ownership,
    } = against;
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
                TagMode::Managed => {
                    ownership.managed_tags.is_match(&tag.name)
                        || (ownership.managed_ours && written.added_tag(&tag.name))
                }
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

    fn compared(desired: &DesiredCustomer, remote: &RemoteCustomer, ownership: &Ownership) -> Diff {
        let written = Written::default();
        diff(
            desired,
            Against {
                remote,
                written: &written,
                ownership,
            },
        )
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
    fn outer_blanks_alone_are_no_change() {
        let mut remote = remote();
        remote.set_field(Field::Name, Some(Value::Text(" Ann\u{a0}".into())));
        remote.set_field(Field::Notes, Some(Value::Text(" \n".into())));
        remote.set_field(Field::UserId, Some(Value::Text(" u1".into())));
        remote.custom_data = Known::Is(BTreeMap::from([
            ("plan".into(), CustomValue::Text("pro ".into())),
            ("gone".into(), CustomValue::Text(" ".into())),
        ]));
        let desired = DesiredCustomer {
            custom_data: vec![
                ("plan".into(), Wish::Set(CustomValue::Text("pro".into()))),
                ("gone".into(), Wish::Clear),
            ],
            ..wanting(vec![
                (Field::Name, text("Ann")),
                (Field::Notes, Wish::Clear),
            ])
        };
        let none = compared(&desired, &remote, &Ownership::default());
        assert_eq!(none.operations(), []);
        let inner = wanting(vec![
            (Field::Name, text("A nn")),
            (Field::UserId, text("u1")),
        ]);
        let some = compared(&inner, &remote, &Ownership::default());
        assert_eq!(some.patch.set.len(), 2);
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
            compared(&desired, &remote(), &Ownership::default()).operations(),
            vec![]
        );
    }

    #[test]
    fn a_one_way_field_goes_back_only_where_always_is_written() {
        let desired = wanting(vec![(Field::Unsubscribed, Wish::Set(Value::Bool(false)))]);
        let kept = compared(&desired, &remote(), &Ownership::default());
        assert_eq!((kept.kept_true, kept.patch.is_empty()), (1, true));
        let ownership = Ownership {
            fields: BTreeMap::from([(Field::Unsubscribed, Overwrite::Always)]),
            ..Ownership::default()
        };
        assert_eq!(compared(&desired, &remote(), &ownership).patch.set.len(), 1);
        let never_was = wanting(vec![(Field::Blocked, Wish::Set(Value::Bool(false)))]);
        assert!(
            compared(&never_was, &remote(), &Ownership::default())
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
        let changes = compared(&desired, &remote(), &ownership).patch.set;
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
        let diff = compared(&desired, &remote(), &ownership);
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

    /// What hcsync wrote to `remote()`, but for the name and the tag `vip`.
    fn written() -> Written {
        let mut written = Written::from_bytes([1; 16], CustomerId(1), &[]);
        written.learn(&Operation::Create(Create {
            set: vec![
                (Field::Email, Value::Text("ann@x.org".into())),
                (Field::Phone, Value::Text("1".into())),
            ],
            clear: vec![],
            custom_data: vec![("mrr".into(), CustomValue::Text("15".into()))],
            tags: vec![Tag::named("plan:a"), Tag::named("gone")],
        }));
        written
    }

    #[test]
    fn if_unedited_writes_over_its_own_and_over_nothing_else() {
        let fields = [
            Field::Name,
            Field::Email,
            Field::Phone,
            Field::Company,
            Field::Notes,
        ];
        let ownership = Ownership {
            fields: fields.map(|f| (f, Overwrite::IfUnedited)).into(),
            custom_data: BTreeMap::from([("mrr".into(), Overwrite::IfUnedited)]),
            ..Ownership::default()
        };
        let desired = DesiredCustomer {
            custom_data: vec![("mrr".into(), Wish::Clear)],
            ..wanting(vec![
                (Field::Name, text("Bea")),
                (Field::Email, text("b@x.org")),
                // Somebody cleared what was written; the company was never written by anybody.
                (Field::Phone, text("2")),
                (Field::Company, text("Acme")),
                (Field::Notes, Wish::Clear),
            ])
        };
        let (remote, written) = (remote(), written());
        let compared = |written| {
            let against = Against {
                remote: &remote,
                written,
                ownership: &ownership,
            };
            let diff = diff(&desired, against);
            let names = Operation::Patch(diff.patch).fields();
            (names, diff.kept_edited)
        };
        assert_eq!(
            compared(&written),
            (
                named(&["email", "company", "customData.mrr"]),
                named(&["name", "phone"])
            )
        );
        // Without a memory all that is there counts as edited.
        assert_eq!(
            compared(&Written::default()),
            (
                named(&["phone", "company"]),
                named(&["name", "email", "customData.mrr"])
            )
        );
    }

    #[test]
    fn ours_are_the_tags_that_were_added_and_are_still_there() {
        let ownership = Ownership {
            tag_mode: TagMode::Managed,
            managed_ours: true,
            ..Ownership::default()
        };
        let (remote, written) = (remote(), written());
        let untagged = |spoken, add: &[&str], written| {
            let tags = DesiredTags {
                add: add.iter().map(|t| Tag::named(*t)).collect(),
                remove: vec![],
                spoken,
            };
            let desired = DesiredCustomer {
                tags,
                ..DesiredCustomer::default()
            };
            let against = Against {
                remote: &remote,
                written,
                ownership: &ownership,
            };
            let untag = diff(&desired, against).untag;
            untag.into_iter().map(|t| t.name).collect::<Vec<_>>()
        };
        assert_eq!(untagged(true, &["new"], &written), ["plan:a"]);
        assert_eq!(untagged(true, &["plan:a"], &written), [""; 0]);
        assert_eq!(untagged(false, &["new"], &written), [""; 0]);
        assert_eq!(untagged(true, &["new"], &Written::default()), [""; 0]);
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
        let found = compared(&desired, &silent, &Ownership::default());
        assert!(found.unknown && found.operations().is_empty());
    }
}
