//! One customer as the server keeps it, read from and written to the
//! documented object.

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::field::{Date, Field, Flag, Text};
use super::quirks::{CustomDataShape, Dates, Presence, Quirks};
use super::tags::{NamedTag, TagBook};

/// The members that hold neither a field nor tags nor custom data.
const OPAQUE: [&str; 2] = ["location", "device"];

#[derive(Clone, Debug, Default)]
pub(super) struct Customer {
    pub(super) id: u64,
    name: Option<Box<str>>,
    email: Option<Box<str>>,
    user_id: Option<Box<str>>,
    company: Option<Box<str>>,
    phone: Option<Box<str>>,
    source: Option<Box<str>>,
    referer: Option<Box<str>>,
    last_page: Option<Box<str>>,
    locale: Option<Box<str>>,
    notes: Option<Box<str>>,
    created_from: Option<Box<str>>,
    integration_id: Option<Box<str>>,
    pub(super) first_seen: Option<i64>,
    pub(super) last_seen: Option<i64>,
    unsubscribed: bool,
    blocked: bool,
    /// What the documentation does not describe, kept as it was given, and
    /// `location` and `device` where they are known.
    pub(super) rest: Option<Box<Map<String, Value>>>,
    /// Numbers in the account's [`TagBook`].
    pub(super) tags: Vec<usize>,
    pub(super) custom_data: Map<String, Value>,
    /// When it was last written, in milliseconds of the server's life; a
    /// customer that was there from the start has none.
    changed_ms: Option<u64>,
    /// As it was before that, for views that lag behind.
    former: Option<Box<Customer>>,
}

/// A customer given from outside, whose tags are not in the book yet.
#[derive(Debug)]
pub(super) struct Given {
    /// The id is 0 where the object has none.
    pub(super) customer: Customer,
    pub(super) tags: Vec<NamedTag>,
}

impl Customer {
    pub(super) fn new(id: u64) -> Self {
        Self {
            id,
            ..Self::default()
        }
    }

    pub(super) fn text(&self, field: Text) -> Option<&str> {
        match field {
            Text::Name => &self.name,
            Text::Email => &self.email,
            Text::UserId => &self.user_id,
            Text::Company => &self.company,
            Text::Phone => &self.phone,
            Text::Source => &self.source,
            Text::Referer => &self.referer,
            Text::LastPage => &self.last_page,
            Text::Locale => &self.locale,
            Text::Notes => &self.notes,
            Text::CreatedFrom => &self.created_from,
            Text::IntegrationId => &self.integration_id,
        }
        .as_deref()
    }

    pub(super) fn set_text(&mut self, field: Text, value: Option<String>) {
        let slot = match field {
            Text::Name => &mut self.name,
            Text::Email => &mut self.email,
            Text::UserId => &mut self.user_id,
            Text::Company => &mut self.company,
            Text::Phone => &mut self.phone,
            Text::Source => &mut self.source,
            Text::Referer => &mut self.referer,
            Text::LastPage => &mut self.last_page,
            Text::Locale => &mut self.locale,
            Text::Notes => &mut self.notes,
            Text::CreatedFrom => &mut self.created_from,
            Text::IntegrationId => &mut self.integration_id,
        };
        *slot = value.map(String::into_boxed_str);
    }

    pub(super) fn date(&self, field: Date) -> Option<i64> {
        match field {
            Date::FirstSeen => self.first_seen,
            Date::LastSeen => self.last_seen,
        }
    }

    pub(super) fn set_date(&mut self, field: Date, value: Option<i64>) {
        match field {
            Date::FirstSeen => self.first_seen = value,
            Date::LastSeen => self.last_seen = value,
        }
    }

    fn flag(&self, field: Flag) -> bool {
        match field {
            Flag::Unsubscribed => self.unsubscribed,
            Flag::Blocked => self.blocked,
        }
    }

    pub(super) fn set_flag(&mut self, field: Flag, value: bool) {
        match field {
            Flag::Unsubscribed => self.unsubscribed = value,
            Flag::Blocked => self.blocked = value,
        }
    }

    /// A part of `location`.
    pub(super) fn place(&self, part: &str) -> Option<&str> {
        self.rest.as_ref()?.get("location")?.get(part)?.as_str()
    }

    pub(super) fn set_place(&mut self, part: &str, value: Option<String>) {
        let rest = self.rest.get_or_insert_with(Box::default);
        let location = rest.entry("location").or_insert_with(no_location);
        if let Value::Object(parts) = location {
            parts.insert(part.to_owned(), value.map_or(Value::Null, Value::String));
        } else {
            *location = json!({ part: value });
        }
    }

    /// Marks it as written now; `before` is what it was, where it was there.
    pub(super) fn written(&mut self, before: Option<&Self>, now_ms: u64) {
        self.changed_ms = Some(now_ms);
        self.former = before.cloned().map(Box::new);
    }

    /// What a view that lags by `lag_ms` shows of it: the last version that is old enough, or
    /// nothing of a customer created since.
    pub(super) fn seen(&self, now_ms: u64, lag_ms: u64) -> Option<&Self> {
        let mut version = self;
        while version
            .changed_ms
            .is_some_and(|changed| changed.saturating_add(lag_ms) > now_ms)
        {
            version = version.former.as_deref()?;
        }
        Some(version)
    }

    /// Drops the versions that no view lagging by at most `lag_ms` shows any more.
    pub(super) fn forget_former(&mut self, now_ms: u64, lag_ms: u64) {
        let mut version = self;
        while version
            .changed_ms
            .is_some_and(|changed| changed.saturating_add(lag_ms) > now_ms)
        {
            let Some(former) = version.former.as_deref_mut() else {
                return;
            };
            version = former;
        }
        version.former = None;
    }

