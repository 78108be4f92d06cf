use serde::{Deserialize, Serialize};

use super::ShownChange;
use super::attribute::AttributeChange;

/// Why a value of a row is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftReason {
    /// `overwrite = "if_empty"`, and HelpCrunch has a value.
    IfEmpty,
    /// `overwrite = "if_unedited"`, and HelpCrunch does not have what hcsync wrote last.
    IfUnedited,
    /// A one-way field that is true stays true.
    OneWay,
    /// HelpCrunch kept another value each time this one was written.
    Rewritten,
    /// The account is known to refuse it.
    Refused,
    /// The cell does not fit its type, and `on_invalid = "skip"`.
    Invalid,
    /// The row's cell is empty and keeps what HelpCrunch has, or the row has no such cell.
    NoValue,
}

/// A value that stays as HelpCrunch has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftValue {
    /// Such as `company` or `customData.plan`.
    pub field: String,
    pub reason: LeftReason,
    /// What HelpCrunch had, as reports show it; `None` if that is no value or was not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What the row wants; `None` if that is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wish: Option<String>,
}

impl LeftValue {
    /// A change that is not made.
    pub fn of_change(change: &AttributeChange<'_>, reason: LeftReason) -> Self {
        let ShownChange { field, old, new } = ShownChange::of(change);
        Self {
            field,
            reason,
            before: old,
            wish: new,
        }
    }

    /// A value that was not compared.
    pub fn uncompared(field: impl Into<String>, reason: LeftReason) -> Self {
        Self {
            field: field.into(),
            reason,
            before: None,
            wish: None,
        }
    }
}
