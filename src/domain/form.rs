//! Canonical texts of values: equal for values that mean the same, so that a value can be compared later with one of which
//! only a hash was kept.

use unicode_normalization::UnicodeNormalization;

use super::custom_value::instant;
use super::{CustomValue, Field, FieldKind, Number, Value, fold_email};

/// Returns the canonical text of a field's value, or `None` for no value.
pub fn field_form(field: Field, value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Text(text) if text.trim().is_empty() => None,
        Value::Text(text) => Some(match field {
            Field::Email => of_text(&fold_email(text)),
            Field::UserId => of_text(text),
            _ => of_text(&text.trim().nfc().collect::<String>()),
        }),
        Value::Date(seconds) => Some(of_date(*seconds)),
        Value::Bool(false) if field.kind() == FieldKind::OneWay => None,
        Value::Bool(b) => Some(of_bool(*b)),
    }
}

/// Returns the canonical text of a property's wanted value, or `None` for no value.
pub fn property_form(wanted: Option<&CustomValue>) -> Option<String> {
    match wanted.filter(|value| !value.is_no_value())? {
        CustomValue::Text(text) => Some(of_text(&text.trim().nfc().collect::<String>())),
        CustomValue::Number(number) => Some(of_number(number)),
        CustomValue::Bool(b) => Some(of_bool(*b)),
        CustomValue::Date(seconds) => Some(of_date(*seconds)),
    }
}

/// Returns the canonical texts of all wanted values that a remote value can stand for: `15` for a text, a number and a date.
/// Empty for no value.
///
/// If the server turned a text into a number, only the number's own spelling is recognized.
pub fn property_forms(remote: Option<&CustomValue>) -> Vec<String> {
    let Some(remote) = remote.filter(|value| !value.is_no_value()) else {
        return Vec::new();
    };
    let other = match remote {
        CustomValue::Text(text) => match text.trim() {
            "true" => Some(of_bool(true)),
            "false" => Some(of_bool(false)),
            text => Number::parse(text).as_ref().map(of_number),
        },
        CustomValue::Number(number) => Some(of_text(&number.to_string())),
        CustomValue::Bool(b) => Some(of_text(&b.to_string())),
        CustomValue::Date(seconds) => Some(of_text(&seconds.to_string())),
    };
    let own = property_form(Some(remote));
    let date = instant(remote).map(of_date);
    let mut forms: Vec<String> = [own, other, date].into_iter().flatten().collect();
    forms.sort_unstable();
    forms.dedup();
    forms
}

fn of_text(text: &str) -> String {
    format!("t{text}")
}

fn of_date(seconds: i64) -> String {
    format!("d{seconds}")
}

fn of_bool(b: bool) -> String {
    format!("b{b}")
}

fn of_number(number: &Number) -> String {
    match (number.integer(), number.as_json().as_f64()) {
        (Some(whole), _) => format!("n{whole}"),
        (None, Some(float)) => format!("n{float:e}"),
        (None, None) => format!("n{number}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn custom() -> impl Strategy<Value = CustomValue> {
        let text = prop_oneof![
            "[a-c ]{0,3}",
            "é|e\u{301}|true|false| true|2020-09-01 00:40:00",
            "0?[0-9]{1,2}(\\.[05])?",
        ];
        prop_oneof![
            text.prop_map(CustomValue::Text),
            "(0|[1-9][0-9]?)(\\.[05])?"
                .prop_map(|t| CustomValue::Number(Number::parse(&t).unwrap())),
            any::<bool>().prop_map(CustomValue::Bool),
            (0_i64..100).prop_map(CustomValue::Date),
            Just(CustomValue::Date(1_598_920_800)),
        ]
    }

    /// Whether the text spells its value differently from the server, which turned it into a number or boolean.
    fn is_respelled(wanted: &CustomValue, remote: &CustomValue) -> bool {
        match (wanted, remote) {
            (CustomValue::Text(text), CustomValue::Number(_) | CustomValue::Date(_)) => {
                let spelling = remote.to_json().to_string();
                spelling != *text
            }
            (CustomValue::Text(text), CustomValue::Bool(b)) => {
                text != if *b { "true" } else { "false" }
            }
            _ => false,
        }
    }

    fn holds(wanted: &CustomValue, remote: &CustomValue) -> bool {
        wanted.is_no_value() == remote.is_no_value()
            && (wanted.is_no_value() || wanted.means(remote))
    }

    proptest! {
        #[test]
        fn a_remote_value_has_the_form_of_a_wanted_value_that_means_the_same(
            wanted in custom(),
            remote in custom(),
        ) {
            let forms = property_forms(Some(&remote));
            let same = match property_form(Some(&wanted)) {
                Some(form) => forms.contains(&form),
                None => forms.is_empty(),
            };
            if same {
                prop_assert!(holds(&wanted, &remote), "{wanted:?} is not {remote:?}");
            }
            if holds(&wanted, &remote) && !is_respelled(&wanted, &remote) {
                // What is wanted as a text or number may be read as a date, which no answer holds.
                prop_assert!(same || matches!(remote, CustomValue::Date(_)), "{wanted:?} is {remote:?}");
            }
        }
    }

    #[test]
    fn values_of_a_field_that_mean_the_same_have_one_form() {
        let text = |t: &str| Some(Value::Text(t.to_owned()));
        let same = [
            (Field::Email, text("Ann@X.org"), text("ann@x.ORG")),
            (Field::Name, text("e\u{301}"), text("é")),
            (Field::Name, text(""), None),
            (Field::Blocked, Some(Value::Bool(false)), None),
        ];
        for (field, a, b) in same {
            assert_eq!(
                field_form(field, a.as_ref()),
                field_form(field, b.as_ref()),
                "{field}"
            );
        }
        let apart = [
            (Field::UserId, text("e\u{301}"), text("é")),
            (Field::Name, text("Ann"), text("ann")),
            (Field::FirstSeen, Some(Value::Date(1)), text("1")),
            (Field::Blocked, Some(Value::Bool(true)), None),
        ];
        for (field, a, b) in apart {
            assert_ne!(
                field_form(field, a.as_ref()),
                field_form(field, b.as_ref()),
                "{field}"
            );
        }
    }
}
