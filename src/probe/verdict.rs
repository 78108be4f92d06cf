//! What a customer before and after a write shows about the write. Pure functions; `None` means that it shows nothing.

use crate::domain::{CustomValue, Field, FieldKind, RemoteCustomer, Reported, Tag, Value};

use super::finding::{PageSize, TagsInUpdate};

/// Whether at least one field has the value that was sent.
pub(super) fn has_any_value(after: &RemoteCustomer, sent: &[(Field, Value)]) -> bool {
    sent.iter()
        .any(|(field, value)| after.value(*field).is_some_and(|v| v.means(value)))
}

/// Whether the fields that were not named kept their values.
///
/// A date may change by itself, so only a missing one counts as reset.
pub(super) fn keeps_fields(
    before: &RemoteCustomer,
    after: &RemoteCustomer,
    named: &[Field],
) -> Option<bool> {
    let mut kept = None;
    let unnamed = Field::ALL
        .into_iter()
        .filter(|field| !named.contains(field));
    for field in unnamed {
        let Some(old) = before.value(field).filter(|v| **v != Value::Bool(false)) else {
            continue;
        };
        let new = after.field(field).ok()?;
        let stays = match field.kind() {
            FieldKind::Date => new.is_some(),
            FieldKind::Text | FieldKind::OneWay => new.is_some_and(|v| v.means(old)),
        };
        kept = Some(kept.unwrap_or(true) && stays);
    }
    kept
}

/// Whether all properties kept their values.
pub(super) fn keeps_properties(before: &RemoteCustomer, after: &RemoteCustomer) -> Option<bool> {
    let (Reported::Value(old), Reported::Value(_)) = (&before.custom_data, &after.custom_data)
    else {
        return None;
    };
    let mut old = old
        .iter()
        .filter(|(_, value)| !value.is_no_value())
        .peekable();
    old.peek()?;
    let stays = |(name, value): (&String, &CustomValue)| {
        after.property(name).is_some_and(|v| v.means(value))
    };
    Some(old.all(stays))
}

/// Whether all tags were kept.
pub(super) fn keeps_tags(before: &RemoteCustomer, after: &RemoteCustomer) -> Option<bool> {
    let (Reported::Value(old), Reported::Value(_)) = (&before.tags, &after.tags) else {
        return None;
    };
    (!old.is_empty()).then(|| old.iter().all(|tag| after.has_tag(&tag.name)))
}

/// Whether a write that named one property kept another one.
pub(super) fn merges(
    before: &RemoteCustomer,
    after: &RemoteCustomer,
    sent: &str,
    value: &CustomValue,
    other: &str,
) -> Option<bool> {
    let old = before.property(other)?;
    if !after.property(sent).is_some_and(|v| v.means(value)) {
        return None;
    }
    match after.property(other) {
        Some(new) => new.means(old).then_some(true),
        None => Some(false),
    }
}

/// What a write did with its one tag. The customer must have had others before, but not that one.
pub(super) fn tags_in_update(
    before: &RemoteCustomer,
    after: &RemoteCustomer,
    sent: &str,
) -> Option<TagsInUpdate> {
    let (Reported::Value(old), Reported::Value(new)) = (&before.tags, &after.tags) else {
        return None;
    };
    if old.is_empty() || before.has_tag(sent) {
        return None;
    }
    let stays = |tag: &Tag| new.iter().any(|t| t.name == tag.name);
    let (all, any) = (old.iter().all(stays), old.iter().any(stays));
    match (after.has_tag(sent), all, any) {
        (true, true, _) => Some(TagsInUpdate::Adds),
        (true, _, false) => Some(TagsInUpdate::Replaces),
        (false, true, _) if new.len() == old.len() => Some(TagsInUpdate::Ignored),
        _ => None,
    }
}

/// Returns the fields of a create that were not stored, or `None` if the answer leaves one of them out.
pub(super) fn ignored(sent: &[(Field, Value)], after: &RemoteCustomer) -> Option<Vec<Field>> {
    let mut ignored = Vec::new();
    for (field, value) in sent {
        let kept = match (after.field(*field).ok()?, field.kind()) {
            (None, _) => false,
            // A text may come back in another spelling.
            (Some(_), FieldKind::Text) => true,
            (Some(kept), FieldKind::Date | FieldKind::OneWay) => kept.means(value),
        };
        if !kept {
            ignored.push(*field);
        }
    }
    Some(ignored)
}

/// What a page of `got` customers shows if `limit` were requested.
pub(super) fn page_size(limit: u32, got: u32, total: Option<u64>) -> Option<PageSize> {
    let available = total.map_or(u64::MAX, |total| total.min(u64::from(limit)));
    if got > DOCUMENTED_PAGE && (u64::from(got) >= available || total.is_none()) {
        return Some(PageSize::Honoured { seen: got });
    }
    let is_short = total.is_some() && u64::from(got) < available && got > 0;
    is_short.then_some(PageSize::Capped { at: got })
}

/// The largest documented page.
pub(super) const DOCUMENTED_PAGE: u32 = 100;