    /// Reads an object such as an answer or an export holds.
    pub(super) fn from_object(object: &Map<String, Value>) -> Result<Given, String> {
        let mut customer = Self::default();
        let mut tags = Vec::new();
        for (name, value) in object {
            match name.as_str() {
                "id" => customer.id = given_id(value)?,
                "tags" => tags = given_tags(value)?,
                "customData" => customer.custom_data = given_custom_data(value)?,
                _ => customer.give(name, value)?,
            }
        }
        Ok(Given { customer, tags })
    }

    fn give(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let legacy = [Text::CreatedFrom, Text::IntegrationId].into_iter();
        let legacy = legacy.map(Field::Text).find(|field| field.name() == name);
        match Field::named(name).or(legacy) {
            Some(Field::Text(field)) => match value {
                Value::Null => Ok(()),
                Value::String(text) => {
                    self.set_text(field, Some(text.clone()));
                    Ok(())
                }
                _ => Err(format!("`{name}` must be text or null")),
            },
            Some(Field::Date(field)) => {
                self.set_date(field, given_date(name, value)?);
                Ok(())
            }
            Some(Field::Flag(field)) => {
                let flag = value.as_bool().or(value.is_null().then_some(false));
                self.set_flag(
                    field,
                    flag.ok_or(format!("`{name}` must be true or false"))?,
                );
                Ok(())
            }
            None => {
                self.rest
                    .get_or_insert_with(Box::default)
                    .insert(name.to_owned(), value.clone());
                Ok(())
            }
        }
    }
}

fn given_id(value: &Value) -> Result<u64, String> {
    match value.as_u64() {
        Some(id) if id > 0 => Ok(id),
        _ => Err("`id` must be a positive whole number".to_owned()),
    }
}

fn given_date(name: &str, value: &Value) -> Result<Option<i64>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Number(number) if number.is_i64() => Ok(number.as_i64()),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => text.parse().map(Some).map_err(|_| bad_date(name)),
        _ => Err(bad_date(name)),
    }
}

fn bad_date(name: &str) -> String {
    format!("`{name}` must be a UNIX timestamp, as text or a number")
}

fn given_tags(value: &Value) -> Result<Vec<NamedTag>, String> {
    let bad = || "`tags` must be an array of {\"name\",\"color\"}".to_owned();
    let list = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list,
        _ => return Err(bad()),
    };
    list.iter()
        .map(|tag| {
            let name = tag.get("name").and_then(Value::as_str).ok_or_else(bad)?;
            let colour = tag.get("color").and_then(Value::as_str).map(str::to_owned);
            Ok(NamedTag {
                name: name.to_owned(),
                colour,
            })
        })
        .collect()
}

fn given_custom_data(value: &Value) -> Result<Map<String, Value>, String> {
    let bad =
        || "`customData` must be an object or an array of {\"property\",\"value\"}".to_owned();
    match value {
        Value::Null => Ok(Map::new()),
        Value::Object(properties) => Ok(properties.clone()),
        Value::Array(list) => list
            .iter()
            .map(|entry| {
                let name = entry
                    .get("property")
                    .and_then(Value::as_str)
                    .ok_or_else(bad)?;
                let value = entry.get("value").ok_or_else(bad)?;
                Ok((name.to_owned(), value.clone()))
            })
            .collect(),
        _ => Err(bad()),
    }
}

fn no_location() -> Value {
    json!({ "regionCode": null, "countryCode": null, "city": null })
}

fn no_device() -> Value {
    json!({ "id": null, "ip": null, "timezone": null, "platform": null, "userAgent": null })
}

/// A customer as an answer shows it, all documented members in their order.
#[derive(Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) customer: &'a Customer,
    pub(super) tags: &'a TagBook,
    pub(super) quirks: &'a Quirks,
    /// Whether it is one of several in the answer to list or search.
    pub(super) listed: bool,
}

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let customer = self.customer;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &customer.id)?;
        for text in [
            Text::Name,
            Text::Email,
            Text::UserId,
            Text::Company,
            Text::Phone,
        ] {
            map.serialize_entry(text.name(), &customer.text(text))?;
        }
        for date in [Date::FirstSeen, Date::LastSeen] {
            map.serialize_entry(Field::Date(date).name(), &self.date(date))?;
        }
        self.opaque(&mut map)?;
        for flag in [Flag::Unsubscribed, Flag::Blocked] {
            map.serialize_entry(Field::Flag(flag).name(), &customer.flag(flag))?;
        }
        for text in [
            Text::Source,
            Text::Referer,
            Text::LastPage,
            Text::Locale,
            Text::CreatedFrom,
            Text::IntegrationId,
            Text::Notes,
        ] {
            map.serialize_entry(text.name(), &customer.text(text))?;
        }
        if !self.listed || self.quirks.listing_tags == Presence::Present {
            map.serialize_entry("tags", &Tags(self))?;
        }
        if !self.listed || self.quirks.listing_custom_data == Presence::Present {
            map.serialize_entry("customData", &CustomData(self))?;
        }
        for (name, value) in customer.rest.iter().flat_map(|rest| rest.iter()) {
            if !OPAQUE.contains(&name.as_str()) {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

impl Answer<'_> {
    fn date(&self, field: Date) -> Value {
        match (self.customer.date(field), self.quirks.dates) {
            (None, _) => Value::Null,
            (Some(date), Dates::String) => Value::String(date.to_string()),
            (Some(date), Dates::Integer) => Value::from(date),
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

struct Tags<'a>(&'a Answer<'a>);

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

struct CustomData<'a>(&'a Answer<'a>);

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
