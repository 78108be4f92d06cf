use std::fs::File;
use std::io::{self, BufReader, Seek, Write};

use calamine::{DataRef, Reader as _, SheetType, SheetVisible, Xlsx, XlsxCellReader, XlsxError};

use super::error::SourceError;
use super::open::{InputFile, unpack};
use super::window::Window;
use super::workbook_bounds::{BOUNDS, MAX_FILE, Unfit};

/// Columns that a sheet can have.
pub(super) const MAX_COLUMNS: usize = 16_384;

/// A workbook in a temporary file that vanishes with the process: it can only be read by seeking, and with its shared strings in
/// memory.
pub(super) struct Workbook(Xlsx<BufReader<File>>);

/// Why a workbook or its sheet could not be opened.
pub(super) enum Failure {
    Read(io::Error),
    Workbook(XlsxError),
    NoSheet(String, Vec<String>),
    Spool(io::Error),
    /// A row that stands before the one before it, and one with a cell beyond the last column, counted from 1.
    Order(u32),
    TooWide(u32),
    /// What there is too much of.
    TooLarge(String),
    Empty,
    /// The sheet that would be read, and all with their sizes.
    NoTable(String, Vec<String>),
}

impl Failure {
    /// The error of an input of that name; what went wrong in reading it is the caller's to say.
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
                problem: format!("its row {row} stands out of order"),
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

impl From<XlsxError> for Failure {
    fn from(error: XlsxError) -> Self {
        Self::Workbook(error)
    }
}

impl From<Unfit> for Failure {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::TooLarge(problem) => Self::TooLarge(problem),
            Unfit::Read(error) => Self::Spool(error),
        }
    }
}

impl Workbook {
    pub(super) fn open(window: &mut Window) -> Result<Self, Failure> {
        let mut file = tempfile::tempfile().map_err(Failure::Spool)?;
        let mut size = 0;
        loop {
            let view = window.view();
            let count = view.len();
            file.write_all(view).map_err(Failure::Spool)?;
            size += count as u64;
            if size > MAX_FILE {
                let problem = format!("it has more than {} MiB", MAX_FILE >> 20);
                return Err(Failure::TooLarge(problem));
            }
            window.consume(count);
            if window.ended() {
                break;
            }
            window.grow().map_err(Failure::Read)?;
        }
        file.rewind().map_err(Failure::Spool)?;
        BOUNDS.check(&file)?;
        Ok(Self(Xlsx::new(BufReader::new(file))?))
    }

    /// The sheet of that name, or the first that is seen when the workbook is opened in a spreadsheet program.
    pub(super) fn choose(&self, named: Option<&str>) -> Result<String, Failure> {
        let sheets = || self.worksheets().map(|(name, _)| name.to_owned());
        match named {
            Some(named) if self.worksheets().all(|(name, _)| name != named) => {
                Err(Failure::NoSheet(named.to_owned(), sheets().collect()))
            }
            Some(named) => Ok(named.to_owned()),
            None => {
                let mut visible = self.worksheets().filter(|(_, is_visible)| *is_visible);
                let first = visible.next().map(|(name, _)| name.to_owned());
                first.or_else(|| sheets().next()).ok_or(Failure::Empty)
            }
        }
    }

    /// The sheets that hold cells, and whether each is visible: no charts, and no dialogs.
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

    /// Says which sheet is read, and how many there are.
    pub(super) fn note(&self, sheet: &str) -> String {
        let all = self.0.sheets_metadata().len();
        if all == 1 {
            return format!("sheet `{sheet}`, the only one");
        }
        let visible = self.worksheets().filter(|(_, is_visible)| *is_visible);
        let passed = match all - visible.count() {
            0 => String::new(),
            n => format!(", of which {n} hidden or without cells"),
        };
        format!("sheet `{sheet}` of {all} sheets{passed}; to read another, set `input.sheet`")
    }

    /// All sheets that hold cells, each with its size.
    pub(super) fn listed(&mut self) -> Result<Vec<String>, Failure> {
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

    /// How many rows hold anything, and in how many columns.
    fn size(&mut self, sheet: &str) -> Result<(usize, usize), Failure> {
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
    ) -> Result<XlsxCellReader<'_, BufReader<File>>, Failure> {
        Ok(self.0.worksheet_cells_reader(sheet)?)
    }
}

/// The sheets of a workbook, each with its size; None for an input that is no workbook, or cannot be read.
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
