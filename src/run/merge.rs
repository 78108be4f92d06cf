//! Builds the body of a patch: the changed fields, and for `customData` either the changes or the whole merged set. Pure.

use std::collections::BTreeMap;

use crate::domain::{CustomValue, Field, RemoteCustomer, Reported, Tag, Value};
use crate::helpcrunch::{PatchBody, PropertyWrite};
use crate::plan::Patch;

/// Builds the body of a patch. Unless PATCH is known to merge `customData`, it holds all properties of the customer
/// besides the changes, so that nothing is lost whether PATCH merges or replaces.
pub(super) fn patch_body(patch: &Patch, seen: Option<&RemoteCustomer>, merges: bool) -> PatchBody {
    let set = patch.set.iter().map(|c| (c.field, c.to.clone())).collect();
    let custom_data = (!patch.custom_data.is_empty()).then(|| {
        let changes = patch
            .custom_data
            .iter()
            .map(|c| (c.name.clone(), write(c.to.as_ref())));
        match seen {
            Some(seen) if !merges => merged(seen, changes.collect()),
            _ => changes.collect(),
        }
    });
    PatchBody {
        set,
        custom_data,
        tags: None,
    }
}

/// Builds the body of a write that replaces the customer: all that it was read to have, with the changes and further tags.
/// `None` if the reading does not report everything.
pub(super) fn whole_body(
    patch: &Patch,
    seen: &RemoteCustomer,
    new_tags: &[Tag],
) -> Option<PatchBody> {
    let mut set = Vec::new();
    for field in Field::ALL {
        let Reported::Value(had) = seen.field(field) else {
            return None;
        };
        let change = patch.set.iter().find(|change| change.field == field);
        match change {
            Some(change) => set.push((field, change.to.clone())),
            // What has no value is not named, so that an edit is kept where the account does keep it.
            None => {
                let had = had.filter(|value| is_set(value)).cloned();
                set.extend(had.map(|value| (field, Some(value))));
            }
        }
    }
    seen.custom_data.as_ref().ok()?;
    let changes = patch.custom_data.iter();
    let changes = changes.map(|c| (c.name.clone(), write(c.to.as_ref())));
    let custom_data = merged(seen, changes.collect());
    let mut tags = seen.tags.as_ref().ok()?.clone();
    tags.extend(
        new_tags
            .iter()
            .filter(|tag| !seen.has_tag(&tag.name))
            .cloned(),
    );
    Some(PatchBody {
        set,
        custom_data: Some(custom_data).filter(|all| !all.is_empty()),
        tags: Some(tags).filter(|all| !all.is_empty()),
    })
}

/// Whether a value differs from what a reset leaves.
fn is_set(value: &Value) -> bool {
    *value != Value::Bool(false)
}

fn write(value: Option<&CustomValue>) -> PropertyWrite {
    value.map_or(PropertyWrite::Clear, |v| PropertyWrite::Set(v.clone()))
}

fn merged(
    seen: &RemoteCustomer,
    changes: BTreeMap<String, PropertyWrite>,
) -> Vec<(String, PropertyWrite)> {
    let mut whole: BTreeMap<String, PropertyWrite> = BTreeMap::new();
    if let Reported::Value(properties) = &seen.custom_data {
        let had = properties.iter().filter(|(_, value)| !value.is_no_value());
        whole.extend(had.map(|(name, value)| (name.clone(), PropertyWrite::Set(value.clone()))));
    }
    whole.extend(
        seen.opaque
            .iter()
            .map(|(name, value)| (name.clone(), PropertyWrite::Resend(value.clone()))),
    );
    whole.extend(changes);
    whole.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CustomerId;
    use crate::plan::PropertyChange;

    fn text(t: &str) -> CustomValue {
        CustomValue::Text(t.into())
    }

    fn patch() -> Patch {
        let change = |name: &str, to| PropertyChange {
            name: name.into(),
            from: None,
            to,
        };
        Patch {
            set: vec![],
            custom_data: vec![change("plan", Some(text("pro"))), change("old", None)],
        }
    }

    #[test]
    fn what_the_customer_has_goes_along_until_merging_is_known() {
        let mut seen = RemoteCustomer::unknown(CustomerId(1));
        let had =
            [("plan", "free"), ("old", "x"), ("kept", "y")].map(|(n, v)| (n.to_owned(), text(v)));
        seen.custom_data = Reported::Value(BTreeMap::from(had));
        let whole = patch_body(&patch(), Some(&seen), false)
            .custom_data
            .unwrap();
        let set = |v: &str| PropertyWrite::Set(text(v));
        let expected = [
            ("kept", set("y")),
            ("old", PropertyWrite::Clear),
            ("plan", set("pro")),
        ];
        assert_eq!(whole, expected.map(|(n, w)| (n.to_owned(), w)));
        assert_eq!(
            patch_body(&patch(), Some(&seen), true)
                .custom_data
                .unwrap()
                .len(),
            2
        );
        assert_eq!(
            patch_body(&Patch::default(), Some(&seen), false).custom_data,
            None
        );
    }

    #[test]
    fn a_whole_body_names_all_that_the_customer_has() {
        let mut seen = RemoteCustomer::unknown(CustomerId(1));
        for field in Field::ALL {
            seen.set_field(field, None);
        }
        seen.set_field(Field::Phone, Some(Value::Text("1".into())));
        seen.set_field(Field::Name, Some(Value::Text("old".into())));
        seen.set_field(Field::Blocked, Some(Value::Bool(false)));
        seen.custom_data = Reported::Value(BTreeMap::from([("kept".to_owned(), text("y"))]));
        let mut patch = patch();
        patch.set = vec![crate::plan::FieldChange {
            field: Field::Name,
            from: None,
            to: None,
        }];
        let new_tags = [Tag::named("vip"), Tag::named("new")];
        assert_eq!(
            whole_body(&patch, &seen, &new_tags),
            None,
            "tags are unknown"
        );
        seen.tags = Reported::Value(vec![Tag::named("vip")]);
        let body = whole_body(&patch, &seen, &new_tags).unwrap();
        let fields: Vec<_> = body
            .set
            .iter()
            .map(|(field, value)| (*field, value.is_some()))
            .collect();
        assert_eq!(fields, [(Field::Name, false), (Field::Phone, true)]);
        assert_eq!(body.custom_data.unwrap().len(), 3);
        let tags: Vec<_> = body.tags.unwrap().into_iter().map(|tag| tag.name).collect();
        assert_eq!(tags, ["vip", "new"]);
    }
}
