//! A customer as the server stores it.

use serde_json::{Map, Value, json};

use super::field::{DateField, FlagField, TextField};
use super::view::no_location;

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
    /// Members that the documentation does not describe, as they were given, and `location` and `device` if known.
    pub(super) rest: Option<Box<Map<String, Value>>>,
    /// Numbers in the account's [`TagBook`](super::tags::TagBook).
    pub(super) tags: Vec<usize>,
    pub(super) custom_data: Map<String, Value>,
    /// When it was last written, in milliseconds since the server was created. `None` for initial customers.
    changed_ms: Option<u64>,
    /// The version before that, for views that lag behind.
    former: Option<Box<Customer>>,
}

impl Customer {
    pub(super) fn new(id: u64) -> Self {
        Self {
            id,
            ..Self::default()
        }
    }

    pub(super) fn text(&self, field: TextField) -> Option<&str> {
        match field {
            TextField::Name => &self.name,
            TextField::Email => &self.email,
            TextField::UserId => &self.user_id,
            TextField::Company => &self.company,
            TextField::Phone => &self.phone,
            TextField::Source => &self.source,
            TextField::Referer => &self.referer,
            TextField::LastPage => &self.last_page,
            TextField::Locale => &self.locale,
            TextField::Notes => &self.notes,
            TextField::CreatedFrom => &self.created_from,
            TextField::IntegrationId => &self.integration_id,
        }
        .as_deref()
    }

    pub(super) fn set_text(&mut self, field: TextField, value: Option<String>) {
        let slot = match field {
            TextField::Name => &mut self.name,
            TextField::Email => &mut self.email,
            TextField::UserId => &mut self.user_id,
            TextField::Company => &mut self.company,
            TextField::Phone => &mut self.phone,
            TextField::Source => &mut self.source,
            TextField::Referer => &mut self.referer,
            TextField::LastPage => &mut self.last_page,
            TextField::Locale => &mut self.locale,
            TextField::Notes => &mut self.notes,
            TextField::CreatedFrom => &mut self.created_from,
            TextField::IntegrationId => &mut self.integration_id,
        };
        *slot = value.map(String::into_boxed_str);
    }

    pub(super) fn date(&self, field: DateField) -> Option<i64> {
        match field {
            DateField::FirstSeen => self.first_seen,
            DateField::LastSeen => self.last_seen,
        }
    }

    pub(super) fn set_date(&mut self, field: DateField, value: Option<i64>) {
        match field {
            DateField::FirstSeen => self.first_seen = value,
            DateField::LastSeen => self.last_seen = value,
        }
    }

    pub(super) fn flag(&self, field: FlagField) -> bool {
        match field {
            FlagField::Unsubscribed => self.unsubscribed,
            FlagField::Blocked => self.blocked,
        }
    }

    pub(super) fn set_flag(&mut self, field: FlagField, value: bool) {
        match field {
            FlagField::Unsubscribed => self.unsubscribed = value,
            FlagField::Blocked => self.blocked = value,
        }
    }

    /// Returns a part of `location`.
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

    /// Marks the customer as written now. `before` is the version before, if any.
    pub(super) fn mark_written(&mut self, before: Option<&Self>, now_ms: u64) {
        self.changed_ms = Some(now_ms);
        self.former = before.cloned().map(Box::new);
    }

    /// Returns the version that a view with this lag shows, or `None` if the customer was created since.
    pub(super) fn version_at(&self, now_ms: u64, lag_ms: u64) -> Option<&Self> {
        let mut version = self;
        while version
            .changed_ms
            .is_some_and(|changed| changed.saturating_add(lag_ms) > now_ms)
        {
            version = version.former.as_deref()?;
        }
        Some(version)
    }

    /// Drops the versions that no view with at most this lag shows any more.
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
}
