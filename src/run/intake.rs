//! Takes the inputs in: each row is read and mapped.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use crate::domain::{
    Columns, CustomValue, DesiredCustomer, Repairs, Row, RowKey, RowNumber, Value,
};
use crate::mapping::{BlamedCell, Mapped, Schema, TableProfile};
use crate::plan::codec::PlanInput;
use crate::source::{
    Dialect, InputFile, Reader, Record, SourceError, SourceSettings, scan_columns,
};

use super::rows::RowRecord;
use super::schema_of_rows::SchemaOfRows;

/// Why inputs cannot be taken in.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("the run's files cannot be written")]
    Spool(#[from] io::Error),
    #[error("the run was stopped")]
    Stopped,
    #[error(
        "{name}: the file has other columns than when it was opened a moment ago; nothing was sent. Run the command again once nobody writes to it"
    )]
    Changed { name: String },
}

/// What an input looks like before its rows are read.
#[derive(Debug, Clone)]
pub struct Survey {
    pub columns: Vec<Arc<Columns>>,
    pub dialects: Vec<Dialect>,
    /// Of each input the line on which its header seems to stand, where that is not the one that was read.
    pub headers_below: Vec<Option<u64>>,
    /// What was decided on grounds that a user should see.
    pub notes: Vec<String>,
}

/// Looks at the inputs: their columns and dialects.
///
/// # Errors
/// When an input cannot be read at all.
pub fn survey(inputs: &[InputFile], settings: &SourceSettings) -> Result<Survey, SourceError> {
    let mut survey = Survey {
        columns: Vec::new(),
        dialects: Vec::new(),
        headers_below: Vec::new(),
        notes: Vec::new(),
    };
    for input in inputs {
        let reader = Reader::open(input, settings, 0, RowNumber(1))?;
        let columns = if reader.dialect().format.is_table() {
            Arc::clone(reader.columns())
        } else {
            scan_columns(input, settings)?
        };
        survey.columns.push(columns);
        survey.dialects.push(reader.dialect().clone());
        survey.headers_below.push(reader.header_below());
        survey.notes.extend(
            reader
                .notes()
                .iter()
                .map(|note| format!("{}: {note}", input.name)),
        );
    }
    Ok(survey)
}

/// What the columns of an input hold, and how many records that was learned from: all, or the first `limit`.
///
/// # Errors
/// If the input cannot be read.
pub fn profile(
    input: &InputFile,
    settings: &SourceSettings,
    columns: &Arc<Columns>,
    limit: Option<u64>,
) -> Result<(TableProfile, u64), SourceError> {
    let mut profile = TableProfile::new(Arc::clone(columns), &[]);
    let mut reader = Reader::open(input, settings, 0, RowNumber(1))?;
    let mut rows = 0;
    while limit.is_none_or(|limit| rows < limit) {
        let Some(record) = reader.next_record()? else {
            break;
        };
        rows += 1;
        if let Record::Row(row) = record {
            profile.see(&row);
        }
    }
    Ok((profile, rows))
}

/// What was taken in.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    pub rows: u64,
    pub bytes: u64,
    pub inputs: Vec<PlanInput>,
    pub figures: MappingFigures,
    /// Rows that were passed over because all their cells are blank.
    pub blank_rows: u64,
}

/// What the mapping of rows adds up to.
#[derive(Debug, Clone, Default)]
pub struct MappingFigures {
    /// Texts that hold control characters other than tabs and line ends; they are sent as they are.
    pub control_texts: u64,
    /// Damaged cells that were put right, in rows that are not rejected.
    pub repairs: Repairs,
    /// Attributes whose value does not fit and is left out of its row, with the number of rows.
    pub left_out: BTreeMap<String, u64>,
}

impl MappingFigures {
    /// Adds those of other rows.
    pub(super) fn add(&mut self, other: Self) {
        self.control_texts += other.control_texts;
        self.repairs.add(other.repairs);
        for (attribute, rows) in other.left_out {
            *self.left_out.entry(attribute).or_default() += rows;
        }
    }
}

/// Takes the rows of the inputs in their order.
pub trait RowSink {
    /// A row as it was read, before anything is made of it. Records that cannot be read are left out.
    fn read(&mut self, _row: &Row) {}

    /// What the record says, and the cells that are wrong.
    ///
    /// # Errors
    /// If it cannot be stored.
    fn take(&mut self, record: RowRecord, bad_cells: Vec<BlamedCell>) -> io::Result<()>;
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

impl Taken {
    /// What the preview and a check say of rows without content.
    #[must_use]
    pub fn blank_rows_note(&self) -> Option<String> {
        let rows = self.blank_rows;
        (rows > 0).then(|| format!("rows passed over because all their cells are blank: {rows}"))
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

impl Intake<'_> {
    /// Reads and maps all rows, one after the other, into the sink.
    ///
    /// # Errors
    /// If an input cannot be read any further or the sink fails.
    pub fn take(
        &self,
        sink: &mut impl RowSink,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Taken, IntakeError> {
        let mut figures = MappingFigures::default();
        let mut taken = self.read(stopped, |record, schema| {
            if let Record::Row(row) = &record {
                sink.read(row);
            }
            let (record, bad_cells) = map_record(record, schema, &mut figures);
            Ok(sink.take(record, bad_cells)?)
        })?;
        taken.figures = figures;
        Ok(taken)
    }

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
    let Mapped {
        desired,
        issues,
        cells,
        rejected_key,
        repairs,
        left_out,
    } = schema.map(&row);
    let Some(desired) = desired else {
        let record = RowRecord::rejected(row.position, row.raw, rejected_key, issues);
        return (record, cells);
    };
    figures.control_texts += control_texts(&desired);
    figures.repairs.add(repairs);
    let mut record = RowRecord::read(row.position, row.raw, desired);
    for left in left_out {
        *figures.left_out.entry(left.attribute).or_default() += 1;
        record.warnings.push(left.issue);
    }
    (record, cells)
}

/// How many of a row's texts hold control characters other than tabs and line ends.
fn control_texts(desired: &DesiredCustomer) -> u64 {
    // Most texts have no byte of any control character.
    let may_be_odd = |byte: u8| byte < b' ' || byte == 0x7f || byte == 0xc2;
    let is_odd = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    let is_odd = |text: &&str| text.bytes().any(may_be_odd) && text.contains(is_odd);
    let fields = desired.fields.iter().filter_map(|(_, wish)| wish.value());
    let fields = fields.filter_map(Value::as_text);
    let properties = desired
        .custom_data
        .iter()
        .filter_map(|(_, wish)| wish.value());
    let properties = properties.filter_map(|value| match value {
        CustomValue::Text(text) => Some(text.as_str()),
        CustomValue::Number(_) | CustomValue::Bool(_) | CustomValue::Date(_) => None,
    });
    let tags = desired.tags.add.iter().map(|tag| tag.name.as_str());
    let odd = fields.chain(properties).chain(tags).filter(is_odd);
    odd.count() as u64
}
