//! What must be written so that a customer is as its row wants it. Values are compared by their meaning.

use crate::domain::{
    CustomValue, DesiredCustomer, DesiredTags, Field, FieldKind, Overwrite, RemoteCustomer,
    Reported, Tag, TagMode, Value, Wish, email_eq,
};

use super::{
    Create, FieldChange, LastWritten, LeftReason, LeftValue, Operation, Ownership, Patch,
    PropertyChange,
};

/// The difference between a wanted and a remote customer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diff {
    pub patch: Patch,
    pub tag: Vec<Tag>,
    pub untag: Vec<Tag>,
    /// Values that differ but may not be written.
    pub left: Vec<LeftValue>,
    /// Whether the reading lacks tags or properties that have to be known, since something could be lost.
    pub unknown: bool,
}

impl Diff {
    /// The names of what is left for this reason.
    pub fn left_for(&self, reason: LeftReason) -> impl Iterator<Item = &str> {
        let left = self.left.iter().filter(move |left| left.reason == reason);
        left.map(|left| left.field.as_str())
    }

    /// The operations in the order in which they run; empty if nothing differs.
    pub fn operations(self) -> Vec<Operation> {
        let patch = (!self.patch.is_empty()).then_some(Operation::Patch(self.patch));
        let tag = (!self.tag.is_empty()).then_some(Operation::Tag(self.tag));
        let untag = (!self.untag.is_empty()).then_some(Operation::Untag(self.untag));
        [patch, tag, untag].into_iter().flatten().collect()
    }
}

/// What a row is compared with.
#[derive(Debug, Clone, Copy)]
pub struct DiffBaseline<'a> {
    /// The customer as it was read.
    pub remote: &'a RemoteCustomer,
    /// What hcsync last wrote to the customer.
    pub written: &'a LastWritten,
    pub ownership: &'a Ownership,
}

/// Returns the differences between a row and its customer that the row may write.
pub fn diff(desired: &DesiredCustomer, baseline: DiffBaseline<'_>) -> Diff {
    let mut diff = Diff::default();
    for (field, wish) in &desired.fields {
        diff_field(*field, wish, baseline, &mut diff);
    }
    diff_properties(desired, baseline, &mut diff);
    diff_tags(&desired.tags, baseline, &mut diff);
    untag_returned(&desired.tags, baseline, &mut diff);
    diff
}

