use std::borrow::Cow;

use super::Repair;
use super::damage::{self, Identifier};
use super::given::{Emptiness, Given, Scalar};
use super::problem::Problem;
use crate::domain::{Cell, Repairs};

/// Takes the cells of a row and looks for damage: the one way by which cells reach the readers of their types.
#[derive(Debug)]
pub(super) struct Inspector<'s> {
    emptiness: &'s Emptiness,
    repair: Repair,
    /// What was put right so far.
    pub(super) repairs: Repairs,
}

impl<'s> Inspector<'s> {
    pub(super) fn new(emptiness: &'s Emptiness, repair: Repair) -> Self {
        Self {
            emptiness,
            repair,
            repairs: Repairs::default(),
        }
    }

    /// Whether an empty cell says that there is no value.
    pub(super) fn empty_clears(&self) -> bool {
        self.emptiness.clears
    }

    pub(super) fn given<'c>(&self, cell: Option<Cell<'c>>) -> Given<'c> {
        self.emptiness.given(cell)
    }

    /// The value if it is sound, or put right where the config asks for that.
    ///
    /// # Errors
    /// If it is damaged: any value may be an error of a spreadsheet, one of an identifier has more ways.
    pub(super) fn sound<'c>(
        &mut self,
        given: Given<'c>,
        identifier: Option<Identifier>,
    ) -> Result<Given<'c>, Problem> {
        self.checked(given, identifier, false)
    }

    /// The same for a part of a template, where a placeholder has no one meaning: without its value the template would
    /// make another identifier.
    pub(super) fn sound_part<'c>(
        &mut self,
        given: Given<'c>,
        identifier: Option<Identifier>,
    ) -> Result<Given<'c>, Problem> {
        self.checked(given, identifier, true)
    }

    fn checked<'c>(
        &mut self,
        given: Given<'c>,
        identifier: Option<Identifier>,
        is_part: bool,
    ) -> Result<Given<'c>, Problem> {
        let Given::Scalar(scalar) = &given else {
            return Ok(given);
        };
        let damaged = match (scalar, identifier) {
            // A text of JSON and a number of a workbook were written as such: they mean themselves.
            (Scalar::Native(_) | Scalar::Digits(_), None) => return Ok(given),
            (Scalar::Text(text), None) => {
                return match damage::is_spreadsheet_error(text.trim()) {
                    true => Err(spreadsheet_error()),
                    false => Ok(given),
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
            return Ok(given);
        };
        match &damaged.fixed {
            Some(fixed) if self.repair == Repair::Fix && !(is_part && fixed.is_empty()) => {
                self.repairs.add(damaged.repairs);
                Ok(match self.emptiness.is_empty(fixed) {
                    true => Given::Empty,
                    false => Given::Scalar(Scalar::Native(Cow::Owned(fixed.clone()))),
                })
            }
            _ => Err(damaged.problem(&scalar.to_text(), is_part)),
        }
    }
}

fn spreadsheet_error() -> Problem {
    Problem::new(
        "cell_error",
        "is an error of a spreadsheet, such as of a formula",
    )
    .advice("correct the cell in its source, or list its text under `null_values` in [input]")
}
