//! A validated change to a customer, and the rules by which it is applied.

use serde_json::{Map, Value};

use super::customer::Customer;
use super::field::{Date, Field, Flag, Text};
use super::quirks::{
    ClearedProperty, CustomDataWrite, CustomDates, EmailRewrite, EmptiedText, PhoneRewrite, Quirks,
    Tagging, TextRewrite, UndefinedProperty, Unnamed,
};
use super::tags::{NamedTag, TagBook};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Setting {
    Text(Text, Option<String>),
    Date(Date, Option<i64>),
    Flag(Flag, bool),
    /// A part of `location`.
    Place(&'static str, Option<String>),
}

impl Setting {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Text(field, _) => field.name(),
            Self::Date(field, _) => Field::Date(*field).name(),
            Self::Flag(field, _) => Field::Flag(*field).name(),
            Self::Place(part, _) => part,
        }
    }
}

/// What a body asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Write {
    pub(super) settings: Vec<Setting>,
    /// `None` where the body says nothing about tags.
    pub(super) tags: Option<Vec<NamedTag>>,
    /// `None` where the body says nothing about custom data, and `Some(None)`
    /// where it clears it.
    pub(super) custom_data: Option<Option<Vec<(String, Value)>>>,
}

impl Write {
    pub(super) fn user_id(&self) -> Option<&str> {
        self.settings.iter().find_map(|setting| match setting {
            Setting::Text(Text::UserId, Some(user_id)) if !user_id.is_empty() => {
                Some(user_id.as_str())
            }
            _ => None,
        })
    }

    /// Drops what the server takes and forgets.
    pub(super) fn forget(&mut self, names: &[String]) {
        let forgotten = |name: &str| names.iter().any(|other| other == name);
        self.settings.retain(|setting| !forgotten(setting.name()));
        if forgotten("tags") {
            self.tags = None;
        }
        if forgotten("customData") {
            self.custom_data = None;
        }
        if let Some(Some(properties)) = &mut self.custom_data {
            properties.retain(|(name, _)| !forgotten(&format!("customData.{name}")));
        }
    }
}

/// How a write treats what is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) unnamed: Unnamed,
    pub(super) custom_data: CustomDataWrite,
    pub(super) tags: Tagging,
    /// Whether the server may keep something else than what was sent.
    pub(super) rewrites: bool,
}

impl Rules {
    pub(super) fn create(quirks: &Quirks) -> Self {
        Self {
            unnamed: Unnamed::Keep,
            custom_data: CustomDataWrite::Merge,
            tags: quirks.create_tags,
            rewrites: true,
        }
    }

    pub(super) fn patch(quirks: &Quirks) -> Self {
        Self {
            unnamed: Unnamed::Keep,
            custom_data: quirks.patch_custom_data,
            tags: quirks.patch_tags,
            rewrites: true,
        }
    }

    pub(super) fn put(quirks: &Quirks) -> Self {
        Self {
            unnamed: quirks.put_unnamed,
            custom_data: quirks.put_custom_data,
            tags: quirks.put_tags,
            rewrites: true,
        }
    }

    pub(super) fn batch(quirks: &Quirks) -> Self {
        Self {
            unnamed: quirks.batch_unnamed,
            custom_data: quirks.batch_custom_data,
            tags: quirks.batch_tags,
            rewrites: true,
        }
    }

    /// What an agent types is kept as it is.
    pub(super) fn agent() -> Self {
        Self {
            unnamed: Unnamed::Keep,
            custom_data: CustomDataWrite::Merge,
            tags: Tagging::Add,
            rewrites: false,
        }
    }
}

/// Applies writes to customers of one account.
#[derive(Debug)]
pub(super) struct Pen<'a> {
    pub(super) quirks: &'a Quirks,
    pub(super) book: &'a mut TagBook,
    pub(super) rules: Rules,
}

