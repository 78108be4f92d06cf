use std::borrow::Borrow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CustomValue, CustomerId, Field, OpaqueValue, Tag, Value};

/// A member of an answer: present, perhaps without a value, or left out and so unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Reported<T> {
    #[default]
    Missing,
    /// Present, but not understood, and so unknown as well.
    Unreadable,
    Value(T),
}

impl<T> Reported<T> {
    pub fn as_ref(&self) -> Reported<&T> {
        match self {
            Self::Missing => Reported::Missing,
            Self::Unreadable => Reported::Unreadable,
            Self::Value(value) => Reported::Value(value),
        }
    }

    pub fn ok(self) -> Option<T> {
        match self {
            Self::Missing | Self::Unreadable => None,
            Self::Value(value) => Some(value),
        }
    }

    pub fn is_reported(&self) -> bool {
        matches!(self, Self::Value(_))
    }

    fn map<U>(self, change: impl FnOnce(T) -> U) -> Reported<U> {
        match self {
            Self::Missing => Reported::Missing,
            Self::Unreadable => Reported::Unreadable,
            Self::Value(value) => Reported::Value(change(value)),
        }
    }
}

/// A customer as HelpCrunch answered it, reduced to what hcsync manages.
///
/// "No value" (null or an empty text) is `Value(None)`. A member that the answer left out is `Missing` and never taken for
/// empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteCustomer<T = String> {
    pub id: CustomerId,
    fields: [Reported<Option<Value<T>>>; Field::ALL.len()],
    pub tags: Reported<Vec<Tag<T>>>,
    pub custom_data: Reported<BTreeMap<T, CustomValue<T>>>,
    /// Properties whose value is an object or an array, which hcsync neither compares nor sets. Kept so that a write of the
    /// whole `customData` can send them back.
    pub opaque: BTreeMap<String, OpaqueValue>,
}

impl RemoteCustomer {
    /// A customer of which only the id is known.
    pub fn unknown(id: CustomerId) -> Self {
        Self::with_id(id)
    }
}

impl<T: AsRef<str> + Borrow<str> + Ord> RemoteCustomer<T> {
    /// Whether tags and properties were reported too, as documented.
    pub fn is_complete(&self) -> bool {
        self.tags.is_reported() && self.custom_data.is_reported()
    }

    /// Like [`unknown`](RemoteCustomer::unknown), for any type of text.
    pub fn with_id(id: CustomerId) -> Self {
        Self {
            id,
            fields: Default::default(),
            tags: Reported::Missing,
            custom_data: Reported::Missing,
            opaque: BTreeMap::new(),
        }
    }

    pub fn field(&self, field: Field) -> Reported<Option<&Value<T>>> {
        match self.fields.get(field.index()) {
            Some(Reported::Value(value)) => Reported::Value(value.as_ref()),
            _ => Reported::Missing,
        }
    }

    /// The field's value, or `None` if it is missing or empty.
    pub fn value(&self, field: Field) -> Option<&Value<T>> {
        self.field(field).ok().flatten()
    }

    /// Sets a field as reported. An empty text counts as no value.
    pub fn set_field(&mut self, field: Field, value: Option<Value<T>>) {
        if let Some(slot) = self.fields.get_mut(field.index()) {
            *slot = Reported::Value(value.filter(|v| v.as_text() != Some("")));
        }
    }

    pub fn user_id(&self) -> Option<&str> {
        self.value(Field::UserId).and_then(Value::as_text)
    }

    pub fn email(&self) -> Option<&str> {
        self.value(Field::Email).and_then(Value::as_text)
    }

    /// The property's value, or `None` if it is missing or empty.
    pub fn property(&self, name: &str) -> Option<&CustomValue<T>> {
        match &self.custom_data {
            Reported::Value(properties) => properties.get(name).filter(|v| !v.is_no_value()),
            Reported::Missing | Reported::Unreadable => None,
        }
    }

    pub fn has_tag(&self, name: &str) -> bool {
        matches!(&self.tags, Reported::Value(tags) if tags.iter().any(|t| t.name.as_ref() == name))
    }
}

impl<T: Into<String> + Ord> RemoteCustomer<T> {
    pub fn into_owned(self) -> RemoteCustomer {
        let tags = |tags: Vec<Tag<T>>| tags.into_iter().map(Tag::into_owned).collect();
        let properties = |properties: BTreeMap<T, CustomValue<T>>| {
            let properties = properties.into_iter();
            let owned = properties.map(|(name, value)| (name.into(), value.into_owned()));
            owned.collect()
        };
        RemoteCustomer {
            id: self.id,
            fields: self
                .fields
                .map(|known| known.map(|value| value.map(Value::into_owned))),
            tags: self.tags.map(tags),
            custom_data: self.custom_data.map(properties),
            opaque: self.opaque,
        }
    }
}

/// A customer on disk, in snapshots: reported members only.
#[derive(Deserialize)]
struct CustomerRecord {
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

/// A borrowed [`CustomerRecord`].
#[derive(Serialize)]
struct CustomerRecordRef<'a> {
    id: CustomerId,
    fields: ReportedFields<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a Vec<Tag>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<&'a BTreeMap<String, CustomValue>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    opaque: &'a BTreeMap<String, OpaqueValue>,
}

struct ReportedFields<'a>(&'a RemoteCustomer);

impl Serialize for ReportedFields<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let reported = |field: Field| Some((field, self.0.field(field).ok()?));
        serializer.collect_map(Field::ALL.into_iter().filter_map(reported))
    }
}

impl Serialize for RemoteCustomer {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        CustomerRecordRef {
            id: self.id,
            fields: ReportedFields(self),
            tags: self.tags.as_ref().ok(),
            custom: self.custom_data.as_ref().ok(),
            opaque: &self.opaque,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RemoteCustomer {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let record = CustomerRecord::deserialize(deserializer)?;
        let mut customer = Self::unknown(record.id);
        for (field, value) in record.fields {
            customer.set_field(field, value);
        }
        customer.tags = record.tags.map_or(Reported::Missing, Reported::Value);
        customer.custom_data = record.custom.map_or(Reported::Missing, Reported::Value);
        customer.opaque = record.opaque;
        Ok(customer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_and_empty_survive_serialization() {
        let mut customer = RemoteCustomer::unknown(CustomerId(7));
        customer.set_field(Field::Name, Some(Value::Text(String::new())));
        customer.set_field(Field::FirstSeen, Some(Value::Date(5)));
        customer.tags = Reported::Value(vec![]);
        let opaque = OpaqueValue::new(serde_json::json!({"a": [1]}));
        customer.opaque.insert("address".into(), opaque);
        let text = serde_json::to_string(&customer).unwrap();
        let back: RemoteCustomer = serde_json::from_str(&text).unwrap();
        assert_eq!(back, customer);
        assert_eq!(back.field(Field::Name), Reported::Value(None));
        assert_eq!(back.field(Field::Email), Reported::Missing);
        assert_eq!(back.custom_data, Reported::Missing);
    }
}
