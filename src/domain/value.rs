use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The value of one of the API's own fields. Serializes as JSON text, integer (a date) or boolean.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Value {
    Bool(bool),
    /// Seconds since the UNIX epoch.
    Date(i64),
    Text(String),
}

/// By hand, since an untagged enum is read twice, and millions of values are.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;
        impl Visitor<'_> for Scalar {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, an integer or a boolean")
            }
            fn visit_bool<E>(self, b: bool) -> Result<Value, E> {
                Ok(Value::Bool(b))
            }
            fn visit_i64<E>(self, seconds: i64) -> Result<Value, E> {
                Ok(Value::Date(seconds))
            }
            fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Value, E> {
                i64::try_from(seconds).map(Value::Date).map_err(E::custom)
            }
            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(text.to_owned()))
            }
            fn visit_string<E>(self, text: String) -> Result<Value, E> {
                Ok(Value::Text(text))
            }
        }
        deserializer.deserialize_any(Scalar)
    }
}

impl Value {
    /// Whether both mean the same; texts that differ only in outer blanks or Unicode normalisation do.
    #[must_use]
    pub fn means(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => same_text(a, b),
            (a, b) => a == b,
        }
    }

    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bool(_) | Self::Date(_) => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(b) => b.fmt(f),
            Self::Date(seconds) => seconds.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

fn same_text(a: &str, b: &str) -> bool {
    use unicode_normalization::{UnicodeNormalization, is_nfc};
    let (a, b) = (a.trim(), b.trim());
    if a == b || (is_nfc(a) && is_nfc(b)) {
        return a == b;
    }
    a.nfc().eq(b.nfc())
}

/// What a custom property is declared to be; `Auto` keeps the input's own JSON type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CustomType {
    Text,
    Number,
    Boolean,
    Date,
    #[default]
    Auto,
}

/// A number as JSON writes it, equal by value: `15`, `15.0` and `1.5e1` are one number.
#[derive(Debug, Clone)]
pub struct Number(serde_json::Number);

impl Number {
    #[must_use]
    pub fn new(number: serde_json::Number) -> Self {
        Self(number)
    }

    /// A decimal text such as `15`, `-1.5` or `2e3`; nothing where it is no number, or has more digits than
    /// can be sent exactly.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number: serde_json::Number = serde_json::from_str(text).ok()?;
        let parsed = Self(number);
        exact(text, &parsed).then_some(parsed)
    }

    pub(super) fn integer(&self) -> Option<i128> {
        if let Some(i) = self.0.as_i64() {
            return Some(i128::from(i));
        }
        if let Some(u) = self.0.as_u64() {
            return Some(i128::from(u));
        }
        let float = self.0.as_f64()?;
        // 2^96: beyond it a float is compared as a float.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole and within the range of i128"
        )]
        (float.fract() == 0.0 && float.abs() < 7.9e28).then_some(float as i128)
    }

    #[must_use]
    pub fn as_json(&self) -> &serde_json::Number {
        &self.0
    }
}

/// Whether the number that was read is the text's own, to the last digit.
fn exact(text: &str, number: &Number) -> bool {
    let digits = |s: &str| -> String {
        let mantissa = s.split(['e', 'E']).next().unwrap_or_default();
        let all: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        all.trim_matches('0').to_owned()
    };
    digits(text) == digits(&number.to_string())
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        match (self.integer(), other.integer()) {
            (Some(a), Some(b)) => a == b,
            (None, None) => self.0.as_f64() == other.0.as_f64(),
            _ => false,
        }
    }
}

impl Eq for Number {}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The value of a custom property: "text, a number, a boolean or a date" (observed). A date is sent as a text
/// holding a UNIX timestamp and comes back as an integer (documented).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomValue {
    Text(String),
    Number(Number),
    Bool(bool),
    /// Seconds since the UNIX epoch.
    Date(i64),
}

impl CustomValue {
    /// From a JSON scalar; nothing for `null`, arrays and objects.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Option<Self> {
        match json {
            serde_json::Value::String(text) => Some(Self::Text(text.clone())),
            serde_json::Value::Number(number) => Some(Self::Number(Number::new(number.clone()))),
            serde_json::Value::Bool(b) => Some(Self::Bool(*b)),
            _ => None,
        }
    }

    /// The JSON that is shown, saved and compared; a date is its integer.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.clone().into(),
            Self::Number(number) => number.as_json().clone().into(),
            Self::Bool(b) => (*b).into(),
            Self::Date(seconds) => (*seconds).into(),
        }
    }

    /// Whether this wanted value and a remote one mean the same: a number equals the text that spells it, a
    /// boolean its word, a date the same instant as integer or text.
    #[must_use]
    pub fn means(&self, remote: &Self) -> bool {
        match (self, remote) {
            (Self::Text(a), Self::Text(b)) => same_text(a, b),
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Date(a), other) | (other, Self::Date(a)) => instant(other) == Some(*a),
            (Self::Number(n), Self::Text(t)) | (Self::Text(t), Self::Number(n)) => {
                Number::parse(t.trim()).as_ref() == Some(n)
            }
            (Self::Bool(b), Self::Text(t)) | (Self::Text(t), Self::Bool(b)) => {
                t.trim() == if *b { "true" } else { "false" }
            }
            (Self::Bool(_), Self::Number(_)) | (Self::Number(_), Self::Bool(_)) => false,
        }
    }

    /// `null`, absent and a text without anything but blanks are equal for "no value" (contract).
    #[must_use]
    pub fn is_no_value(&self) -> bool {
        matches!(self, Self::Text(text) if text.trim().is_empty())
    }
}

