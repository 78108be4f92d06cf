//! A first look at the inputs: their columns and dialects.

use std::sync::Arc;

use crate::domain::{Columns, RowNumber};
use crate::mapping::TableProfile;
use crate::source::{
    Dialect, InputFile, Reader, Record, SourceError, SourceSettings, scan_columns,
};

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
    let mut profile = TableProfile::for_proposal(Arc::clone(columns));
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
