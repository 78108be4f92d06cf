use std::fmt;
use std::marker::PhantomData;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};

/// The value of one of the API's own fields. Serializes as JSON text, integer (a date) or boolean.
///
/// Like the other types with a customer's texts it owns them, unless `T` borrows from the bytes that were read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Value<T = String> {
    Bool(bool),
    /// Seconds since the UNIX epoch.
    Date(i64),
    Text(T),
}

/// Written by hand: serde buffers an untagged enum, which is too slow for millions of values.
impl<'de, T: From<String>> Deserialize<'de> for Value<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar<T>(PhantomData<T>);
        impl<T: From<String>> Visitor<'_> for Scalar<T> {
            type Value = Value<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, an integer or a boolean")
            }
            fn visit_bool<E>(self, b: bool) -> Result<Value<T>, E> {
                Ok(Value::Bool(b))
            }
            fn visit_i64<E>(self, seconds: i64) -> Result<Value<T>, E> {
                Ok(Value::Date(seconds))
            }
            fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Value<T>, E> {
                i64::try_from(seconds).map(Value::Date).map_err(E::custom)
            }
            fn visit_str<E>(self, text: &str) -> Result<Value<T>, E> {
                Ok(Value::Text(text.to_owned().into()))
            }
            fn visit_string<E>(self, text: String) -> Result<Value<T>, E> {
                Ok(Value::Text(text.into()))
            }
        }
        deserializer.deserialize_any(Scalar(PhantomData))
    }
}

impl Value {
    /// Whether both mean the same: outer blanks and Unicode normalization make no difference.
    pub fn means(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => same_text(a, b),
            (a, b) => a == b,
        }
    }
}

impl<T: AsRef<str>> Value<T> {
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.as_ref()),
            Self::Bool(_) | Self::Date(_) => None,
        }
    }
}

impl<T: Into<String>> Value<T> {
    pub fn into_owned(self) -> Value {
        match self {
            Self::Text(text) => Value::Text(text.into()),
            Self::Bool(b) => Value::Bool(b),
            Self::Date(seconds) => Value::Date(seconds),
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

pub(super) fn same_text(a: &str, b: &str) -> bool {
    use unicode_normalization::{UnicodeNormalization, is_nfc};
    let (a, b) = (a.trim(), b.trim());
    if a == b || (is_nfc(a) && is_nfc(b)) {
        return a == b;
    }
    a.nfc().eq(b.nfc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_compares_after_normalization() {
        assert!(Value::Text("é".into()).means(&Value::Text("e\u{301}".into())));
        assert!(!Value::Text("e".into()).means(&Value::Text("é".into())));
    }
}
