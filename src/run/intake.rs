//! Takes the inputs in: each row is read and mapped.

use std::sync::Arc;

use crate::domain::{Columns, Row, RowKey, RowNumber};
use crate::mapping::{BlamedCell, MappedRow, Schema, UnitSurvey};
use crate::plan::codec::PlanInput;
use crate::plan::{LeftReason, LeftValue};
use crate::source::{InputFile, Reader, Record, SourceSettings};

pub use super::figures::MappingFigures;
pub use super::intake_error::IntakeError;
use super::rows::RowRecord;
use super::schema_of_rows::SchemaOfRows;
pub use super::survey::{Survey, profile, survey};

/// What was taken in.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    pub rows: u64,
    pub bytes: u64,
    pub inputs: Vec<PlanInput>,
    pub figures: MappingFigures,
    /// Rows that were passed over because all their cells are blank.
    pub blank_rows: u64,
    /// What the rows say of the units of date columns, where the schema's units are provisional.
    pub units: UnitSurvey,
}

impl Taken {
    /// What the preview and a check say of rows without content.
    #[must_use]
    pub fn blank_rows_note(&self) -> Option<String> {
        let rows = self.blank_rows;
        (rows > 0).then(|| format!("rows skipped because all their cells are blank: {rows}"))
    }

    /// What the preview and a check say of control characters.
    #[must_use]
    pub fn control_note(&self) -> Option<String> {
        let texts = self.figures.control_texts;
        (texts > 0).then(|| {
            format!(
                "values with control characters (such as NUL), which are sent as they are: {texts}"
            )
        })
    }

    /// What the preview and a check say of rows that `[rows] where` leaves out.
    #[must_use]
    pub fn filtered_note(&self) -> Option<String> {
        let rows = self.figures.filtered_rows;
        (rows > 0).then(|| format!("rows skipped because rows.where leaves them out: {rows}"))
    }

    /// What a check says of values that are left out; a preview lists them.
    #[must_use]
    pub fn left_out_note(&self) -> Option<String> {
        let rows = self.figures.left_out.iter();
        let rows: Vec<_> = rows
            .map(|(name, rows)| format!("`{name}` {rows}"))
            .collect();
        (!rows.is_empty()).then(|| {
            format!(
                "values that do not fit and are left out, in rows: {}",
                rows.join(", ")
            )
        })
    }
}

/// How the rows are taken in.
#[derive(Debug)]
pub struct Intake<'a> {
    pub inputs: &'a [InputFile],
    pub settings: &'a SourceSettings,
    pub schema: &'a Schema,
    /// What the schema was made for.
    pub survey: &'a Survey,
    /// The first rows only.
    pub limit: Option<u64>,
}

/// Rows between two looks at whether the run is to stop.
const STOP_CHECK: u64 = 1024;

impl Intake<'_> {
    /// Reads all records, and gives each with the schema that it is to be mapped by. The figures of the mapping are left
    /// empty.
    ///
    /// # Errors
    /// If an input cannot be read any further or `each` fails.
    pub(super) fn read(
        &self,
        stopped: &dyn Fn() -> bool,
        mut each: impl FnMut(Record, &Arc<Schema>) -> Result<(), IntakeError>,
    ) -> Result<Taken, IntakeError> {
        let mut taken = Taken::default();
        let mut schema = SchemaOfRows::new(self.schema, self.inputs, self.settings, stopped);
        for (source, input) in self.inputs.iter().enumerate() {
            let source = u16::try_from(source).unwrap_or(u16::MAX);
            let mut reader = Reader::open(input, self.settings, source, RowNumber(taken.rows + 1))?;
            self.check_columns(source, input, &reader)?;
            let before = taken.rows;
            while self.limit.is_none_or(|limit| taken.rows < limit) {
                if taken.rows.is_multiple_of(STOP_CHECK) && stopped() {
                    return Err(IntakeError::Stopped);
                }
                let Some(record) = reader.next_record()? else {
                    break;
                };
                taken.rows += 1;
                let schema = match &record {
                    Record::Row(row) => schema.of(row)?,
                    Record::Bad(_) => schema.so_far(),
                };
                each(record, schema)?;
            }
            taken.blank_rows += reader.blank_rows();
            let provenance = reader.provenance()?;
            taken.bytes += provenance.bytes;
            let rows = taken.rows - before;
            taken.inputs.push(PlanInput {
                path: input.name.clone(),
                sha256: provenance.sha256,
                rows,
            });
        }
        Ok(taken)
    }

    /// Cells of a table are found by their places, which a file that was replaced meanwhile may have moved.
    fn check_columns(
        &self,
        source: u16,
        input: &InputFile,
        reader: &Reader,
    ) -> Result<(), IntakeError> {
        let expected = self.survey.columns.get(usize::from(source));
        let is_table = reader.dialect().format.is_table();
        let is_other = |columns: &Arc<Columns>| columns.names() != reader.columns().names();
        if is_table && expected.is_some_and(is_other) {
            let name = input.name.clone();
            return Err(IntakeError::Changed { name });
        }
        Ok(())
    }
}

/// What a record says, and the cells that are wrong.
pub(super) fn map_record(
    record: Record,
    schema: &Schema,
    figures: &mut MappingFigures,
) -> (RowRecord, Vec<BlamedCell>) {
    let row = match record {
        Record::Bad(bad) => {
            let key = RowKey::default();
            let record = RowRecord::rejected(bad.position, bad.raw, key, bad.issues);
            return (record, Vec::new());
        }
        Record::Row(row) => row,
    };
    let mapped = schema.map(&row);
    figures.see(&mapped);
    let mapped = mapped.into_owned();
    record_of(row, mapped)
}

/// The record of a row, and the cells that are wrong.
pub(super) fn record_of(row: Row, mapped: MappedRow) -> (RowRecord, Vec<BlamedCell>) {
    let position = row.position;
    if mapped.is_filtered {
        return (RowRecord::skipped(position), Vec::new());
    }
    let Some(desired) = mapped.desired else {
        let key = mapped.rejected_key;
        let record = RowRecord::rejected(position, row.into_raw(), key, mapped.issues);
        return (record, mapped.cells);
    };
    let mut record = RowRecord::read(position, row.into_raw(), desired);
    for omitted in mapped.left_out {
        let left = LeftValue::uncompared(omitted.attribute, LeftReason::Invalid);
        record.left.push(left);
        record.warnings.push(omitted.issue);
    }
    (record, mapped.cells)
}
