use std::collections::BTreeMap;

use globset::GlobSet;
use serde::Deserialize;

use crate::domain::{CustomValue, Field, KeyField, Overwrite, TagMode, Value};

use super::Written;

/// `[match]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MatchSettings {
    /// Tried in this order; the first that finds a customer decides.
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

/// What becomes of a row whose key finds several customers.
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

/// What becomes of a row whose e-mail belongs to a customer with another userId.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnConflict {
    #[default]
    Reject,
    /// E-mails may be shared: a row with its own userId is a customer of its own.
    Create,
}

/// What becomes of a second row for the same customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Duplicates {
    #[default]
    Reject,
    First,
    Last,
    /// It is merged into the first.
    Merge,
}

/// `[sync] mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SyncMode {
    #[default]
    Upsert,
    /// Only customers that are not there yet.
    Create,
    /// Only customers that are there.
    Update,
}

/// What of a customer belongs to this sync, and how firmly.
#[derive(Debug, Clone, Default)]
pub struct Ownership {
    pub fields: BTreeMap<Field, Overwrite>,
    pub custom_data: BTreeMap<String, Overwrite>,
    pub tag_mode: TagMode,
    /// Matches the names that `TagMode::Managed` may remove.
    pub managed_tags: GlobSet,
    /// Whether `TagMode::Managed` may remove the tags that hcsync itself added.
    pub managed_ours: bool,
}

impl Ownership {
    #[must_use]
    pub fn field(&self, field: Field) -> Overwrite {
        self.fields.get(&field).copied().unwrap_or_default()
    }

    #[must_use]
    pub fn property(&self, name: &str) -> Overwrite {
        self.custom_data.get(name).copied().unwrap_or_default()
    }

    /// Whether what may be written depends on what hcsync wrote before.
    #[must_use]
    pub fn looks_back(&self) -> bool {
        let mut overwrites = self.fields.values().chain(self.custom_data.values());
        let removes_ours = self.managed_ours && self.tag_mode == TagMode::Managed;
        removes_ours || overwrites.any(|o| *o == Overwrite::IfUnedited)
    }

    /// Whether a field may be written over what HelpCrunch has.
    #[must_use]
    pub fn may_write(&self, field: Field, theirs: Option<&Value>, written: &Written) -> bool {
        match self.field(field) {
            Overwrite::Default | Overwrite::Always => true,
            Overwrite::IfEmpty => theirs.is_none(),
            Overwrite::IfUnedited => written.is_unedited(field, theirs),
        }
    }

    /// Whether a property may be written over what HelpCrunch has.
    #[must_use]
    pub fn may_write_property(
        &self,
        name: &str,
        theirs: Option<&CustomValue>,
        written: &Written,
    ) -> bool {
        match self.property(name) {
            Overwrite::Default | Overwrite::Always => true,
            Overwrite::IfEmpty => theirs.is_none(),
            Overwrite::IfUnedited => written.is_property_unedited(name, theirs),
        }
    }
}

/// `[safety]`; 0 switches a limit off.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SafetySettings {
    /// Of the matched customers, patched or untagged. As a default it guards from an account's second finished
    /// run on; set, always.
    pub max_change_percent: Option<f64>,
    /// Of the matched customers, losing a value that they have; likewise.
    pub max_clear_percent: Option<f64>,
    pub min_match_percent: f64,
    pub max_creates: u64,
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
            max_failures: 100,
            max_consecutive_errors: 0,
            tolerated_rows: Tolerance::Rows(0),
        }
    }
}

/// So many rejected or failed rows are still a success.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    Rows(u64),
    /// Of all rows of the input.
    Percent(f64),
}

impl Tolerance {
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^52")]
    pub fn allows(self, bad: u64, rows: u64) -> bool {
        match self {
            Self::Rows(most) => bad <= most,
            Self::Percent(most) => bad as f64 * 100.0 <= most * rows as f64,
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
