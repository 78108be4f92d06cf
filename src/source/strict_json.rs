use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::domain::Issue;

use super::json_flaws::find_flaws;
use super::json_numbers::{is_exact, numbers, with_words_quoted};

/// An object, and the flaws of its members.
pub(super) struct ParsedObject {
    pub(super) members: Map<String, Value>,
    /// Issues with the dotted name of their member. They matter only if that member is used.
    pub(super) flaws: Vec<Issue>,
}

/// Parses an object and reports what ordinary parsers ignore: duplicate members, and numbers that are rounded.
///
/// Properties in the form that the API accepts, an array of `{"property", "value"}`, become an object as in its answers.
pub(super) fn parse_object(text: &str) -> Result<ParsedObject, Issue> {
    match parse(text) {
        Ok((value, findings)) => object(value, &findings, text),
        Err(error) => {
            let quoted = with_words_quoted(text).ok_or_else(|| bad_json(&error))?;
            let (value, findings) = parse(&quoted).map_err(|_| bad_json(&error))?;
            findings.word.set(true);
            object(value, &findings, &quoted)
        }
    }
}

/// Whether a text is JSON, apart from words such as `NaN` in place of numbers.
pub(super) fn is_json(text: &str) -> bool {
    let is_plain = |text: &str| serde_json::from_str::<de::IgnoredAny>(text).is_ok();
    is_plain(text) || with_words_quoted(text).is_some_and(|quoted| is_plain(&quoted))
}

fn parse(text: &str) -> Result<(Value, Findings), serde_json::Error> {
    let findings = Findings::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict(&findings).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok((value, findings))
}

fn object(value: Value, findings: &Findings, text: &str) -> Result<ParsedObject, Issue> {
    let Value::Object(members) = value else {
        let message = format!("the value is {}, not an object", kind(&value));
        return Err(Issue::input("not_an_object", message));
    };
    let inexact = || findings.fraction.get() && numbers(text).any(|number| !is_exact(number));
    let mut flaws = Vec::new();
    if findings.twice.get() || findings.word.get() || inexact() {
        find_flaws("", text, &mut flaws);
    }
    Ok(ParsedObject { members, flaws })
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
    /// An object has two members with the same name.
    twice: Cell<bool>,
    /// A number was parsed as floating point and may have been rounded.
    fraction: Cell<bool>,
    /// A word such as `NaN`, which JSON does not have, is in place of a number.
    word: Cell<bool>,
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
        if are_properties(&values) {
            return Ok(Value::Object(self.object_of(values)));
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(self)?;
            self.put(&mut map, name, value);
        }
        Ok(Value::Object(map))
    }
}

impl Strict<'_> {
    fn put(self, map: &mut Map<String, Value>, name: String, value: Value) {
        if map.contains_key(&name) {
            self.0.twice.set(true);
        } else {
            map.insert(name, value);
        }
    }

    /// Turns an array of properties into an object. Properties without a value are ignored.
    fn object_of(self, properties: Vec<Value>) -> Map<String, Value> {
        let mut map = Map::new();
        for property in properties {
            if let Value::Object(mut members) = property
                && let Some(Value::String(name)) = members.remove("property")
                && let Some(value) = members.remove("value")
            {
                self.put(&mut map, name, value);
            }
        }
        map
    }
}

