use serde::{Deserialize, Serialize};

use super::{CustomValue, Field, RowKey, Tag, Value};

/// What a row says about one attribute. An attribute that it does not speak of has no wish at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wish<T> {
    Set(T),
    /// The row wants the attribute to have no value.
    Clear,
}

impl<T> Wish<T> {
    /// The wanted value; nothing where none is wanted.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Clear => None,
        }
    }
}

/// What a row says about its customer's tags.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DesiredTags {
    /// Tags that the customer shall have, without doubles: the row's own and those that are always added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<Tag>,
    /// Names that the row asks to remove. One that is also in `add` stays (contract).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Whether the row's tag cell spoke, so that `add` is the whole list that it wants. An empty cell does not
    /// speak unless empty cells clear; tags that are always added never make it speak.
    #[serde(default)]
    pub spoken: bool,
}

/// What a row wants of its customer: managed attributes only, already checked and coerced.
///
/// Operations are made from nothing else, so what no row speaks of cannot get into one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DesiredCustomer {
    pub key: RowKey,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<(Field, Wish<Value>)>,
    /// Property names are unique and keep the order of the mapping.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom_data: Vec<(String, Wish<CustomValue>)>,
    #[serde(default)]
    pub tags: DesiredTags,
}

impl DesiredCustomer {
    #[must_use]
    pub fn field(&self, field: Field) -> Option<&Wish<Value>> {
        self.fields
            .iter()
            .find(|(f, _)| *f == field)
            .map(|(_, wish)| wish)
    }
}
