use std::fs::File;
use std::io::{self, BufReader, Seek, Write};

use calamine::{DataRef, Reader as _, SheetType, SheetVisible, Xlsx, XlsxCellReader, XlsxError};

use super::error::SourceError;
use super::open::{InputFile, unpack};
use super::window::Window;
use super::workbook_bounds::{BOUNDS, BoundsError, MAX_FILE};

/// The number of columns that a sheet can have.
pub(super) const MAX_COLUMNS: usize = 16_384;

/// A workbook in a temporary file that disappears with the process, because it can only be read by seeking.
pub(super) struct Workbook(Xlsx<BufReader<File>>);

/// Errors of opening a workbook or a sheet; the caller adds the input's name.
pub(super) enum WorkbookError {
    Read(io::Error),
    Workbook(XlsxError),
    NoSheet(String, Vec<String>),
    Spool(io::Error),
    /// The row, from 1, that is out of order, or that has a cell beyond the last column.
    Order(u32),
    TooWide(u32),
    /// What exceeds its limit.
    TooLarge(String),
    Empty,
    /// The sheet that is not a table, and all sheets with their sizes.
    NoTable(String, Vec<String>),
}

impl WorkbookError {
    /// Adds the input's name. An error of reading the input itself is returned as `Err` for the caller to handle.
    pub(super) fn named(self, name: &str) -> Result<SourceError, io::Error> {
        let name = name.to_owned();
        Ok(match self {
            Self::Read(error) => return Err(error),
            Self::Workbook(error) => SourceError::BadWorkbook {
                name,
                problem: error.to_string(),
            },
            Self::NoSheet(sheet, sheets) => SourceError::SheetNotFound {
                name,
                sheet,
                sheets,
            },
            Self::Spool(source) => SourceError::Spool { name, source },
            Self::Order(row) => SourceError::BadWorkbook {
                name,
                problem: format!("its row {row} is out of order"),
            },
            Self::TooWide(row) => SourceError::BadWorkbook {
                name,
                problem: format!("its row {row} has a cell beyond column {MAX_COLUMNS}"),
            },
            Self::TooLarge(problem) => SourceError::WorkbookTooLarge { name, problem },
            Self::Empty => SourceError::Empty { name },
            Self::NoTable(sheet, sheets) => SourceError::NoTable {
                name,
                sheet,
                sheets: sheets.join(", "),
            },
        })
    }
}

impl From<XlsxError> for WorkbookError {
    fn from(error: XlsxError) -> Self {
        Self::Workbook(error)
    }
}

impl From<BoundsError> for WorkbookError {
    fn from(unfit: BoundsError) -> Self {
        match unfit {
            BoundsError::TooLarge(problem) => Self::TooLarge(problem),
            BoundsError::Read(error) => Self::Spool(error),
        }
    }
}

impl Workbook {
    pub(super) fn open(window: &mut Window) -> Result<Self, WorkbookError> {
        let mut file = tempfile::tempfile().map_err(WorkbookError::Spool)?;
        let mut size = 0;
        loop {
            let view = window.view();
            let count = view.len();
            file.write_all(view).map_err(WorkbookError::Spool)?;
            size += count as u64;
            if size > MAX_FILE {
                let problem = format!("it has more than {} MiB", MAX_FILE >> 20);
                return Err(WorkbookError::TooLarge(problem));
            }
            window.consume(count);
            if window.ended() {
                break;
            }
            window.grow().map_err(WorkbookError::Read)?;
        }
        file.rewind().map_err(WorkbookError::Spool)?;
        BOUNDS.check(&file)?;
        Ok(Self(Xlsx::new(BufReader::new(file))?))
    }

    /// Returns the given sheet if it exists, or else the first visible one.
    pub(super) fn choose(&self, named: Option<&str>) -> Result<String, WorkbookError> {
        let sheets = || self.worksheets().map(|(name, _)| name.to_owned());
        match named {
            Some(named) if self.worksheets().all(|(name, _)| name != named) => {
                Err(WorkbookError::NoSheet(named.to_owned(), sheets().collect()))
            }
            Some(named) => Ok(named.to_owned()),
            None => {
                let mut visible = self.worksheets().filter(|(_, is_visible)| *is_visible);
                let first = visible.next().map(|(name, _)| name.to_owned());
                first
                    .or_else(|| sheets().next())
                    .ok_or(WorkbookError::Empty)
            }
        }
    }

    /// The sheets with cells (not charts or dialogs), and whether each is visible.
    fn worksheets(&self) -> impl Iterator<Item = (&str, bool)> {
        let sheets = self.0.sheets_metadata().iter();
        let sheets = sheets.filter(|sheet| sheet.typ == SheetType::WorkSheet);
        sheets.map(|sheet| (sheet.name.as_str(), sheet.visible == SheetVisible::Visible))
    }

    pub(super) fn has_other_sheets(&self) -> bool {
        self.worksheets()
            .filter(|(_, is_visible)| *is_visible)
            .count()
            > 1
    }

    /// Describes which sheet is read, and how many there are.
    pub(super) fn note(&self, sheet: &str) -> String {
        let all = self.0.sheets_metadata().len();
        if all == 1 {
            return format!("sheet `{sheet}`, the only one");
        }
        let visible = self.worksheets().filter(|(_, is_visible)| *is_visible);
        let unread = match all - visible.count() {
            0 => String::new(),
            n => format!(", of which {n} hidden or without cells"),
        };
        format!("sheet `{sheet}` of {all} sheets{unread}; to read another, set `input.sheet`")
    }

    /// Describes all sheets with cells and their sizes.
    pub(super) fn listed(&mut self) -> Result<Vec<String>, WorkbookError> {
        let sheets = self.worksheets();
        let sheets: Vec<_> = sheets
            .map(|(name, visible)| (name.to_owned(), visible))
            .collect();
        let mut listed = Vec::new();
        for (name, is_visible) in sheets {
            let (rows, columns) = self.size(&name)?;
            let hidden = if is_visible { "" } else { ", hidden" };
            listed.push(format!(
                "`{name}` ({}, {}{hidden})",
                counted(rows, "row"),
                counted(columns, "column")
            ));
        }
        Ok(listed)
    }

    /// The numbers of filled rows and columns.
    fn size(&mut self, sheet: &str) -> Result<(usize, usize), WorkbookError> {
        let mut cells = self.cells(sheet)?;
        let (mut rows, mut columns, mut last) = (0, 0, None);
        while let Some(cell) = cells.next_cell()? {
            let (row, column) = cell.get_position();
            if *cell.get_value() == DataRef::Empty {
                continue;
            }
            rows += usize::from(last != Some(row));
            last = Some(row);
            columns = columns.max(column as usize + 1);
        }
        Ok((rows, columns))
    }

    pub(super) fn is_1904(&self) -> bool {
        self.0.has_1904_epoch()
    }

    pub(super) fn cells(
        &mut self,
        sheet: &str,
    ) -> Result<XlsxCellReader<'_, BufReader<File>>, WorkbookError> {
        Ok(self.0.worksheet_cells_reader(sheet)?)
    }
}

/// Returns the sheets of a workbook with their sizes, or `None` if the input is not a readable workbook.
#[must_use]
pub fn list_sheets(input: &InputFile) -> Option<Vec<String>> {
    let stream = unpack(input.open().ok()?).ok()?.stream;
    let mut workbook = Workbook::open(&mut Window::new(stream)).ok()?;
    workbook.listed().ok()
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
