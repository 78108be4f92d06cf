//! The body of a patch: changed fields only, and of `customData` either the changes or the whole merged set. Pure.

use std::collections::BTreeMap;

use crate::domain::{CustomValue, Known, RemoteCustomer};
use crate::helpcrunch::{PatchBody, PropertyWrite};
use crate::plan::Patch;

/// What to send for a patch. Where PATCH is not known to merge `customData`, all that the customer has goes with
/// the changes, so that nothing is lost whether it merges or replaces.
#[must_use]
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

fn write(value: Option<&CustomValue>) -> PropertyWrite {
    value.map_or(PropertyWrite::Clear, |v| PropertyWrite::Set(v.clone()))
}

fn merged(
    seen: &RemoteCustomer,
    changes: BTreeMap<String, PropertyWrite>,
) -> Vec<(String, PropertyWrite)> {
    let mut whole: BTreeMap<String, PropertyWrite> = BTreeMap::new();
    if let Known::Is(properties) = &seen.custom_data {
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
        seen.custom_data = Known::Is(BTreeMap::from(had));
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
}
