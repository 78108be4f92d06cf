use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Case;
use super::source_value::{Scalar, SourceValue};

/// `map`, `default` and `case`: changes to a value before its type is applied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Recode {
    pub(super) map: Option<BTreeMap<String, String>>,
    pub(super) default: Option<String>,
    pub(super) case: Option<Case>,
}

impl Recode {
    /// Applies `map` and `default` to the trimmed value, where JSON numbers and booleans count as text, and `case` to values
    /// that those do not replace.
    pub(super) fn apply<'a>(&'a self, value: SourceValue<'a>) -> SourceValue<'a> {
        let SourceValue::Scalar(scalar) = value else {
            return value;
        };
        if self.map.is_none() && self.case.is_none() {
            return SourceValue::Scalar(scalar);
        }
        if let Some(replacement) = self.replacement_for(&scalar) {
            return if replacement.trim().is_empty() {
                SourceValue::Empty
            } else {
                SourceValue::Scalar(Scalar::Text(Cow::Borrowed(replacement)))
            };
        }
        SourceValue::Scalar(match (self.case, scalar) {
            (Some(case), Scalar::Text(text)) => Scalar::Text(Cow::Owned(in_case(case, &text))),
            (Some(case), Scalar::Native(text)) => Scalar::Native(Cow::Owned(in_case(case, &text))),
            (_, scalar) => scalar,
        })
    }

    /// Whether `map` has an entry for the value.
    pub(super) fn has_entry_for(&self, value: &SourceValue<'_>) -> bool {
        match (&self.map, value) {
            (Some(map), SourceValue::Scalar(scalar)) => map.contains_key(scalar.to_text().trim()),
            _ => false,
        }
    }

    fn replacement_for(&self, scalar: &Scalar<'_>) -> Option<&str> {
        let map = self.map.as_ref()?;
        let named = map.get(scalar.to_text().trim());
        named.or(self.default.as_ref()).map(String::as_str)
    }
}

fn in_case(case: Case, text: &str) -> String {
    match case {
        Case::Lower => text.to_lowercase(),
        Case::Upper => text.to_uppercase(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(text: &str) -> SourceValue<'_> {
        SourceValue::Scalar(Scalar::Text(text.into()))
    }

    fn languages(default: Option<&str>) -> Recode {
        Recode {
            map: Some(BTreeMap::from([
                ("Ukrainian".into(), "uk".into()),
                ("1".into(), "one".into()),
                ("none".into(), String::new()),
            ])),
            default: default.map(str::to_owned),
            case: Some(Case::Upper),
        }
    }

    #[test]
    fn a_named_value_is_translated_and_another_passes() {
        let plain = languages(None);
        assert_eq!(plain.apply(text(" Ukrainian ")), text("uk"));
        assert_eq!(plain.apply(text("german")), text("GERMAN"));
        assert_eq!(plain.apply(text("none")), SourceValue::Empty);
        let json = json!(1);
        let one = SourceValue::Scalar(Scalar::Number(json.as_number().unwrap()));
        assert_eq!(plain.apply(one), text("one"));
        let native = SourceValue::Scalar(Scalar::Native("de".into()));
        let upper = SourceValue::Scalar(Scalar::Native("DE".into()));
        assert_eq!(plain.apply(native), upper);
    }

    #[test]
    fn the_default_is_for_values_that_the_map_does_not_name() {
        let plain = languages(Some("en"));
        assert_eq!(plain.apply(text("German")), text("en"));
        assert_eq!(plain.apply(text("Ukrainian")), text("uk"));
        for silent in [SourceValue::Empty, SourceValue::Null, SourceValue::Missing] {
            assert_eq!(plain.apply(silent.clone()), silent);
        }
    }
}