/// The instant that a remote value may stand for: UNIX seconds as integer or text, or the text
/// `2020-09-01 00:40:00` (observed), which is taken as UTC.
pub(super) fn instant(value: &CustomValue) -> Option<i64> {
    match value {
        CustomValue::Date(seconds) => Some(*seconds),
        CustomValue::Number(number) => number.integer().and_then(|i| i64::try_from(i).ok()),
        CustomValue::Text(text) => text.trim().parse().ok().or_else(|| civil_text(text.trim())),
        CustomValue::Bool(_) => None,
    }
}

fn civil_text(text: &str) -> Option<i64> {
    if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
        return Some(timestamp.as_second());
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    Some(
        civil
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()?
            .timestamp()
            .as_second(),
    )
}

/// The form that is kept on disk: a scalar as it is, a date so that it keeps its type, `{"date":1603885746}`.
impl Serialize for CustomValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Date(seconds) => KeptDate { date: *seconds }.serialize(serializer),
            plain => plain.to_json().serialize(serializer),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct KeptDate {
    date: i64,
}

impl<'de> Deserialize<'de> for CustomValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;
        impl<'de> Visitor<'de> for Scalar {
            type Value = CustomValue;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number, a boolean or a kept date")
            }
            fn visit_bool<E>(self, b: bool) -> Result<CustomValue, E> {
                Ok(CustomValue::Bool(b))
            }
            fn visit_i64<E>(self, number: i64) -> Result<CustomValue, E> {
                Ok(CustomValue::Number(Number::new(number.into())))
            }
            fn visit_u64<E>(self, number: u64) -> Result<CustomValue, E> {
                Ok(CustomValue::Number(Number::new(number.into())))
            }
            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<CustomValue, E> {
                let number = serde_json::Number::from_f64(number);
                let number = number.ok_or_else(|| E::custom("not a finite number"))?;
                Ok(CustomValue::Number(Number::new(number)))
            }
            fn visit_str<E>(self, text: &str) -> Result<CustomValue, E> {
                Ok(CustomValue::Text(text.to_owned()))
            }
            fn visit_string<E>(self, text: String) -> Result<CustomValue, E> {
                Ok(CustomValue::Text(text))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<CustomValue, A::Error> {
                let kept = KeptDate::deserialize(MapAccessDeserializer::new(map))?;
                Ok(CustomValue::Date(kept.date))
            }
        }
        deserializer.deserialize_any(Scalar)
    }
}

impl fmt::Display for CustomValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Bool(b) => b.fmt(f),
            Self::Date(seconds) => seconds.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> CustomValue {
        CustomValue::Number(Number::parse(text).unwrap())
    }

    #[test]
    fn numbers_are_equal_by_value() {
        for (a, b) in [
            ("15", "15.0"),
            ("15", "1.5e1"),
            ("0", "-0"),
            ("0.1", "0.10"),
        ] {
            assert_eq!(Number::parse(a), Number::parse(b), "{a} {b}");
        }
        assert_ne!(number("9007199254740993"), number("9007199254740992"));
        assert!(number("15").means(&CustomValue::Text("15.0".into())));
        assert!(!number("15").means(&CustomValue::Text("15 EUR".into())));
    }

    #[test]
    fn a_number_that_cannot_be_sent_exactly_is_none() {
        assert!(Number::parse("123456789012345678901234567890").is_none());
        assert!(Number::parse("0.12345678901234567890123").is_none());
        assert!(Number::parse("18446744073709551615").is_some());
        for text in ["", "1,5", "NaN", "0x10", "+1", "01", "1."] {
            assert!(Number::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_date_equals_its_instant_as_text_or_integer() {
        let date = CustomValue::Date(1_598_920_800);
        assert!(date.means(&number("1598920800")));
        assert!(date.means(&CustomValue::Text("1598920800".into())));
        assert!(date.means(&CustomValue::Text("2020-09-01 00:40:00".into())));
        assert!(date.means(&CustomValue::Text("2020-09-01T03:40:00+03:00".into())));
        assert!(!date.means(&CustomValue::Text("2020-09-01".into())));
    }

    #[test]
    fn text_compares_after_normalisation() {
        assert!(Value::Text("é".into()).means(&Value::Text("e\u{301}".into())));
        assert!(!Value::Text("e".into()).means(&Value::Text("é".into())));
    }
}
