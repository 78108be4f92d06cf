//! Writes the rows of a sheet to a temporary file.

use std::fs::File;
use std::io::Seek;

use calamine::DataRef;

use super::sheet_cell::{OTHER, kind, text_of};
use super::sheet_profile::SheetProfile;
use super::workbook::{MAX_COLUMNS, Workbook, WorkbookError};
use super::workbook_bounds::{MAX_CELLS, MAX_TEXT};

/// Writes the rows that are not empty to a temporary file. Returns it with the width of the widest row and the sheet's profile.
pub(super) fn spool_rows(
    workbook: &mut Workbook,
    sheet: &str,
) -> Result<(File, usize, SheetProfile), WorkbookError> {
    let is_1904 = workbook.is_1904();
    let mut cells = workbook.cells(sheet)?;
    let file = tempfile::tempfile().map_err(WorkbookError::Spool)?;
    let mut spool = Spool {
        writer: csv::WriterBuilder::new().flexible(true).from_writer(file),
        width: 0,
        cells: 0,
        bytes: 0,
        looks: SheetProfile::default(),
    };
    let mut row = SpooledRow::default();
    while let Some(cell) = cells.next_cell_with_formula_metadata()? {
        let (number, column) = cell.pos;
        if number != row.number {
            spool.write(&row)?;
            if number < row.number {
                return Err(WorkbookError::Order(number.saturating_add(1)));
            }
            row = SpooledRow {
                number,
                ..SpooledRow::default()
            };
        }
        // The library lets columns of many letters overflow, so the cell could end up anywhere.
        if column as usize >= MAX_COLUMNS {
            return Err(WorkbookError::TooWide(number.saturating_add(1)));
        }
        let lacks_value = cell.formula.is_some() && cell.value == DataRef::Empty;
        let (text, code) = match lacks_value {
            true => (String::new(), Some("no_value")),
            false => text_of(&cell.value, is_1904),
        };
        row.put(column as usize, text, code, kind(&cell.value));
    }
    spool.write(&row)?;
    let (width, looks) = (spool.width, spool.looks);
    let mut file = spool
        .writer
        .into_inner()
        .map_err(|error| WorkbookError::Spool(error.into_error()))?;
    file.rewind().map_err(WorkbookError::Spool)?;
    Ok((file, width, looks))
}

struct Spool {
    writer: csv::Writer<File>,
    width: usize,
    cells: u64,
    bytes: u64,
    looks: SheetProfile,
}

impl Spool {
    fn write(&mut self, row: &SpooledRow) -> Result<(), WorkbookError> {
        if row.texts.is_empty() {
            return Ok(());
        }
        self.width = self.width.max(row.texts.len());
        self.count(row)?;
        self.looks.see(&row.texts, &row.kinds);
        let number = (u64::from(row.number) + 1).to_string();
        let leading = [number, row.notes.clone(), row.kinds.clone()];
        let cells = leading.iter().chain(&row.texts);
        self.writer
            .write_record(cells)
            .map_err(|error| WorkbookError::Spool(error.into()))
    }

    fn count(&mut self, row: &SpooledRow) -> Result<(), WorkbookError> {
        self.cells += row.texts.len() as u64;
        self.bytes += row.texts.iter().map(|text| text.len() as u64).sum::<u64>();
        let excess = match (self.cells > MAX_CELLS, self.bytes > MAX_TEXT) {
            (true, _) => format!("its sheet has more than {MAX_CELLS} cells"),
            (_, true) => format!(
                "the texts of its sheet take more than {} MiB",
                MAX_TEXT >> 20
            ),
            _ => return Ok(()),
        };
        Err(WorkbookError::TooLarge(excess))
    }
}

#[derive(Default)]
struct SpooledRow {
    number: u32,
    notes: String,
    /// A letter for each cell, see [`kind`].
    kinds: String,
    texts: Vec<String>,
}

impl SpooledRow {
    fn put(&mut self, column: usize, text: String, code: Option<&str>, kind: char) {
        if text.is_empty() && code.is_none() {
            return;
        }
        if self.texts.len() <= column {
            self.texts.resize(column + 1, String::new());
            let missing = column - self.kinds.len();
            self.kinds.extend(std::iter::repeat_n(OTHER, missing));
            self.kinds.push(kind);
        }
        if let Some(slot) = self.texts.get_mut(column) {
            *slot = text;
        }
        if let Some(code) = code {
            self.notes.push_str(&format!("{column}:{code} "));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_counted_in_rows_as_wide_as_their_last_cell() {
        let row = SpooledRow {
            texts: vec![String::new(), "x".to_owned()],
            ..SpooledRow::default()
        };
        let spool = |cells, bytes| Spool {
            writer: csv::Writer::from_writer(tempfile::tempfile().unwrap()),
            width: 0,
            cells,
            bytes,
            looks: SheetProfile::default(),
        };
        assert!(spool(MAX_CELLS - 2, MAX_TEXT - 1).write(&row).is_ok());
        for mut spool in [spool(MAX_CELLS - 1, 0), spool(0, MAX_TEXT)] {
            assert!(matches!(spool.write(&row), Err(WorkbookError::TooLarge(_))));
        }
    }
}