/// Combines what the answer to a write and the reading after it show. `None` if they contradict each other.
pub(super) fn agreed<T: PartialEq>(verdicts: impl IntoIterator<Item = Option<T>>) -> Option<T> {
    let mut answers = verdicts.into_iter().flatten();
    let first = answers.next()?;
    answers.all(|other| other == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::CustomerId;

    fn text(t: &str) -> Value {
        Value::Text(t.into())
    }

    fn customer(
        fields: &[(Field, Value)],
        properties: &[(&str, &str)],
        tags: &[&str],
    ) -> RemoteCustomer {
        let mut customer = RemoteCustomer::unknown(CustomerId(1));
        for field in Field::ALL {
            let value = fields.iter().find(|(f, _)| *f == field);
            customer.set_field(field, value.map(|(_, v)| v.clone()));
        }
        let owned = |(n, v): &(&str, &str)| ((*n).to_owned(), CustomValue::Text((*v).to_owned()));
        customer.custom_data =
            Reported::Value(properties.iter().map(owned).collect::<BTreeMap<_, _>>());
        customer.tags = Reported::Value(tags.iter().map(|t| Tag::named(*t)).collect());
        customer
    }

    #[test]
    fn a_field_that_is_missing_or_different_was_not_kept() {
        let before = customer(
            &[(Field::Notes, text("n")), (Field::LastSeen, Value::Date(1))],
            &[],
            &[],
        );
        let keeps = |fields: &[(Field, Value)]| {
            keeps_fields(&before, &customer(fields, &[], &[]), &[Field::Name])
        };
        let date = (Field::LastSeen, Value::Date(2));
        assert_eq!(
            keeps(&[(Field::Notes, text("n")), date.clone()]),
            Some(true)
        );
        assert_eq!(
            keeps(&[(Field::Notes, text("m")), date.clone()]),
            Some(false)
        );
        assert_eq!(keeps(&[(Field::Notes, text("n"))]), Some(false));
        assert_eq!(keeps(&[]), Some(false));
        let bare = customer(&[], &[], &[]);
        assert_eq!(
            keeps_fields(&bare, &bare, &[]),
            None,
            "there was nothing to lose"
        );
        let unreported = RemoteCustomer::unknown(CustomerId(1));
        assert_eq!(keeps_fields(&before, &unreported, &[]), None);
    }

    #[test]
    fn one_property_of_two_shows_merging() {
        let before = customer(&[], &[("a", "1"), ("b", "1")], &[]);
        let sent = CustomValue::Text("2".into());
        let verdict =
            |after: &[(&str, &str)]| merges(&before, &customer(&[], after, &[]), "a", &sent, "b");
        assert_eq!(verdict(&[("a", "2"), ("b", "1")]), Some(true));
        assert_eq!(verdict(&[("a", "2")]), Some(false));
        assert_eq!(verdict(&[("a", "1"), ("b", "1")]), None, "it had no effect");
        assert_eq!(verdict(&[("a", "2"), ("b", "3")]), None);
        let one = customer(&[], &[("a", "1")], &[]);
        assert_eq!(
            merges(&one, &customer(&[], &[("a", "2")], &[]), "a", &sent, "b"),
            None
        );
    }

    #[test]
    fn a_new_tag_next_to_an_old_one_shows_adding() {
        let before = customer(&[], &[], &["a"]);
        let verdict = |after: &[&str]| tags_in_update(&before, &customer(&[], &[], after), "b");
        assert_eq!(verdict(&["a", "b"]), Some(TagsInUpdate::Adds));
        assert_eq!(verdict(&["b"]), Some(TagsInUpdate::Replaces));
        assert_eq!(verdict(&["a"]), Some(TagsInUpdate::Ignored));
        assert_eq!(verdict(&[]), None);
        assert_eq!(
            tags_in_update(&before, &customer(&[], &[], &["a"]), "a"),
            None
        );
        let bare = customer(&[], &[], &[]);
        assert_eq!(tags_in_update(&bare, &before, "a"), None);
    }

    #[test]
    fn fields_that_a_create_does_not_store_are_ignored() {
        let sent = [
            (Field::Name, text(" A ")),
            (Field::LastSeen, Value::Date(5)),
            (Field::Blocked, Value::Bool(true)),
        ];
        let verdict = |fields: &[(Field, Value)]| ignored(&sent, &customer(fields, &[], &[]));
        assert_eq!(
            verdict(&[
                (Field::Name, text("A")),
                (Field::LastSeen, Value::Date(6)),
                (Field::Blocked, Value::Bool(false))
            ]),
            Some(vec![Field::LastSeen, Field::Blocked])
        );
        assert_eq!(verdict(&sent), Some(vec![]));
        assert_eq!(
            ignored(&sent, &RemoteCustomer::unknown(CustomerId(1))),
            None
        );
    }

    #[test]
    fn a_page_shows_its_limit_only_if_more_customers_exist() {
        assert_eq!(
            page_size(1000, 100, Some(250)),
            Some(PageSize::Capped { at: 100 })
        );
        assert_eq!(
            page_size(1000, 250, Some(250)),
            Some(PageSize::Honoured { seen: 250 })
        );
        assert_eq!(
            page_size(1000, 1000, Some(5000)),
            Some(PageSize::Honoured { seen: 1000 })
        );
        assert_eq!(page_size(1000, 80, Some(80)), None);
        assert_eq!(page_size(1000, 0, Some(0)), None);
        assert_eq!(page_size(1000, 100, None), None);
        assert_eq!(
            page_size(1000, 200, None),
            Some(PageSize::Honoured { seen: 200 })
        );
    }

    proptest! {
        #[test]
        fn a_server_that_caps_is_never_said_to_honour_more(total in 0u32..3000, most in 1u32..1500) {
            let got = total.min(most).min(1000);
            match page_size(1000, got, Some(u64::from(total))) {
                Some(PageSize::Capped { at }) => prop_assert_eq!(at, most),
                Some(PageSize::Honoured { seen }) => prop_assert!(seen <= most),
                Some(PageSize::Refused { .. }) => prop_assert!(false),
                None => prop_assert!(got <= DOCUMENTED_PAGE),
            }
        }
    }

    #[test]
    fn contradictions_show_nothing() {
        assert_eq!(agreed([Some(1), None, Some(1)]), Some(1));
        assert_eq!(agreed([Some(1), Some(2)]), None);
        assert_eq!(agreed::<u8>([None]), None);
    }
}
