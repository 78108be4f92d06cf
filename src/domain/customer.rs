use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CustomValue, CustomerId, Field, OpaqueValue, Tag, Value};

/// A member of an answer: there (perhaps without a value), or missing and so unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Known<T> {
    #[default]
    Unknown,
    Is(T),
}

impl<T> Known<T> {
    pub fn as_ref(&self) -> Known<&T> {
        match self {
            Self::Unknown => Known::Unknown,
            Self::Is(value) => Known::Is(value),
        }
    }

    pub fn ok(self) -> Option<T> {
        match self {
            Self::Unknown => None,
            Self::Is(value) => Some(value),
        }
    }

    pub fn is_known(&self) -> bool {
        matches!(self, Self::Is(_))
    }
}

/// A customer as HelpCrunch answered it, as far as this program manages customers.
///
/// "No value" (null or an empty text) is `Is(None)`; a member that the answer does not have is `Unknown`, which
/// is never taken for empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteCustomer {
    pub id: CustomerId,
    fields: [Known<Option<Value>>; Field::ALL.len()],
    pub tags: Known<Vec<Tag>>,
    pub custom_data: Known<BTreeMap<String, CustomValue>>,
    /// Properties whose value is an object or an array: there, but nothing that this program compares or sets.
    /// Kept so that a write of the whole `customData` can send them again.
    pub opaque: BTreeMap<String, OpaqueValue>,
}

impl RemoteCustomer {
    /// Whether the answer told the tags and the properties too, as the documented one does.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.tags.is_known() && self.custom_data.is_known()
    }

    /// A customer of whom nothing but the id is known.
    #[must_use]
    pub fn unknown(id: CustomerId) -> Self {
        Self {
            id,
            fields: Default::default(),
            tags: Known::Unknown,
            custom_data: Known::Unknown,
            opaque: BTreeMap::new(),
        }
    }

    #[must_use]
    pub fn field(&self, field: Field) -> Known<Option<&Value>> {
        match self.fields.get(field.index()) {
            Some(Known::Is(value)) => Known::Is(value.as_ref()),
            _ => Known::Unknown,
        }
    }

    /// The field's value where it has one.
    #[must_use]
    pub fn value(&self, field: Field) -> Option<&Value> {
        self.field(field).ok().flatten()
    }

    /// Sets what is known of a field; an empty text is no value.
    pub fn set_field(&mut self, field: Field, value: Option<Value>) {
        if let Some(slot) = self.fields.get_mut(field.index()) {
            *slot = Known::Is(value.filter(|v| v.as_text() != Some("")));
        }
    }

    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.value(Field::UserId).and_then(Value::as_text)
    }

    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.value(Field::Email).and_then(Value::as_text)
    }

    /// The property's value where it is known to have one.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&CustomValue> {
        match &self.custom_data {
            Known::Is(properties) => properties.get(name).filter(|v| !v.is_no_value()),
            Known::Unknown => None,
        }
    }

    #[must_use]
    pub fn has_tag(&self, name: &str) -> bool {
        matches!(&self.tags, Known::Is(tags) if tags.iter().any(|t| t.name == name))
    }
}

/// The compact form in which a reading is kept on disk: known members only.
#[derive(Deserialize)]
struct Stored {
    id: CustomerId,
    #[serde(default)]
    fields: BTreeMap<Field, Option<Value>>,
    #[serde(default)]
    tags: Option<Vec<Tag>>,
    #[serde(default)]
    custom: Option<BTreeMap<String, CustomValue>>,
    #[serde(default)]
    opaque: BTreeMap<String, OpaqueValue>,
}

/// The same, borrowed.
#[derive(Serialize)]
struct Storing<'a> {
    id: CustomerId,
    fields: KnownFields<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a Vec<Tag>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<&'a BTreeMap<String, CustomValue>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    opaque: &'a BTreeMap<String, OpaqueValue>,
}

struct KnownFields<'a>(&'a RemoteCustomer);

impl Serialize for KnownFields<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known = |field: Field| Some((field, self.0.field(field).ok()?));
        serializer.collect_map(Field::ALL.into_iter().filter_map(known))
    }
}

impl Serialize for RemoteCustomer {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Storing {
            id: self.id,
            fields: KnownFields(self),
            tags: self.tags.as_ref().ok(),
            custom: self.custom_data.as_ref().ok(),
            opaque: &self.opaque,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RemoteCustomer {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = Stored::deserialize(deserializer)?;
        let mut customer = Self::unknown(stored.id);
        for (field, value) in stored.fields {
            customer.set_field(field, value);
        }
        customer.tags = stored.tags.map_or(Known::Unknown, Known::Is);
        customer.custom_data = stored.custom.map_or(Known::Unknown, Known::Is);
        customer.opaque = stored.opaque;
        Ok(customer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_empty_survive_the_disk() {
        let mut customer = RemoteCustomer::unknown(CustomerId(7));
        customer.set_field(Field::Name, Some(Value::Text(String::new())));
        customer.set_field(Field::FirstSeen, Some(Value::Date(5)));
        customer.tags = Known::Is(vec![]);
        let opaque = OpaqueValue::new(serde_json::json!({"a": [1]}));
        customer.opaque.insert("address".into(), opaque);
        let text = serde_json::to_string(&customer).unwrap();
        let back: RemoteCustomer = serde_json::from_str(&text).unwrap();
        assert_eq!(back, customer);
        assert_eq!(back.field(Field::Name), Known::Is(None));
        assert_eq!(back.field(Field::Email), Known::Unknown);
        assert_eq!(back.custom_data, Known::Unknown);
    }
}
