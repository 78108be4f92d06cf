use std::borrow::Cow;

use super::Repair;
use super::damage::{self, IdentifierKind};
use super::damage_words::is_spreadsheet_error;
use super::invalid_value::InvalidValue;
use super::source_value::{NullPolicy, Scalar, SourceValue};
use crate::domain::{Cell, Repairs};

/// Checks the cells of a row for damage, and repairs them if the config says so. All values pass it before they are read.
#[derive(Debug)]
pub(super) struct Inspector<'s> {
    null_policy: &'s NullPolicy,
    repair: Repair,
    /// The repairs made so far.
    pub(super) repairs: Repairs,
}

impl<'s> Inspector<'s> {
    pub(super) fn new(null_policy: &'s NullPolicy, repair: Repair) -> Self {
        Self {
            null_policy,
            repair,
            repairs: Repairs::default(),
        }
    }

    /// Whether an empty cell clears the value.
    pub(super) fn empty_clears(&self) -> bool {
        self.null_policy.clears
    }

    pub(super) fn value<'c>(&self, cell: Option<Cell<'c>>) -> SourceValue<'c> {
        self.null_policy.value(cell)
    }

    /// Returns the value if it is sound, or repaired if the config says so. Every text is checked for spreadsheet errors, and
    /// identifiers for all kinds of damage.
    pub(super) fn sound<'c>(
        &mut self,
        value: SourceValue<'c>,
        identifier: Option<IdentifierKind>,
    ) -> Result<SourceValue<'c>, InvalidValue> {
        self.check(value, identifier, false)
    }

    /// The same for a part of a template, where a placeholder is always an error: without that part the template would
    /// produce a different identifier.
    pub(super) fn sound_part<'c>(
        &mut self,
        value: SourceValue<'c>,
        identifier: Option<IdentifierKind>,
    ) -> Result<SourceValue<'c>, InvalidValue> {
        self.check(value, identifier, true)
    }

    fn check<'c>(
        &mut self,
        value: SourceValue<'c>,
        identifier: Option<IdentifierKind>,
        is_part: bool,
    ) -> Result<SourceValue<'c>, InvalidValue> {
        let SourceValue::Scalar(scalar) = &value else {
            return Ok(value);
        };
        let damaged = match (scalar, identifier) {
            // Texts of JSON and numbers of workbooks have a type already: they are what they seem.
            (Scalar::Native(_) | Scalar::Digits(_), None) => return Ok(value),
            (Scalar::Text(text), None) => {
                return match is_spreadsheet_error(text) {
                    true => Err(spreadsheet_error()),
                    false => Ok(value),
                };
            }
            (
                Scalar::Text(text) | Scalar::Native(text) | Scalar::Digits(text),
                Some(identifier),
            ) => damage::examine(text, identifier),
            (Scalar::Number(number), Some(identifier)) if number.is_f64() => {
                Some(damage::examine_float(&number.to_string(), identifier))
            }
            (Scalar::Number(_) | Scalar::Bool(_), _) => None,
        };
        let Some(damaged) = damaged else {
            return Ok(value);
        };
        match &damaged.fixed {
            Some(fixed) if self.repair == Repair::Fix && !(is_part && fixed.is_empty()) => {
                self.repairs.add(damaged.repairs);
                Ok(match self.null_policy.is_empty(fixed) {
                    true => SourceValue::Empty,
                    false => SourceValue::Scalar(Scalar::Native(Cow::Owned(fixed.clone()))),
                })
            }
            _ => Err(damaged.to_invalid_value(&scalar.to_text(), is_part)),
        }
    }
}

fn spreadsheet_error() -> InvalidValue {
    InvalidValue::new("cell_error", "is a spreadsheet error, such as of a formula")
        .advice("correct the cell in its source, or list its text under `null_values` in [input]")
}
