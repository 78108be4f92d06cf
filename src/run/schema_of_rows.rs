//! Completes the schema of a run with the units of its date columns.

use std::fmt;
use std::sync::Arc;

use crate::domain::{Row, RowNumber};
use crate::mapping::{Schema, UnitSurvey};
use crate::source::{InputFile, Reader, Record, SourceSettings};

use super::intake_error::IntakeError;

/// Rows of each input that are read before the passes.
const LOOK_AHEAD: u64 = 1000;

/// Rows between two checks whether the run is to stop.
const STOP_CHECK: u64 = 1024;

/// Completes a schema. The first row with a bare number in a date column makes it read all inputs, since the unit of such
/// numbers depends on all values. Inputs without one are not read a second time.
pub struct SchemaOfRows<'a> {
    schema: Arc<Schema>,
    inputs: &'a [InputFile],
    settings: &'a SourceSettings,
    stopped: &'a dyn Fn() -> bool,
}

impl fmt::Debug for SchemaOfRows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SchemaOfRows").finish_non_exhaustive()
    }
}

impl<'a> SchemaOfRows<'a> {
    pub fn new(
        schema: &Schema,
        inputs: &'a [InputFile],
        settings: &'a SourceSettings,
        stopped: &'a dyn Fn() -> bool,
    ) -> Self {
        Self {
            schema: Arc::new(schema.clone()),
            inputs,
            settings,
            stopped,
        }
    }

    /// Returns the schema to map the row by. It maps the rows before it in the same way.
    ///
    /// # Errors
    /// When an input cannot be read, or the run is to stop.
    pub fn of(&mut self, row: &Row) -> Result<&Arc<Schema>, IntakeError> {
        if self.schema.awaits_units(row) {
            let survey = self.survey()?;
            Arc::make_mut(&mut self.schema).decide_units(&survey);
        }
        Ok(&self.schema)
    }

    /// Returns the schema as far as it is known.
    pub fn so_far(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Completes the schema before all passes if one of the first rows needs it: otherwise each pass would read the inputs
    /// once more. Without a limit the units are provisional: a pass that surveys all rows has to confirm them.
    ///
    /// # Errors
    /// When an input cannot be read, or the run is to stop.
    pub fn look_ahead(mut self, limit: Option<u64>) -> Result<Arc<Schema>, IntakeError> {
        let rows = limit.unwrap_or(LOOK_AHEAD).min(LOOK_AHEAD);
        let mut first = UnitSurvey::default();
        let mut awaits_units = false;
        for (source, input) in self.inputs.iter().enumerate() {
            let source = u16::try_from(source).unwrap_or(u16::MAX);
            let mut reader = Reader::open(input, self.settings, source, RowNumber(1))?;
            for _ in 0..rows {
                let Some(record) = reader.next_record()? else {
                    break;
                };
                if let Record::Row(row) = record {
                    awaits_units |= self.schema.awaits_units(&row);
                    first.see(&self.schema, &row);
                }
            }
        }
        if awaits_units && limit.is_none() {
            Arc::make_mut(&mut self.schema).assume_units(&first);
        } else if awaits_units {
            let survey = self.survey()?;
            Arc::make_mut(&mut self.schema).decide_units(&survey);
        }
        Ok(self.schema)
    }

    /// Surveys all rows, also those beyond `--limit`, so that a trial with a few rows maps them as the whole run will.
    fn survey(&self) -> Result<UnitSurvey, IntakeError> {
        let mut survey = UnitSurvey::default();
        let mut rows = 0_u64;
        for (source, input) in self.inputs.iter().enumerate() {
            let source = u16::try_from(source).unwrap_or(u16::MAX);
            let mut reader = Reader::open(input, self.settings, source, RowNumber(1))?;
            while let Some(record) = reader.next_record()? {
                rows += 1;
                if rows.is_multiple_of(STOP_CHECK) && (self.stopped)() {
                    return Err(IntakeError::Stopped);
                }
                if let Record::Row(row) = record {
                    survey.see(&self.schema, &row);
                }
            }
        }
        Ok(survey)
    }
}
