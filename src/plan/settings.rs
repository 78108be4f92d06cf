use std::collections::BTreeMap;

use globset::GlobSet;
use serde::Deserialize;

use crate::domain::{CustomValue, Field, KeyField, Overwrite, TagMode, Value};

use super::LastWritten;

/// `[match]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MatchSettings {
    /// Tried in this order; the first that matches a customer decides.
    pub keys: Vec<KeyField>,
    pub on_ambiguous: OnAmbiguous,
    pub on_conflict: OnConflict,
}

impl Default for MatchSettings {
    fn default() -> Self {
        Self {
            keys: vec![KeyField::UserId, KeyField::Email],
            on_ambiguous: OnAmbiguous::default(),
            on_conflict: OnConflict::default(),
        }
    }
}

/// What to do with a row whose key matches several customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnAmbiguous {
    #[default]
    Reject,
    Skip,
    /// The one with the lowest HelpCrunch id.
    Oldest,
    /// The one with the highest HelpCrunch id.
    Newest,
}

/// What to do with a row whose e-mail belongs to a customer with another userId.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnConflict {
    #[default]
    Reject,
    /// Customers may share e-mails: a row with another userId is another customer.
    Create,
    /// The customer gets the row's userId.
    Update,
}

/// What to do with a second row for the same customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Duplicates {
    #[default]
    Reject,
    First,
    Last,
    /// Merge it into the first row.
    Merge,
}

impl Duplicates {
    /// Whether a later row may change what an earlier one means, so that all rows are decided before the first is compared.
    pub fn depends_on_later_rows(self) -> bool {
        matches!(self, Self::Last | Self::Merge)
    }
}

/// `[sync] mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SyncMode {
    #[default]
    Upsert,
    /// Only create customers.
    Create,
    /// Only update existing customers.
    Update,
}

/// Which attributes the sync manages, and when it overwrites them.
#[derive(Debug, Clone, Default)]
pub struct Ownership {
    pub fields: BTreeMap<Field, Overwrite>,
    pub custom_data: BTreeMap<String, Overwrite>,
    pub tag_mode: TagMode,
    /// Matches the names that `TagMode::Managed` may remove.
    pub managed_tags: GlobSet,
    /// Whether `TagMode::Managed` may remove the tags that hcsync itself added.
    pub managed_ours: bool,
    /// The tag of missing customers. A customer with a row loses it, if hcsync added it.
    pub missing_tag: Option<String>,
}

impl Ownership {
    pub fn field(&self, field: Field) -> Overwrite {
        self.fields.get(&field).copied().unwrap_or_default()
    }

    pub fn property(&self, name: &str) -> Overwrite {
        self.custom_data.get(name).copied().unwrap_or_default()
    }

    /// Whether what may be written depends on what hcsync wrote earlier.
    pub fn needs_history(&self) -> bool {
        let mut overwrites = self.fields.values().chain(self.custom_data.values());
        let removes_ours = self.managed_ours && self.tag_mode == TagMode::Managed;
        removes_ours
            || self.missing_tag.is_some()
            || overwrites.any(|o| *o == Overwrite::IfUnedited)
    }

    /// Whether a field's value in HelpCrunch may be overwritten.
    pub fn can_overwrite(
        &self,
        field: Field,
        remote: Option<&Value>,
        written: &LastWritten,
    ) -> bool {
        allows(self.field(field), remote.is_none(), || {
            written.is_unedited(field, remote)
        })
    }

    /// Whether a property's value in HelpCrunch may be overwritten.
    pub(super) fn can_overwrite_property(
        &self,
        name: &str,
        remote: Option<&CustomValue>,
        written: &LastWritten,
    ) -> bool {
        allows(self.property(name), remote.is_none(), || {
            written.is_property_unedited(name, remote)
        })
    }
}

fn allows(overwrite: Overwrite, is_empty: bool, is_unedited: impl FnOnce() -> bool) -> bool {
    match overwrite {
        Overwrite::Default | Overwrite::Always => true,
        Overwrite::IfEmpty => is_empty,
        Overwrite::IfUnedited => is_unedited(),
    }
}

/// `[safety]`; 0 switches a limit off.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SafetySettings {
    /// Share of matched customers that may be patched or untagged. Its default applies from the account's second run on.
    pub max_change_percent: Option<f64>,
    /// Share of matched customers that may lose a value. Its default applies from the account's second run on.
    pub max_clear_percent: Option<f64>,
    pub min_match_percent: f64,
    pub max_creates: u64,
    /// Share of all rows that may be rejected.
    pub max_rejected_percent: f64,
    /// Share of the last finished run's rows that may be missing, where `[sync] missing` does something about it.
    pub max_missing_percent: f64,
    /// The number of missing customers that this run may delete. Only the command line has it.
    #[serde(skip)]
    pub allow_delete: Option<u64>,
    pub max_failures: u64,
    pub max_consecutive_errors: u64,
    pub tolerated_rows: Tolerance,
}

impl Default for SafetySettings {
    fn default() -> Self {
        Self {
            max_change_percent: None,
            max_clear_percent: None,
            min_match_percent: 50.0,
            max_creates: 0,
            max_rejected_percent: 20.0,
            max_missing_percent: 5.0,
            allow_delete: None,
            max_failures: 100,
            max_consecutive_errors: 0,
            tolerated_rows: Tolerance::Rows(0),
        }
    }
}

/// How many rejected or failed rows still count as success.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    Rows(u64),
    /// Of all rows.
    Percent(f64),
}

impl Tolerance {
    #[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^52")]
    pub fn allows(self, bad: u64, rows: u64) -> bool {
        match self {
            Self::Rows(max) => bad <= max,
            Self::Percent(max) => bad as f64 * 100.0 <= max * rows as f64,
        }
    }
}

impl<'de> Deserialize<'de> for Tolerance {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RowsOrPercent;
        impl serde::de::Visitor<'_> for RowsOrPercent {
            type Value = Tolerance;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number of rows such as 10, or a share such as \"0.1%\"")
            }
            fn visit_u64<E>(self, rows: u64) -> Result<Tolerance, E> {
                Ok(Tolerance::Rows(rows))
            }
            fn visit_i64<E: serde::de::Error>(self, rows: i64) -> Result<Tolerance, E> {
                let rows = u64::try_from(rows);
                rows.map(Tolerance::Rows).map_err(|_| {
                    E::invalid_value(serde::de::Unexpected::Other("a negative number"), &self)
                })
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Tolerance, E> {
                let share = text
                    .trim()
                    .strip_suffix('%')
                    .and_then(|p| p.trim().parse().ok());
                let share = share
                    .filter(|p: &f64| (0.0..=100.0).contains(p))
                    .map(Tolerance::Percent);
                let rows = || text.trim().parse().ok().map(Tolerance::Rows);
                share
                    .or_else(rows)
                    .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(RowsOrPercent)
    }
}