/// Returns the create for the customer that a row wants.
pub fn create(desired: &DesiredCustomer, ownership: &Ownership) -> Create {
    let cleared = |(field, wish): &(Field, Wish<Value>)| {
        // A value that HelpCrunch sets by itself was not written by hcsync, so only unconditional fields are cleared.
        let is_unconditional = ownership.field(*field).is_unconditional();
        (*wish == Wish::Clear && is_unconditional).then_some(*field)
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

/// Whether a field's remote value is the wanted one. In a one-way field, false equals no value.
pub fn field_matches(field: Field, wanted: Option<&Value>, remote: Option<&Value>) -> bool {
    match (wanted, remote) {
        (Some(wanted), Some(remote)) => match (field, wanted, remote) {
            (Field::Email, Value::Text(a), Value::Text(b)) => email_eq(a, b),
            (Field::UserId, Value::Text(a), Value::Text(b)) => a == b,
            _ => wanted.means(remote),
        },
        (None, None) => true,
        (Some(value), None) | (None, Some(value)) => {
            is_blank(value) || (field.kind() == FieldKind::OneWay && *value == Value::Bool(false))
        }
    }
}

fn is_blank(value: &Value) -> bool {
    value.as_text().is_some_and(|text| text.trim().is_empty())
}

/// Whether a property's remote value is the wanted one.
pub fn property_matches(wanted: Option<&CustomValue>, remote: Option<&CustomValue>) -> bool {
    let some = |value: &&CustomValue| !value.is_no_value();
    match (wanted.filter(some), remote.filter(some)) {
        (Some(a), Some(b)) => a.means(b),
        (None, None) => true,
        _ => false,
    }
}

fn diff_field(field: Field, wish: &Wish<Value>, baseline: DiffBaseline<'_>, diff: &mut Diff) {
    let current = baseline.remote.value(field);
    if field_matches(field, wish.value(), current) {
        return;
    }
    let change = FieldChange {
        field,
        from: current.cloned(),
        to: wish.value().cloned(),
    };
    let overwrite = baseline.ownership.field(field);
    let back_to_false = field.kind() == FieldKind::OneWay && current == Some(&Value::Bool(true));
    let reason = if back_to_false && overwrite != Overwrite::Always {
        LeftReason::OneWay
    } else if baseline
        .ownership
        .can_overwrite(field, current, baseline.written)
    {
        diff.patch.set.push(change);
        return;
    } else {
        reason_of(overwrite)
    };
    let left = LeftValue::of_change(&change.as_attribute(), reason);
    diff.left.push(left);
}

/// Why a rule that does not always overwrite leaves a value alone.
fn reason_of(overwrite: Overwrite) -> LeftReason {
    match overwrite {
        Overwrite::IfUnedited => LeftReason::IfUnedited,
        Overwrite::IfEmpty | Overwrite::Default | Overwrite::Always => LeftReason::IfEmpty,
    }
}

fn diff_properties(desired: &DesiredCustomer, baseline: DiffBaseline<'_>, diff: &mut Diff) {
    let DiffBaseline {
        remote,
        written,
        ownership,
    } = baseline;
    if desired.custom_data.is_empty() {
        return;
    }
    if !remote.custom_data.is_reported() {
        diff.unknown = true;
        return;
    }
    for (name, wish) in &desired.custom_data {
        let current = remote.property(name);
        if property_matches(wish.value(), current) {
            continue;
        }
        // An object or array is a value too, though it cannot be compared.
        let keeps_opaque =
            remote.opaque.contains_key(name) && !ownership.property(name).is_unconditional();
        let change = PropertyChange {
            name: name.clone(),
            from: current.cloned(),
            to: wish.value().cloned(),
        };
        if !keeps_opaque && ownership.can_overwrite_property(name, current, written) {
            diff.patch.custom_data.push(change);
        } else {
            let reason = reason_of(ownership.property(name));
            let left = LeftValue::of_change(&change.as_attribute(), reason);
            diff.left.push(left);
        }
    }
}

fn diff_tags(desired: &DesiredTags, baseline: DiffBaseline<'_>, diff: &mut Diff) {
    let DiffBaseline {
        remote,
        written,
        ownership,
    } = baseline;
    let removes_unlisted = desired.is_full_list && ownership.tag_mode != TagMode::Add;
    if desired.add.is_empty() && desired.remove.is_empty() && !removes_unlisted {
        return;
    }
    let Reported::Value(current) = &remote.tags else {
        // Tags are only added to those that a customer has.
        diff.tag.clone_from(&desired.add);
        diff.unknown |= removes_unlisted || !desired.remove.is_empty();
        return;
    };
    let wanted = |name: &str| desired.add.iter().any(|t| t.name == name);
    diff.tag = desired
        .add
        .iter()
        .filter(|t| !remote.has_tag(&t.name))
        .cloned()
        .collect();
    let is_removed = |tag: &&Tag| {
        let is_named = desired.remove.contains(&tag.name);
        let is_unlisted = desired.is_full_list
            && match ownership.tag_mode {
                TagMode::Add => false,
                TagMode::Exact => true,
                TagMode::Managed => {
                    ownership.managed_tags.is_match(&tag.name)
                        || (ownership.managed_ours && written.has_added_tag(&tag.name))
                }
            };
        !wanted(&tag.name) && (is_named || is_unlisted)
    };
    // With their colours, so that an undo can bring them back as they were.
    diff.untag = current.iter().filter(is_removed).cloned().collect();
}

/// Takes off the tag of missing customers that hcsync added: the customer has a row.
fn untag_returned(desired: &DesiredTags, baseline: DiffBaseline<'_>, diff: &mut Diff) {
    let (Some(name), Reported::Value(current)) =
        (&baseline.ownership.missing_tag, &baseline.remote.tags)
    else {
        return;
    };
    let is_handled = |tags: &[Tag]| tags.iter().any(|tag| tag.name == *name);
    if let Some(tag) = current.iter().find(|tag| tag.name == *name)
        && baseline.written.has_added_tag(name)
        && !is_handled(&desired.add)
        && !is_handled(&diff.untag)
    {
        diff.untag.push(tag.clone());
    }
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
        customer.tags = Reported::Value(vec![
            Tag {
                name: "vip".into(),
                color: Some("#ff0000".into()),
            },
            Tag::named("plan:a"),
        ]);
        customer.custom_data = Reported::Value(BTreeMap::from([(
            "mrr".into(),
            CustomValue::Text("15".into()),
        )]));
        customer
    }

    fn compared(desired: &DesiredCustomer, remote: &RemoteCustomer, ownership: &Ownership) -> Diff {
        let written = LastWritten::default();
        diff(
            desired,
            DiffBaseline {
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
        remote.custom_data = Reported::Value(BTreeMap::from([
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
    fn values_that_mean_the_same_are_no_change() {
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
    fn a_one_way_field_goes_back_only_with_always() {
        let desired = wanting(vec![(Field::Unsubscribed, Wish::Set(Value::Bool(false)))]);
        let kept = compared(&desired, &remote(), &Ownership::default());
        assert_eq!(kept.left_for(LeftReason::OneWay).count(), 1);
        assert!(kept.patch.is_empty());
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
        is_full_list: bool,
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
                is_full_list,
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

    /// What hcsync wrote to `remote()`: everything except the name and the tag `vip`.
    fn written() -> LastWritten {
        let mut written = LastWritten::from_bytes([1; 16], CustomerId(1), &[]);
        written.record(&Operation::Create(Create {
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
    fn if_unedited_overwrites_only_what_hcsync_wrote() {
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
                // The phone was cleared after hcsync wrote it; the company was never written.
                (Field::Phone, text("2")),
                (Field::Company, text("Acme")),
                (Field::Notes, Wish::Clear),
            ])
        };
        let (remote, written) = (remote(), written());
        let compared = |written| {
            let against = DiffBaseline {
                remote: &remote,
                written,
                ownership: &ownership,
            };
            let diff = diff(&desired, against);
            let left = diff.left_for(LeftReason::IfUnedited);
            let left: Vec<_> = left.map(str::to_owned).collect();
            (Operation::Patch(diff.patch).fields(), left)
        };
        assert_eq!(
            compared(&written),
            (
                named(&["email", "company", "customData.mrr"]),
                named(&["name", "phone"])
            )
        );
        // Without a record of earlier writes every value counts as edited.
        assert_eq!(
            compared(&LastWritten::default()),
            (
                named(&["phone", "company"]),
                named(&["name", "email", "customData.mrr"])
            )
        );
    }

    #[test]
    fn own_tags_are_those_that_hcsync_added_and_are_still_there() {
        let ownership = Ownership {
            tag_mode: TagMode::Managed,
            managed_ours: true,
            ..Ownership::default()
        };
        let (remote, written) = (remote(), written());
        let untagged = |is_full_list, add: &[&str], written| {
            let tags = DesiredTags {
                add: add.iter().map(|t| Tag::named(*t)).collect(),
                remove: vec![],
                is_full_list,
            };
            let desired = DesiredCustomer {
                tags,
                ..DesiredCustomer::default()
            };
            let against = DiffBaseline {
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
        assert_eq!(untagged(true, &["new"], &LastWritten::default()), [""; 0]);
    }

    #[test]
    fn to_unreported_tags_a_tag_is_added_and_nothing_is_removed() {
        let mut without_tags = remote();
        without_tags.tags = Reported::Missing;
        let diff_of = |tags: DesiredTags| {
            let desired = DesiredCustomer {
                tags,
                ..DesiredCustomer::default()
            };
            compared(&desired, &without_tags, &Ownership::default())
        };
        let vip = || vec![Tag::named("vip")];
        let adding = diff_of(DesiredTags {
            add: vip(),
            ..DesiredTags::default()
        });
        assert!(!adding.unknown);
        assert_eq!(adding.operations(), [Operation::Tag(vip())]);
        let removing = diff_of(DesiredTags {
            remove: vec!["vip".to_owned()],
            ..DesiredTags::default()
        });
        assert!(removing.unknown && removing.operations().is_empty());
    }

    #[test]
    fn the_tag_of_missing_customers_comes_off_if_hcsync_added_it() {
        let ownership = Ownership {
            missing_tag: Some("vip".into()),
            ..Ownership::default()
        };
        let untagged = |desired: &DesiredCustomer, added: &[&str]| {
            let mut written = LastWritten::from_bytes([7; 16], CustomerId(1), &[]);
            let tags = added.iter().map(|name| Tag::named(*name)).collect();
            written.record(&Operation::Tag(tags));
            let baseline = DiffBaseline {
                remote: &remote(),
                written: &written,
                ownership: &ownership,
            };
            diff(desired, baseline).untag
        };
        let row = DesiredCustomer::default();
        let red = Tag {
            name: "vip".into(),
            color: Some("#ff0000".into()),
        };
        assert_eq!(untagged(&row, &["vip"]), [red]);
        assert_eq!(untagged(&row, &["other"]), []);
        let mut wanting = row.clone();
        wanting.tags.add.push(Tag::named("vip"));
        assert_eq!(untagged(&wanting, &["vip"]), []);
        let mut removing = row;
        removing.tags.remove = vec!["vip".into()];
        assert_eq!(untagged(&removing, &["vip"]).len(), 1);
    }
}
