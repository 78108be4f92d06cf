//! The schema by which the rows of a run are mapped, once it is known in which unit its date columns count.

use std::fmt;
use std::sync::Arc;

use crate::domain::{Row, RowNumber};
use crate::mapping::{Schema, UnitSurvey};
use crate::source::{InputFile, Reader, Record, SourceSettings};

use super::intake::IntakeError;

/// Rows of each input that are looked at before the passes.
const LOOK_AHEAD: u64 = 1000;

/// Rows between two looks at whether the run is to stop.
const STOP_CHECK: u64 = 1024;

/// Completes a schema. The first row with a bare number in a date column has all inputs read through, since their
/// values together decide what such numbers count; inputs without one are read no second time.
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
    #[must_use]
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

    /// The schema that the row is to be mapped by; the rows before it mean the same by it.
    ///
    /// # Errors
    /// When the inputs cannot be read through, or the run is to stop.
    pub fn of(&mut self, row: &Row) -> Result<&Arc<Schema>, IntakeError> {
        if self.schema.awaits_units(row) {
            let survey = self.survey()?;
            Arc::make_mut(&mut self.schema).decide_units(&survey);
        }
        Ok(&self.schema)
    }

    /// The schema as far as it is known.
    #[must_use]
    pub fn so_far(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Completes the schema ahead of all passes, if one of the first rows asks for it: else each pass would read the inputs
    /// through once more. `limit`: of the rows of the run.
    ///
    /// # Errors
    /// When the inputs cannot be read through, or the run is to stop.
    pub fn look_ahead(mut self, limit: Option<u64>) -> Result<Arc<Schema>, IntakeError> {
        let rows = limit.unwrap_or(LOOK_AHEAD).min(LOOK_AHEAD);
        for (source, input) in self.inputs.iter().enumerate() {
            let source = u16::try_from(source).unwrap_or(u16::MAX);
            let mut reader = Reader::open(input, self.settings, source, RowNumber(1))?;
            for _ in 0..rows {
                let Some(record) = reader.next_record()? else {
                    break;
                };
                if let Record::Row(row) = record {
                    let _ = self.of(&row)?;
                }
            }
        }
        Ok(self.schema)
    }

    /// All rows, also those beyond `--limit`: a try with a few rows reads them as the whole run will.
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
