use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use crate::domain::Issue;

/// Reads one object, and refuses what a usual parser would settle in silence: a member named twice, a number that changes.
pub(super) fn parse_object(text: &str) -> Result<Map<String, Value>, Issue> {
    let findings = Findings::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict(&findings).deserialize(&mut deserializer);
    let value = value.and_then(|v| deserializer.end().map(|()| v));
    let value = value.map_err(|error| bad_json(&error))?;
    let Value::Object(members) = value else {
        let message = format!("the value is {}, not an object", kind(&value));
        return Err(Issue::input("not_an_object", message));
    };
    if let Some(name) = findings.twice.into_inner() {
        let message = "an object has two members of this name".to_owned();
        return Err(Issue::input("duplicate_member", message).column(name));
    }
    if findings.fraction.get()
        && let Some(name) = inexact_member(text)
    {
        let message = "a number has more digits than can be kept".to_owned();
        return Err(Issue::input("inexact_number", message)
            .column(name)
            .hint("write it as text, in quotes"));
    }
    Ok(members)
}

fn bad_json(error: &serde_json::Error) -> Issue {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    let line = match error.line() {
        0 | 1 => String::new(),
        n => format!("line {n} of the value, "),
    };
    let message = format!("not valid JSON at {line}byte {}: {what}", error.column());
    Issue::input("bad_json", message)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[derive(Default)]
struct Findings {
    twice: RefCell<Option<String>>,
    /// Some number came as floating point, and may have been rounded.
    fraction: Cell<bool>,
}

#[derive(Clone, Copy)]
struct Strict<'a>(&'a Findings);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        self.0.fraction.set(true);
        let number = Number::from_f64(value);
        number
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(self)?;
            if map.contains_key(&name) {
                self.0.twice.borrow_mut().get_or_insert(name);
            } else {
                map.insert(name, value);
            }
        }
        Ok(Value::Object(map))
    }
}

/// The members of an object in their order, each value as it is written.
pub(super) struct RawMembers<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> de::Deserialize<'de> for RawMembers<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = RawMembers<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    members.push((Cow::Owned(name), value));
                }
                Ok(RawMembers(members))
            }
        }
        deserializer.deserialize_map(Visit)
    }
}

/// The first member with a number that reads back as another one.
fn inexact_member(text: &str) -> Option<String> {
    let RawMembers(members) = serde_json::from_str(text).ok()?;
    let inexact = |value: &RawValue| numbers(value.get()).any(|number| !is_exact(number));
    let found = members.into_iter().find(|(_, value)| inexact(value));
    found.map(|(name, _)| name.into_owned())
}

/// The numbers of a valid JSON text.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    let part = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit())?;
            rest = rest.get(start..)?;
            if let Some(inside) = rest.strip_prefix('"') {
                rest = after_string(inside)?;
                continue;
            }
            let end = rest.find(|c| !part(c)).unwrap_or(rest.len());
            let (number, after) = rest.split_at(end);
            rest = after;
            return Some(number);
        }
    })
}

fn after_string(mut inside: &str) -> Option<&str> {
    loop {
        let at = inside.find(['"', '\\'])?;
        let step = if inside.get(at..)?.starts_with('"') {
            1
        } else {
            2
        };
        inside = inside.get(at + step..)?;
        if step == 1 {
            return Some(inside);
        }
    }
}

fn is_exact(number: &str) -> bool {
    if number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok() {
        return true;
    }
    // What the parser made of it, which need not be the nearest.
    let Ok(value) = serde_json::from_str::<f64>(number) else {
        return false;
    };
    decimal(number) == decimal(&format!("{value:e}"))
}

/// A number as sign, significant digits and the power of ten of the last of them.
fn decimal(number: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
        None => (number, 0),
    };
    let negative = mantissa.starts_with('-');
    let unsigned = mantissa.trim_start_matches('-');
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    let dropped = i64::try_from(digits.len() - significant.len()).ok()?;
    let significant = significant.trim_start_matches('0').to_owned();
    if significant.is_empty() {
        return Some((false, significant, 0));
    }
    let power = exponent - i64::try_from(fraction.len()).ok()? + dropped;
    Some((negative, significant, power))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(text: &str) -> (String, Option<String>) {
        let issue = parse_object(text).unwrap_err();
        (issue.code, issue.column)
    }

    #[test]
    fn objects_are_read_as_any_parser_would() {
        let text = r#"{"a":[1,-2.5,"x\"1",null,true],"b":{"c":18446744073709551615},"d":"9e99"}"#;
        let plain: Value = serde_json::from_str(text).unwrap();
        assert_eq!(Value::Object(parse_object(text).unwrap()), plain);
    }

    #[test]
    fn what_would_be_settled_in_silence_is_refused() {
        let twice = ("duplicate_member".to_owned(), Some("b".to_owned()));
        assert_eq!(code(r#"{"a":{"b":1,"b":2}}"#), twice);
        let inexact = ("inexact_number".to_owned(), Some("n".to_owned()));
        assert_eq!(code(r#"{"m":0.5,"n":12345678901234567890123}"#), inexact);
        assert_eq!(code(r#"{"n":[{"x":0.12345678901234567890123}]}"#), inexact);
        assert!(
            parse_object(r#"{"n":100000000000000000000000,"m":1.50,"o":-0.0,"p":1E2}"#).is_ok()
        );
    }

    #[test]
    fn other_texts_are_named_for_what_they_are() {
        assert_eq!(code("[1]").0, "not_an_object");
        assert_eq!(code("12").0, "not_an_object");
        for bad in [
            "{",
            "{\"a\":1,}",
            "{} {}",
            "{'a':1}",
            "{\"a\":1e999}",
            "{\"a\":\"\\ud800\"}",
        ] {
            assert_eq!(code(bad).0, "bad_json", "{bad}");
        }
        let issue = parse_object("{\"secret\": nope}").unwrap_err();
        assert_eq!(issue.message, "not valid JSON at byte 13: expected ident");
    }

    #[test]
    fn deep_nesting_is_an_issue_and_no_overflow() {
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        assert_eq!(code(&deep).0, "bad_json");
    }

    proptest! {
        #[test]
        fn what_a_float_prints_is_exact(value in proptest::num::f64::NORMAL) {
            let printed = format!("{value:e}");
            let read: f64 = serde_json::from_str(&printed).unwrap();
            // The parser may miss the last digit; then it must be noticed, and only then.
            prop_assert_eq!(is_exact(&printed), read == value);
        }

        #[test]
        fn short_decimals_are_kept(whole in 0u32.., cents in 0u8..100) {
            let text = format!("{whole}.{cents:02}");
            prop_assert!(is_exact(&text));
        }
    }
}
