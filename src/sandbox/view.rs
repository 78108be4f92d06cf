//! A customer as an answer shows it.

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::customer::Customer;
use super::field::{DateField, Field, FlagField, TextField};
use super::quirks::{CustomDataShape, Dates, MissingMembers, Presence, Quirks};
use super::tags::TagBook;

/// Documented members that are neither a field nor tags nor custom data.
const OPAQUE: [&str; 2] = ["location", "device"];

pub(super) fn no_location() -> Value {
    json!({ "regionCode": null, "countryCode": null, "city": null })
}

fn no_device() -> Value {
    json!({ "id": null, "ip": null, "timezone": null, "platform": null, "userAgent": null })
}

/// Serializes a customer with all documented members in their documented order.
#[derive(Clone, Copy)]
pub(super) struct CustomerView<'a> {
    pub(super) customer: &'a Customer,
    pub(super) tags: &'a TagBook,
    pub(super) quirks: &'a Quirks,
    /// Whether it is part of an answer to list or search.
    pub(super) listed: bool,
}

impl Serialize for CustomerView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let customer = self.customer;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &customer.id)?;
        for text in [
            TextField::Name,
            TextField::Email,
            TextField::UserId,
            TextField::Company,
            TextField::Phone,
        ] {
            map.serialize_entry(text.name(), &customer.text(text))?;
        }
        for date in [DateField::FirstSeen, DateField::LastSeen] {
            map.serialize_entry(Field::Date(date).name(), &self.date(date))?;
        }
        self.opaque(&mut map)?;
        for flag in [FlagField::Unsubscribed, FlagField::Blocked] {
            map.serialize_entry(Field::Flag(flag).name(), &customer.flag(flag))?;
        }
        for text in [
            TextField::Source,
            TextField::Referer,
            TextField::LastPage,
            TextField::Locale,
            TextField::CreatedFrom,
            TextField::IntegrationId,
            TextField::Notes,
        ] {
            map.serialize_entry(text.name(), &customer.text(text))?;
        }
        if !self.listed || self.quirks.listing_tags == Presence::Present {
            self.member(&mut map, "tags", customer.tags.is_empty(), &Tags(self))?;
        }
        if !self.listed || self.quirks.listing_custom_data == Presence::Present {
            let is_empty = customer.custom_data.is_empty();
            self.member(&mut map, "customData", is_empty, &CustomData(self))?;
        }
        for (name, value) in customer.rest.iter().flat_map(|rest| rest.iter()) {
            if !OPAQUE.contains(&name.as_str()) {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

impl CustomerView<'_> {
    fn date(&self, field: DateField) -> Value {
        match (self.customer.date(field), self.quirks.dates) {
            (None, _) => Value::Null,
            (Some(date), Dates::String) => Value::String(date.to_string()),
            (Some(date), Dates::Integer) => Value::from(date),
        }
    }

    fn member<M: SerializeMap>(
        &self,
        map: &mut M,
        name: &str,
        is_empty: bool,
        content: &impl Serialize,
    ) -> Result<(), M::Error> {
        match self.quirks.missing_members {
            MissingMembers::LeftOut if is_empty => Ok(()),
            MissingMembers::Null if is_empty => map.serialize_entry(name, &Value::Null),
            _ => map.serialize_entry(name, content),
        }
    }

    fn opaque<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        for name in OPAQUE {
            match self.customer.rest.as_ref().and_then(|rest| rest.get(name)) {
                Some(value) => map.serialize_entry(name, value)?,
                None if name == "device" => map.serialize_entry(name, &no_device())?,
                None => map.serialize_entry(name, &no_location())?,
            }
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Tag<'a> {
    name: &'a str,
    color: &'a str,
}

struct Tags<'a>(&'a CustomerView<'a>);

impl Serialize for Tags<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tags = self
            .0
            .customer
            .tags
            .iter()
            .filter_map(|number| self.0.tags.get(*number));
        serializer.collect_seq(tags.map(|(name, color)| Tag { name, color }))
    }
}

#[derive(Serialize)]
struct Property<'a> {
    property: &'a str,
    value: &'a Value,
}

struct CustomData<'a>(&'a CustomerView<'a>);

impl Serialize for CustomData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let properties = &self.0.customer.custom_data;
        if self.0.quirks.custom_data == CustomDataShape::Object {
            return properties.serialize(serializer);
        }
        let mut list = serializer.serialize_seq(Some(properties.len()))?;
        for (property, value) in properties {
            list.serialize_element(&Property { property, value })?;
        }
        list.end()
    }
}
