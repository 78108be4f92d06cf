use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Number;
use super::text::trim;
use super::value::same_text;

/// The declared type of a custom property. `Auto` keeps the input's own JSON type.
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

/// The value of a custom property: a text, number, boolean or date (observed). A date is sent as a text with a UNIX timestamp
/// and comes back as an integer (documented).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomValue<T = String> {
    Text(T),
    Number(Number),
    Bool(bool),
    /// Seconds since the UNIX epoch.
    Date(i64),
}

impl<T: From<String>> CustomValue<T> {
    /// From a JSON scalar; `None` for null, arrays and objects.
    pub fn from_json(json: &serde_json::Value) -> Option<Self> {
        match json {
            serde_json::Value::String(text) => Some(Self::Text(text.clone().into())),
            serde_json::Value::Number(number) => Some(Self::Number(Number::new(number.clone()))),
            serde_json::Value::Bool(b) => Some(Self::Bool(*b)),
            _ => None,
        }
    }
}

impl CustomValue {
    /// The value as JSON, a date as an integer.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.clone().into(),
            Self::Number(number) => number.as_json().clone().into(),
            Self::Bool(b) => (*b).into(),
            Self::Date(seconds) => (*seconds).into(),
        }
    }

    /// Whether this wanted value and a remote one mean the same: a number equals the text that spells it, a boolean its word,
    /// a date the same instant as integer or text.
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
}

impl<T: AsRef<str>> CustomValue<T> {
    /// Whether it is a blank text, which counts as no value, as do null and an absent property (contract).
    pub fn is_no_value(&self) -> bool {
        matches!(self, Self::Text(text) if trim(text.as_ref()).is_empty())
    }
}

impl<T: Into<String>> CustomValue<T> {
    pub fn into_owned(self) -> CustomValue {
        match self {
            Self::Text(text) => CustomValue::Text(text.into()),
            Self::Number(number) => CustomValue::Number(number),
            Self::Bool(b) => CustomValue::Bool(b),
            Self::Date(seconds) => CustomValue::Date(seconds),
        }
    }
}

/// Returns the instant that a remote value may stand for: UNIX seconds as integer or text, or a text such as
/// `2020-09-01 00:40:00` (observed), taken as UTC.
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

/// The form on disk: a plain scalar, but a date as `{"date":1603885746}`, so that it keeps its type.
impl<T: AsRef<str>> Serialize for CustomValue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Date(seconds) => TaggedDate { date: *seconds }.serialize(serializer),
            Self::Text(text) => text.as_ref().serialize(serializer),
            Self::Number(number) => number.as_json().serialize(serializer),
            Self::Bool(b) => b.serialize(serializer),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct TaggedDate {
    date: i64,
}

impl<'de, T: From<String>> Deserialize<'de> for CustomValue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar<T>(PhantomData<T>);
        impl<'de, T: From<String>> Visitor<'de> for Scalar<T> {
            type Value = CustomValue<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number, a boolean or a tagged date")
            }
            fn visit_bool<E>(self, b: bool) -> Result<CustomValue<T>, E> {
                Ok(CustomValue::Bool(b))
            }
            fn visit_i64<E>(self, number: i64) -> Result<CustomValue<T>, E> {
                Ok(CustomValue::Number(Number::new(number.into())))
            }
            fn visit_u64<E>(self, number: u64) -> Result<CustomValue<T>, E> {
                Ok(CustomValue::Number(Number::new(number.into())))
            }
            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<CustomValue<T>, E> {
                let number = serde_json::Number::from_f64(number);
                let number = number.ok_or_else(|| E::custom("not a finite number"))?;
                Ok(CustomValue::Number(Number::new(number)))
            }
            fn visit_str<E>(self, text: &str) -> Result<CustomValue<T>, E> {
                Ok(CustomValue::Text(text.to_owned().into()))
            }
            fn visit_string<E>(self, text: String) -> Result<CustomValue<T>, E> {
                Ok(CustomValue::Text(text.into()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<CustomValue<T>, A::Error> {
                let tagged = TaggedDate::deserialize(MapAccessDeserializer::new(map))?;
                Ok(CustomValue::Date(tagged.date))
            }
        }
        deserializer.deserialize_any(Scalar(PhantomData))
    }
}

impl<T: AsRef<str>> fmt::Display for CustomValue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.as_ref().fmt(f),
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
    fn a_date_equals_its_instant_as_text_or_integer() {
        let date = CustomValue::Date(1_598_920_800);
        assert!(date.means(&number("1598920800")));
        assert!(date.means(&CustomValue::Text("1598920800".into())));
        assert!(date.means(&CustomValue::Text("2020-09-01 00:40:00".into())));
        assert!(date.means(&CustomValue::Text("2020-09-01T03:40:00+03:00".into())));
        assert!(!date.means(&CustomValue::Text("2020-09-01".into())));
    }
}
