use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Case;
use super::given::{Given, Scalar};

/// `map`, `default` and `case`: what happens to a value before its type is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Recode {
    pub(super) map: Option<BTreeMap<String, String>>,
    pub(super) default: Option<String>,
    pub(super) case: Option<Case>,
}

impl Recode {
    /// `map` looks at the trimmed value, also at a JSON number or boolean as its text. What the config wrote, in
    /// `map` or `default`, is taken as it stands there; `case` is for the values that pass.
    pub(super) fn apply<'a>(&'a self, given: Given<'a>) -> Given<'a> {
        let Given::Scalar(scalar) = given else {
            return given;
        };
        if let Some(written) = self.written_for(&scalar) {
            return if written.trim().is_empty() {
                Given::Empty
            } else {
                Given::Scalar(Scalar::Text(Cow::Borrowed(written)))
            };
        }
        Given::Scalar(match (self.case, scalar) {
            (Some(case), Scalar::Text(text)) => Scalar::Text(Cow::Owned(in_case(case, &text))),
            (Some(case), Scalar::Native(text)) => Scalar::Native(Cow::Owned(in_case(case, &text))),
            (_, scalar) => scalar,
        })
    }

    /// Whether `map` names the value.
    pub(super) fn names(&self, given: &Given<'_>) -> bool {
        match (&self.map, given) {
            (Some(map), Given::Scalar(scalar)) => map.contains_key(scalar.to_text().trim()),
            _ => false,
        }
    }

    fn written_for(&self, scalar: &Scalar<'_>) -> Option<&str> {
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

    fn text(text: &str) -> Given<'_> {
        Given::Scalar(Scalar::Text(text.into()))
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
        assert_eq!(plain.apply(text("none")), Given::Empty);
        let json = json!(1);
        let one = Given::Scalar(Scalar::Number(json.as_number().unwrap()));
        assert_eq!(plain.apply(one), text("one"));
        let native = Given::Scalar(Scalar::Native("de".into()));
        let upper = Given::Scalar(Scalar::Native("DE".into()));
        assert_eq!(plain.apply(native), upper);
    }

    #[test]
    fn the_default_is_for_values_that_the_map_does_not_name() {
        let plain = languages(Some("en"));
        assert_eq!(plain.apply(text("German")), text("en"));
        assert_eq!(plain.apply(text("Ukrainian")), text("uk"));
        for silent in [Given::Empty, Given::Null, Given::Missing] {
            assert_eq!(plain.apply(silent.clone()), silent);
        }
    }
}
