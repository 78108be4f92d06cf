use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::{JsonScalar, scalar, unsigned};
use super::walk::{each_item, each_member};
use super::{DecodeError, members};
use crate::domain::text::trim;
use crate::domain::{
    CustomValue, CustomerId, Field, FieldKind, Number, OpaqueValue, RemoteCustomer, Reported, Tag,
    Value,
};

/// The members of a customer that are of use. If a name occurs twice, the last value counts.
#[derive(Default)]
struct CustomerMembers<'a> {
    id: Option<&'a str>,
    fields: [Option<&'a str>; Field::ALL.len()],
    tags: Option<&'a str>,
    custom_data: Option<&'a str>,
}

impl<'a> CustomerMembers<'a> {
    fn slot(&mut self, name: &str) -> Option<&mut Option<&'a str>> {
        match name {
            "id" => Some(&mut self.id),
            "tags" => Some(&mut self.tags),
            "customData" => Some(&mut self.custom_data),
            _ => self.fields.get_mut(Field::from_name(name)?.index()),
        }
    }
}

pub(super) fn read_customer(json: &str) -> Result<RemoteCustomer<Cow<'_, str>>, DecodeError> {
    if !json.trim_ascii_start().starts_with('{') {
        return Err(DecodeError::NoId);
    }
    let mut known = CustomerMembers::default();
    let walked = each_member(json, |name, value| {
        if let Some(slot) = known.slot(&name) {
            *slot = Some(value);
        }
    });
    walked.ok_or_else(|| DecodeError::of_object(json))?;
    let id = known.id.and_then(unsigned).ok_or(DecodeError::NoId)?;
    let mut customer = RemoteCustomer::with_id(CustomerId(id));
    for (field, value) in Field::ALL.into_iter().zip(known.fields) {
        if let Some(Reported::Value(value)) = value.map(|value| field_value(field, value)) {
            customer.set_field(field, value);
        }
    }
    customer.tags = known
        .tags
        .map_or(Reported::Missing, |value| readable(tags(value)));
    customer.custom_data = match known.custom_data.map(properties) {
        None => Reported::Missing,
        Some(None) => Reported::Unreadable,
        Some(Some(Properties { plain, opaque })) => {
            customer.opaque = opaque;
            Reported::Value(plain)
        }
    };
    Ok(customer)
}

fn readable<T>(value: Option<T>) -> Reported<T> {
    value.map_or(Reported::Unreadable, Reported::Value)
}

fn known_if_some<T>(value: Option<T>) -> Reported<T> {
    value.map_or(Reported::Missing, Reported::Value)
}

fn field_value(field: Field, value: &str) -> Reported<Option<Value<Cow<'_, str>>>> {
    let Some(scalar) = scalar(value) else {
        return Reported::Missing;
    };
    match scalar {
        JsonScalar::Null => Reported::Value(None),
        JsonScalar::Text(text) if text.is_empty() => Reported::Value(None),
        present => known_if_some(
            match field.kind() {
                FieldKind::Text => present.text().map(Value::Text),
                FieldKind::Date => date(present),
                FieldKind::OneWay => boolean(present),
            }
            .map(Some),
        ),
    }
}

fn date(scalar: JsonScalar<'_>) -> Option<Value<Cow<'_, str>>> {
    trim(&scalar.text()?).parse().ok().map(Value::Date)
}

fn boolean(scalar: JsonScalar<'_>) -> Option<Value<Cow<'_, str>>> {
    if let JsonScalar::Bool(b) = scalar {
        return Some(Value::Bool(b));
    }
    match scalar.text()?.trim() {
        "1" | "true" => Some(Value::Bool(true)),
        "0" | "false" => Some(Value::Bool(false)),
        _ => None,
    }
}

/// Tags as objects or as plain names; `null` means no tags.
fn tags(value: &str) -> Option<Vec<Tag<Cow<'_, str>>>> {
    let mut tags = Vec::new();
    if value != "null" {
        each_item(value, |item| {
            tags.push(tag(item)?);
            Some(())
        })?;
    }
    Some(tags)
}

fn tag(value: &str) -> Option<Tag<Cow<'_, str>>> {
    if let Some(name) = scalar(value) {
        let name = name.text()?;
        return Some(Tag { name, color: None });
    }
    let [name, color] = members(value, ["name", "color"]).ok()?;
    let text = |value| scalar(value)?.text();
    Some(Tag {
        name: name.and_then(text)?,
        color: color.and_then(text).filter(|color| !color.is_empty()),
    })
}

/// A customer's properties. If a name occurs twice, the last value counts.
#[derive(Default)]
struct Properties<'a> {
    plain: BTreeMap<Cow<'a, str>, CustomValue<Cow<'a, str>>>,
    opaque: BTreeMap<String, OpaqueValue>,
}

/// Properties as an object, or as an array of `{"property","value"}`; `null` means no properties.
fn properties(value: &str) -> Option<Properties<'_>> {
    let mut properties = Properties::default();
    match value.as_bytes().first()? {
        b'n' => {}
        b'{' => each_member(value, |name, value| properties.insert(name, value))?,
        b'[' => {
            let list: Vec<PropertyEntry<'_>> = serde_json::from_str(value).ok()?;
            for entry in list {
                properties.insert(entry.property, entry.value.get());
            }
        }
        _ => return None,
    }
    Some(properties)
}

#[derive(Deserialize)]
struct PropertyEntry<'a> {
    #[serde(borrow)]
    property: Cow<'a, str>,
    #[serde(borrow)]
    value: &'a RawValue,
}

impl<'a> Properties<'a> {
    fn insert(&mut self, name: Cow<'a, str>, value: &'a str) {
        let value = match scalar(value) {
            Some(JsonScalar::Text(text)) => Some(CustomValue::Text(text)),
            Some(JsonScalar::Bool(value)) => Some(CustomValue::Bool(value)),
            Some(JsonScalar::Number(digits)) => match digits.parse() {
                Ok(number) => Some(CustomValue::Number(Number::new(number))),
                Err(_) => None,
            },
            Some(JsonScalar::Null) => None,
            None => return self.insert_opaque(name, value),
        };
        self.opaque.remove(&*name);
        match value {
            Some(value) => self.plain.insert(name, value),
            None => self.plain.remove(&name),
        };
    }

    fn insert_opaque(&mut self, name: Cow<'a, str>, value: &str) {
        self.plain.remove(&name);
        match serde_json::from_str(value) {
            Ok(json) => self
                .opaque
                .insert(name.into_owned(), OpaqueValue::new(json)),
            Err(_) => self.opaque.remove(&*name),
        };
    }
}
