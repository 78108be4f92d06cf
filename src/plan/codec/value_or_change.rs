//! A member of an operation in a plan file.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A value before and after a patch.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FromTo<T> {
    pub(super) from: Option<T>,
    pub(super) to: Option<T>,
}

/// A member of `set` or `custom_data`: a value (create) or a change (patch).
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum ValueOrChange<T> {
    Change(FromTo<T>),
    Value(T),
}

/// Written by hand: serde buffers an untagged enum, which is slow. An object is a change, since values are scalars.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for ValueOrChange<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Member<T>(PhantomData<T>);
        fn value<'de, T: Deserialize<'de>, E: de::Error>(
            value: impl IntoDeserializer<'de, E>,
        ) -> Result<ValueOrChange<T>, E> {
            T::deserialize(value.into_deserializer()).map(ValueOrChange::Value)
        }
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Member<T> {
            type Value = ValueOrChange<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or a change")
            }
            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
                let members = MapAccessDeserializer::new(members);
                FromTo::deserialize(members).map(ValueOrChange::Change)
            }
            fn visit_bool<E: de::Error>(self, b: bool) -> Result<Self::Value, E> {
                value(b)
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                value(number)
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                value(number)
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
                value(number)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                value(text)
            }
        }
        deserializer.deserialize_any(Member(PhantomData))
    }
}

impl<T> ValueOrChange<T> {
    pub(super) fn value(self, name: &str) -> Result<T, String> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Change(_) => Err(format!("`{name}` of a create has no `from`")),
        }
    }

    pub(super) fn change(self, name: &str) -> Result<FromTo<T>, String> {
        match self {
            Self::Change(change) => Ok(change),
            Self::Value(_) => Err(format!("`{name}` of a patch needs `from` and `to`")),
        }
    }
}
