//! A validated write to a customer, and the rules by which it is applied.

use serde_json::Value;

use super::field::{DateField, Field, FlagField, TextField};
use super::quirks::{CustomDataWrite, Quirks, Tagging, Unnamed};
use super::tags::NamedTag;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Setting {
    Text(TextField, Option<String>),
    Date(DateField, Option<i64>),
    Flag(FlagField, bool),
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

/// The contents of a body.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct CustomerWrite {
    pub(super) settings: Vec<Setting>,
    /// `None` if the body does not name tags.
    pub(super) tags: Option<Vec<NamedTag>>,
    /// `None` if the body does not name custom data, `Some(None)` if it clears it.
    pub(super) custom_data: Option<Option<Vec<(String, Value)>>>,
}

impl CustomerWrite {
    pub(super) fn user_id(&self) -> Option<&str> {
        self.settings.iter().find_map(|setting| match setting {
            Setting::Text(TextField::UserId, Some(user_id)) if !user_id.is_empty() => {
                Some(user_id.as_str())
            }
            _ => None,
        })
    }

    /// Drops the members that the server accepts but ignores.
    pub(super) fn drop_members(&mut self, names: &[String]) {
        let is_dropped = |name: &str| names.iter().any(|other| other == name);
        self.settings.retain(|setting| !is_dropped(setting.name()));
        if is_dropped("tags") {
            self.tags = None;
        }
        if is_dropped("customData") {
            self.custom_data = None;
        }
        if let Some(Some(properties)) = &mut self.custom_data {
            properties.retain(|(name, _)| !is_dropped(&format!("customData.{name}")));
        }
    }
}

/// How a write treats the customer's values.
#[derive(Clone, Copy, Debug)]
pub(super) struct ApplyRules {
    pub(super) unnamed: Unnamed,
    pub(super) custom_data: CustomDataWrite,
    pub(super) tags: Tagging,
    /// Whether the server may store something else than what was sent.
    pub(super) rewrites: bool,
    /// Whether it clears the fields of `patch-wipes` that are not named.
    pub(super) wipes: bool,
}

impl ApplyRules {
    pub(super) fn create(quirks: &Quirks) -> Self {
        Self {
            unnamed: Unnamed::Keep,
            custom_data: CustomDataWrite::Merge,
            tags: quirks.create_tags,
            rewrites: true,
            wipes: false,
        }
    }

    pub(super) fn patch(quirks: &Quirks) -> Self {
        Self {
            unnamed: Unnamed::Keep,
            custom_data: quirks.patch_custom_data,
            tags: quirks.patch_tags,
            rewrites: true,
            wipes: true,
        }
    }

    pub(super) fn put(quirks: &Quirks) -> Self {
        Self {
            unnamed: quirks.put_unnamed,
            custom_data: quirks.put_custom_data,
            tags: quirks.put_tags,
            rewrites: true,
            wipes: false,
        }
    }

    pub(super) fn batch(quirks: &Quirks) -> Self {
        Self {
            unnamed: quirks.batch_unnamed,
            custom_data: quirks.batch_custom_data,
            tags: quirks.batch_tags,
            rewrites: true,
            wipes: false,
        }
    }

    /// Values of agents are stored unchanged.
    pub(super) fn agent() -> Self {
        Self {
            unnamed: Unnamed::Keep,
            custom_data: CustomDataWrite::Merge,
            tags: Tagging::Add,
            rewrites: false,
            wipes: false,
        }
    }
}
