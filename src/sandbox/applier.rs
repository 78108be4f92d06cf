//! Applies writes to customers.

use serde_json::{Map, Value};

use super::customer::Customer;
use super::field::{Field, TextField};
use super::quirks::{
    ClearedProperty, CustomDataWrite, CustomDates, EmailRewrite, EmptiedText, PhoneRewrite, Quirks,
    Tagging, TextRewrite, UndefinedProperty, Unnamed,
};
use super::tags::{NamedTag, TagBook};
use super::write::{ApplyRules, CustomerWrite, Setting};

/// Applies writes to customers of one account.
#[derive(Debug)]
pub(super) struct Applier<'a> {
    pub(super) quirks: &'a Quirks,
    pub(super) book: &'a mut TagBook,
    pub(super) rules: ApplyRules,
}

impl Applier<'_> {
    pub(super) fn apply(&mut self, write: &CustomerWrite, customer: &mut Customer) {
        let mut write = write.clone();
        if self.rules.rewrites {
            write.drop_members(&self.quirks.never_stored);
        }
        if self.rules.unnamed == Unnamed::Reset {
            self.reset(&write, customer);
        }
        if self.rules.wipes {
            self.wipe(&write, customer);
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

    /// Resets what the write does not name, except what the server never stores.
    fn reset(&self, write: &CustomerWrite, customer: &mut Customer) {
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

    /// Clears the fields of `patch-wipes` that the write does not name.
    fn wipe(&self, write: &CustomerWrite, customer: &mut Customer) {
        let wiped = self.quirks.patch_wipes.iter();
        for field in wiped.filter_map(|name| Field::named(name)) {
            let is_named = write.settings.iter().any(|s| s.name() == field.name());
            if let (Field::Text(field), false) = (field, is_named) {
                customer.set_text(field, None);
            }
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

    fn rewritten(&self, field: TextField, mut value: String) -> String {
        if !self.rules.rewrites {
            return value;
        }
        if self.quirks.text == TextRewrite::Trimmed {
            value = value.trim().to_owned();
        }
        if field == TextField::Phone && self.quirks.phone == PhoneRewrite::Normalised {
            value.retain(|c| c.is_ascii_digit() || c == '+');
        }
        if field == TextField::Email && self.quirks.email == EmailRewrite::LowerCased {
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

/// Reads a text of nine or ten digits without a leading zero as a time between 1973 and 2286, as in the documented
/// example. Other numbers may be phone numbers or counts.
fn timestamp(text: &str) -> Option<i64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let long = (9..=10).contains(&text.len());
    if digits && long && !text.starts_with('0') {
        text.parse().ok()
    } else {
        None
    }
}