/// Whether an array contains properties in the form that the API accepts. [`Property`](super::raw_members::Property) is the counterpart for raw text.
fn are_properties(values: &[Value]) -> bool {
    let is_property = |value: &Value| value.get("property").is_some_and(Value::is_string);
    !values.is_empty() && values.iter().all(is_property)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(text: &str) -> (String, Option<String>) {
        let issue = parse_object(text).err().unwrap();
        (issue.code, issue.column)
    }

    fn flaws(text: &str) -> Vec<(String, String)> {
        let flaws = parse_object(text).ok().unwrap().flaws.into_iter();
        flaws.map(|f| (f.code, f.column.unwrap())).collect()
    }

    fn flaw(code: &str, path: &str) -> Vec<(String, String)> {
        vec![(code.to_owned(), path.to_owned())]
    }

    fn members(text: &str) -> Value {
        Value::Object(parse_object(text).ok().unwrap().members)
    }

    #[test]
    fn objects_are_read_as_any_parser_would() {
        let text = r#"{"a":[1,-2.5,"x\"1",null,true],"b":{"c":18446744073709551615},"d":"9e99"}"#;
        let plain: Value = serde_json::from_str(text).unwrap();
        assert_eq!(members(text), plain);
    }

    #[test]
    fn what_would_be_settled_silently_is_reported_under_its_path() {
        let twice = flaw("duplicate_member", "a.b");
        assert_eq!(flaws(r#"{"a":{"b":1,"b":2}}"#), twice);
        assert_eq!(
            flaws(r#"{"a":1,"a":{"c":2},"a":3}"#),
            flaw("duplicate_member", "a")
        );
        assert_eq!(
            flaws(r#"{"t":[{"n":1,"n":2},{"n":1,"n":2}]}"#),
            flaw("duplicate_member", "t.n")
        );
        let inexact = |path| flaw("inexact_number", path);
        assert_eq!(
            flaws(r#"{"m":0.5,"n":12345678901234567890123}"#),
            inexact("n")
        );
        let nested = r#"{"o":{"n":[{"x":0.12345678901234567890123}]}}"#;
        assert_eq!(flaws(nested), inexact("o.n.x"));
        let exact = r#"{"n":100000000000000000000000,"m":1.50,"o":-0.0,"p":1E2}"#;
        assert_eq!(flaws(exact), []);
    }

    #[test]
    fn properties_of_an_array_are_those_of_an_object() {
        let array = r#"{"customData":[{"property":"a b","value":15.5},{"property":"c","value":null},{"property":"d"}]}"#;
        assert_eq!(
            members(array),
            serde_json::json!({"customData": {"a b": 15.5, "c": null}})
        );
        let twice = r#"{"customData":[{"property":"a","value":1},{"property":"a","value":1}]}"#;
        assert_eq!(flaws(twice), flaw("duplicate_member", "customData.a"));
        let inexact = r#"{"customData":[{"property":"a","value":1},{"property":"b","value":0.12345678901234567890123}]}"#;
        assert_eq!(flaws(inexact), flaw("inexact_number", "customData.b"));
        for other in [
            r#"{"a":[]}"#,
            r#"{"a":[{"property":1}]}"#,
            r#"{"a":[{"property":"b","value":1},5]}"#,
        ] {
            let plain: Value = serde_json::from_str(other).unwrap();
            assert_eq!(members(other), plain);
        }
    }

    #[test]
    fn words_that_json_does_not_have_are_flaws_of_their_members() {
        for word in ["NaN", "Infinity", "-Infinity", "1e999", "-1E+400"] {
            let text = format!(r#"{{"a":"NaN, \"Infinity","b":[1, {word} ],"c":{{"d":2}}}}"#);
            assert_eq!(flaws(&text), flaw("bad_number", "b"), "{word}");
            assert_eq!(members(&text)["c"]["d"], 2);
        }
        let issue = parse_object(r#"{"n":NaN}"#).ok().unwrap().flaws.remove(0);
        assert!(issue.message.contains("`NaN`"), "{}", issue.message);
        for bad in [
            r#"{"n":nope}"#,
            r#"{"n":NaN"#,
            r#"{NaN:1}"#,
            r#"{"n":NaN,}"#,
        ] {
            assert_eq!(code(bad).0, "bad_json", "{bad}");
        }
    }

    #[test]
    fn other_texts_are_named_for_what_they_are() {
        assert_eq!(code("[1]").0, "not_an_object");
        assert_eq!(code("12").0, "not_an_object");
        for bad in ["{", "{\"a\":1,}", "{} {}", "{'a':1}", "{\"a\":\"\\ud800\"}"] {
            assert_eq!(code(bad).0, "bad_json", "{bad}");
        }
        let issue = parse_object("{\"secret\": nope}").err().unwrap();
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