impl Pen<'_> {
    pub(super) fn apply(&mut self, write: &Write, customer: &mut Customer) {
        let mut write = write.clone();
        if self.rules.rewrites {
            write.forget(&self.quirks.never_stored);
        }
        if self.rules.unnamed == Unnamed::Reset {
            self.reset(&write, customer);
        }
        for setting in write.settings {
            self.set(setting, customer);
        }
        if let Some(properties) = write.custom_data {
            self.set_custom_data(properties, customer);
        }
        if let Some(tags) = write.tags {
            self.set_tags(&tags, customer);
        }
    }

    pub(super) fn add_tags(&mut self, tags: &[NamedTag], customer: &mut Customer) {
        for tag in tags {
            let number = self.book.ensure(tag, self.quirks);
            if !customer.tags.contains(&number) {
                customer.tags.push(number);
            }
        }
    }

    pub(super) fn remove_tags(&mut self, tags: &[NamedTag], customer: &mut Customer) {
        for tag in tags {
            if let Some(number) = self.book.find(&tag.name, self.quirks) {
                customer.tags.retain(|other| *other != number);
            }
        }
    }

    /// Sets to null what the write does not name and the server stores.
    fn reset(&self, write: &Write, customer: &mut Customer) {
        let stays = |name: &str| {
            self.quirks.never_stored.iter().any(|other| other == name)
                || write.settings.iter().any(|setting| setting.name() == name)
        };
        for field in Field::ALL.into_iter().filter(|field| !stays(field.name())) {
            match field {
                Field::Text(field) => customer.set_text(field, None),
                Field::Date(field) => customer.set_date(field, None),
                Field::Flag(field) => customer.set_flag(field, false),
            }
        }
        if write.tags.is_none() && !stays("tags") {
            customer.tags.clear();
        }
        if write.custom_data.is_none() && !stays("customData") {
            customer
                .custom_data
                .retain(|name, _| stays(&format!("customData.{name}")));
        }
    }

    fn set(&self, setting: Setting, customer: &mut Customer) {
        match setting {
            Setting::Text(field, value) => {
                let value = self.rewritten(field, value.unwrap_or_default());
                let emptied = self.quirks.emptied_text == EmptiedText::Null && value.is_empty();
                customer.set_text(field, (!emptied).then_some(value));
            }
            Setting::Date(field, value) => customer.set_date(field, value),
            Setting::Flag(field, value) => customer.set_flag(field, value),
            Setting::Place(part, value) => customer.set_place(part, value),
        }
    }

    fn rewritten(&self, field: Text, mut value: String) -> String {
        if !self.rules.rewrites {
            return value;
        }
        if self.quirks.text == TextRewrite::Trimmed {
            value = value.trim().to_owned();
        }
        if field == Text::Phone && self.quirks.phone == PhoneRewrite::Normalised {
            value.retain(|c| c.is_ascii_digit() || c == '+');
        }
        if field == Text::Email && self.quirks.email == EmailRewrite::LowerCased {
            value = value.to_lowercase();
        }
        value
    }

    fn set_custom_data(&self, properties: Option<Vec<(String, Value)>>, customer: &mut Customer) {
        let frozen = |name: &str| self.rules.rewrites && self.never_stores(name);
        let replaces = self.rules.custom_data == CustomDataWrite::Replace;
        if replaces || properties.is_none() {
            customer.custom_data.retain(|name, _| frozen(name));
        }
        for (name, value) in properties.into_iter().flatten() {
            if !self.dropped(&name) {
                self.set_property(name, value, &mut customer.custom_data);
            }
        }
    }

    fn never_stores(&self, property: &str) -> bool {
        let name = format!("customData.{property}");
        self.quirks.never_stored.contains(&name)
    }

    fn dropped(&self, property: &str) -> bool {
        self.quirks.undefined_property == UndefinedProperty::Ignore
            && !self
                .quirks
                .defined_properties
                .iter()
                .any(|defined| defined == property)
    }

    fn set_property(&self, name: String, value: Value, properties: &mut Map<String, Value>) {
        match value {
            Value::Null if self.quirks.cleared_property == ClearedProperty::Absent => {
                properties.remove(&name);
            }
            value => {
                properties.insert(name, self.custom_value(value));
            }
        }
    }

    fn custom_value(&self, value: Value) -> Value {
        match (&value, self.quirks.custom_dates) {
            (Value::String(text), CustomDates::Integer) => {
                timestamp(text).map_or(value, Value::from)
            }
            _ => value,
        }
    }

    fn set_tags(&mut self, tags: &[NamedTag], customer: &mut Customer) {
        match self.rules.tags {
            Tagging::Ignore => return,
            Tagging::Replace => customer.tags.clear(),
            Tagging::Add => {}
        }
        self.add_tags(tags, customer);
    }
}

/// A text of nine or ten digits that starts with no zero reads as a time
/// between 1973 and 2286, as in the documented example; a phone number or a
/// small count does not.
fn timestamp(text: &str) -> Option<i64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let long = (9..=10).contains(&text.len());
    if digits && long && !text.starts_with('0') {
        text.parse().ok()
    } else {
        None
    }
}
