use std::fs::File;
use std::io::{self, Seek};
use std::sync::Arc;

use calamine::{DataRef, ExcelDateTime, ExcelDateTimeType};

use crate::domain::{CellKind, Cells, Columns, Issue, RawRecord};

use super::cells::{Syntax, record_of};
use super::error::Fault;
use super::looks::Looks;
use super::reader::Parsed;
use super::sheet_flaws::{issue_of, marked};
use super::table::{reserved_positions, trimmed};
use super::titles::{FIRST_ROWS, FirstRow};
use super::workbook::{Failure, MAX_COLUMNS, Workbook};
use super::workbook_bounds::{MAX_CELLS, MAX_TEXT};

/// Whole numbers from here on have more digits than a spreadsheet keeps.
const INEXACT: f64 = 1e15;
/// Cells that stand before the sheet's own in a spooled row: its number, what is wrong with it, and the kinds of its cells.
const LEADING: usize = 3;

/// The rows of one sheet of a workbook.
///
/// A workbook can only be read with its shared strings in memory and by seeking. So it is unpacked once, when it is opened, into
/// temporary files that vanish with the process, and the rows are streamed from there.
pub(super) struct Sheet {
    rows: csv::Reader<File>,
    record: csv::StringRecord,
    width: usize,
    /// Whether outer blanks of cells are left out.
    trim: bool,
    /// Rows up to this number are left out.
    skip_lines: u64,
    /// Rows that were passed over because all their cells are blank.
    blank_rows: u64,
    all: Vec<String>,
    columns: Arc<Columns>,
    reserved: Vec<usize>,
}

impl Sheet {
    /// Unpacks a sheet, and tells what it looks like. The columns are still to be named.
    pub(super) fn open(workbook: &mut Workbook, sheet: &str) -> Result<(Self, Looks), Failure> {
        let (rows, width, looks) = spool_rows(workbook, sheet)?;
        let rows = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(rows);
        let sheet = Self {
            rows,
            record: csv::StringRecord::new(),
            width,
            trim: true,
            skip_lines: 0,
            blank_rows: 0,
            all: Vec::new(),
            columns: Arc::default(),
            reserved: Vec::new(),
        };
        Ok((sheet, looks))
    }

    pub(super) fn set_rules(&mut self, trim: bool, skip_lines: u64) {
        self.trim = trim;
        self.skip_lines = skip_lines;
    }

    /// Reads the next row that is not left out; false at the end.
    fn read(&mut self) -> Result<bool, Fault> {
        while self.rows.read_record(&mut self.record).map_err(spooled)? {
            if self.number() > self.skip_lines {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn number(&self) -> u64 {
        let number = self.record.get(0).and_then(|number| number.parse().ok());
        number.unwrap_or_default()
    }

    /// The first rows, which are read again afterwards.
    pub(super) fn first_rows(&mut self) -> Result<Vec<FirstRow>, Fault> {
        let start = self.rows.position().clone();
        let mut rows = Vec::new();
        while rows.len() < FIRST_ROWS && self.read()? {
            let cells = self.texts(self.width).into_iter();
            rows.push(FirstRow {
                line: self.number(),
                cells: cells.map(|text| text.trim().to_owned()).collect(),
            });
        }
        self.rows.seek(start).map_err(spooled)?;
        Ok(rows)
    }

    pub(super) fn blank_rows(&self) -> u64 {
        self.blank_rows
    }

    /// The first row that is not blank, as wide as the widest: columns that it does not name have no name.
    pub(super) fn read_header(&mut self) -> Result<Option<Vec<String>>, Fault> {
        while self.read()? {
            if !self.is_blank() {
                return Ok(Some(self.read_as(self.texts(self.width))));
            }
        }
        Ok(None)
    }

    /// Whether the current row holds nothing but blanks. A cell with something wrong is content.
    fn is_blank(&self) -> bool {
        let is_sound = self.record.get(1).is_none_or(str::is_empty);
        let mut cells = self.record.iter().skip(LEADING);
        is_sound && cells.all(|cell| cell.trim().is_empty())
    }

    fn read_as(&self, texts: Vec<String>) -> Vec<String> {
        match self.trim {
            true => texts.into_iter().map(|t| trimmed(t.into())).collect(),
            false => texts,
        }
    }

    pub(super) fn name_columns(&mut self, names: Vec<String>) {
        self.reserved = reserved_positions(&names);
        let kept = names.iter().enumerate();
        let kept = kept.filter(|(at, _)| !self.reserved.contains(at));
        self.columns = Arc::new(Columns::of_sheet(
            kept.map(|(_, name)| name.clone()).collect(),
        ));
        self.all = names;
    }

    pub(super) fn columns(&self) -> &Arc<Columns> {
        &self.columns
    }

    pub(super) fn reserved(&self) -> &[usize] {
        &self.reserved
    }

    pub(super) fn next(&mut self) -> Result<Option<Parsed>, Fault> {
        while self.read()? {
            if !self.is_blank() {
                return Ok(Some(self.row()));
            }
            self.blank_rows += 1;
        }
        Ok(None)
    }

    fn row(&self) -> Parsed {
        let found = self.record.len().saturating_sub(LEADING);
        let texts = self.texts(self.all.len().max(found));
        let raw = record_of(&self.marked(&texts), Syntax::quoted(b','));
        let outcome = match self.ragged(found) {
            None => {
                let kept = self.read_as(texts).into_iter().enumerate();
                let kept = kept.filter(|(at, _)| !self.reserved.contains(at));
                Ok(Cells::Table {
                    columns: Arc::clone(&self.columns),
                    texts: kept.map(|(_, text)| text).collect(),
                })
            }
            Some(issue) => Err(vec![issue]),
        };
        Parsed {
            line: self.number(),
            raw: RawRecord(raw),
            outcome,
            flaws: self.flaws(),
            kinds: self.kinds(),
        }
    }

    /// The kinds of the cells, without those of reserved columns.
    fn kinds(&self) -> Vec<CellKind> {
        let noted = self.record.get(2).unwrap_or_default().bytes().enumerate();
        let kept = noted.filter(|(at, _)| !self.reserved.contains(at));
        kept.map(|(_, letter)| kind_of(letter)).collect()
    }

    fn texts(&self, width: usize) -> Vec<String> {
        let cells = self.record.iter().skip(LEADING);
        let cells = cells.chain(std::iter::repeat(""));
        cells.take(width).map(str::to_owned).collect()
    }

    /// What is wrong with cells: their places and codes.
    fn notes(&self) -> impl Iterator<Item = (usize, &str)> {
        let noted = self.record.get(1).unwrap_or_default();
        noted.split_terminator(' ').filter_map(|note| {
            let (at, code) = note.split_once(':')?;
            let at = at.parse().ok().filter(|at| !self.reserved.contains(at))?;
            Some((at, code))
        })
    }

    /// The texts as they are given back: one that is not what the cell was to hold says so, since a text file has no
    /// other way to.
    fn marked(&self, texts: &[String]) -> Vec<String> {
        let mut texts = texts.to_vec();
        for (at, code) in self.notes() {
            if let Some(text) = texts.get_mut(at) {
                *text = marked(code, text);
            }
        }
        texts
    }

    fn flaws(&self) -> Vec<Issue> {
        let issues = self.notes().filter_map(|(at, code)| {
            let name = self.all.get(at)?;
            Some(issue_of(code).column(name))
        });
        issues.collect()
    }

    fn ragged(&self, found: usize) -> Option<Issue> {
        let columns = self.all.len();
        (found > columns).then(|| {
            let message = format!("the row has {found} cells where there are {columns} columns");
            Issue::input("ragged", message)
        })
    }
}

fn spooled(error: csv::Error) -> Fault {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Fault::Io(error),
        other => Fault::Io(io::Error::other(format!("{other:?}"))),
    }
}

/// Writes the rows that hold anything, and gives the width of the widest and what the sheet looks like.
fn spool_rows(workbook: &mut Workbook, sheet: &str) -> Result<(File, usize, Looks), Failure> {
    let is_1904 = workbook.is_1904();
    let mut cells = workbook.cells(sheet)?;
    let file = tempfile::tempfile().map_err(Failure::Spool)?;
    let mut spool = Spool {
        writer: csv::WriterBuilder::new().flexible(true).from_writer(file),
        width: 0,
        cells: 0,
        bytes: 0,
        looks: Looks::default(),
    };
    let mut row = SpooledRow::default();
    while let Some(cell) = cells.next_cell_with_formula_metadata()? {
        let (number, column) = cell.pos;
        if number != row.number {
            spool.write(&row)?;
            if number < row.number {
                return Err(Failure::Order(number.saturating_add(1)));
            }
            row = SpooledRow {
                number,
                ..SpooledRow::default()
            };
        }
        // The reader lets a column of many letters overflow, and would put its cell anywhere.
        if column as usize >= MAX_COLUMNS {
            return Err(Failure::TooWide(number.saturating_add(1)));
        }
        let is_uncounted = cell.formula.is_some() && cell.value == DataRef::Empty;
        let (text, code) = match is_uncounted {
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
        .map_err(|error| Failure::Spool(error.into_error()))?;
    file.rewind().map_err(Failure::Spool)?;
    Ok((file, width, looks))
}

struct Spool {
    writer: csv::Writer<File>,
    width: usize,
    cells: u64,
    bytes: u64,
    looks: Looks,
}

impl Spool {
    fn write(&mut self, row: &SpooledRow) -> Result<(), Failure> {
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
            .map_err(|error| Failure::Spool(error.into()))
    }

    fn count(&mut self, row: &SpooledRow) -> Result<(), Failure> {
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
        Err(Failure::TooLarge(excess))
    }
}

#[derive(Default)]
struct SpooledRow {
    number: u32,
    notes: String,
    /// A letter for each cell, see [`kind_of`].
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

/// The letters of cells that are text, numbers, and anything else, such as dates.
const TEXT: char = 't';
pub(super) const NUMBER: char = 'n';
const OTHER: char = ' ';

fn kind(value: &DataRef<'_>) -> char {
    match value {
        DataRef::String(_) | DataRef::SharedString(_) => TEXT,
        DataRef::Int(_) | DataRef::Float(_) => NUMBER,
        _ => OTHER,
    }
}

fn kind_of(letter: u8) -> CellKind {
    match char::from(letter) {
        TEXT => CellKind::Text,
        NUMBER => CellKind::Number,
        _ => CellKind::Untyped,
    }
}

/// The text of a cell, and the code of what is wrong with it.
fn text_of(value: &DataRef<'_>, is_1904: bool) -> (String, Option<&'static str>) {
    let text = match value {
        DataRef::Empty => String::new(),
        DataRef::Int(number) => return number_text(*number as f64, number.to_string()),
        DataRef::Float(number) => {
            let number = if *number == 0.0 { 0.0 } else { *number };
            return number_text(number, number.to_string());
        }
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::DateTime(date) if date.is_duration() => duration(date.as_f64()),
        DataRef::DateTime(date) => match date_text(date.as_f64(), is_1904) {
            Some(text) => text,
            None => return (date.as_f64().to_string(), Some("bad_date")),
        },
        // Whether the cell is used, and what is done about it, is the mapping's to say, as in text files.
        DataRef::Error(error) => error.to_string(),
    };
    (text, None)
}

fn number_text(number: f64, text: String) -> (String, Option<&'static str>) {
    let inexact = number.abs() >= INEXACT && number.fract() == 0.0;
    (text, inexact.then_some("inexact_number"))
}

/// A span of time as hours, minutes and seconds.
fn duration(days: f64) -> String {
    let seconds = (days.abs() * 86_400.0).round();
    let sign = if days < 0.0 && seconds > 0.0 { "-" } else { "" };
    let (hours, rest) = ((seconds / 3600.0).floor(), seconds % 3600.0);
    format!(
        "{sign}{hours:02}:{:02.0}:{:02.0}",
        (rest / 60.0).floor(),
        rest % 60.0
    )
}

/// A serial date as ISO, rounded to the second; nothing where it is no date.
fn date_text(serial: f64, is_1904: bool) -> Option<String> {
    let seconds = (serial * 86_400.0).round();
    let (day, second) = ((seconds / 86_400.0).floor(), seconds.rem_euclid(86_400.0));
    let last = if is_1904 { 2_957_003.0 } else { 2_958_465.0 };
    if !(0.0..=last).contains(&day) || (!is_1904 && day == 60.0) {
        // Day 60 is the 29th of February 1900, which never was.
        return None;
    }
    let time = duration(second / 86_400.0);
    if day == 0.0 && !is_1904 {
        return Some(time);
    }
    let date = ExcelDateTime::new(day, ExcelDateTimeType::DateTime, is_1904);
    let (year, month, day, ..) = date.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    Some(if second == 0.0 {
        date
    } else {
        format!("{date} {time}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RowNumber;
    use crate::source::{
        Dialect, Format, Reader, Record, Rejected, RejectedWriter, SourceError, SourceSettings,
    };
    use std::io::Cursor;

    const SHEET: &str = r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
        <row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="inlineStr"><is><t>name</t></is></c><c r="C2" t="inlineStr"><is><t>since</t></is></c></row>
        <row r="3"><c r="A3"><v>12</v></c><c r="B3" t="inlineStr"><is><t>Ann, "A"</t></is></c><c r="C3" s="1"><v>45943.5</v></c></row>
        <row r="4"><c r="A4"/></row>
        <row r="5"><c r="A5"><v>1.5</v></c><c r="D5" t="b"><v>1</v></c></row>
        <row r="6"><c r="A6" t="e"><v>#N/A</v></c><c r="B6"><v>1234567890123456789</v></c></row>
        </sheetData></worksheet>"#;

    /// A workbook of the least parts, stored without compression.
    fn workbook() -> Vec<u8> {
        workbook_of(SHEET)
    }

    fn workbook_of(sheet: &str) -> Vec<u8> {
        let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
        let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        let package = "http://schemas.openxmlformats.org/package/2006/relationships";
        let parts = [
            (
                "[Content_Types].xml",
                "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>"
                    .to_owned(),
            ),
            (
                "_rels/.rels",
                format!(
                    "<Relationships xmlns=\"{package}\"><Relationship Id=\"r1\" Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
                ),
            ),
            (
                "xl/workbook.xml",
                format!(
                    "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets><sheet name=\"People\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
                ),
            ),
            (
                "xl/_rels/workbook.xml.rels",
                format!(
                    "<Relationships xmlns=\"{package}\"><Relationship Id=\"r1\" Type=\"{office}/worksheet\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"r2\" Type=\"{office}/sharedStrings\" Target=\"sharedStrings.xml\"/><Relationship Id=\"r3\" Type=\"{office}/styles\" Target=\"styles.xml\"/></Relationships>"
                ),
            ),
            (
                "xl/sharedStrings.xml",
                format!("<sst xmlns=\"{main}\"><si><t>id</t></si></sst>"),
            ),
            (
                "xl/styles.xml",
                format!(
                    "<styleSheet xmlns=\"{main}\"><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"22\"/></cellXfs></styleSheet>"
                ),
            ),
            ("xl/worksheets/sheet1.xml", sheet.to_owned()),
        ];
        let (mut zip, mut index) = (Vec::new(), Vec::new());
        for (name, text) in &parts {
            let mut crc = flate2::Crc::new();
            crc.update(text.as_bytes());
            let size = (text.len() as u32).to_le_bytes();
            let head = [
                &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
                &crc.sum().to_le_bytes(),
                &size,
                &size,
                &(name.len() as u16).to_le_bytes(),
                &[0, 0],
            ]
            .concat();
            let offset = (zip.len() as u32).to_le_bytes();
            zip.extend(
                [
                    b"PK\x03\x04",
                    head.as_slice(),
                    name.as_bytes(),
                    text.as_bytes(),
                ]
                .concat(),
            );
            index.extend(
                [
                    b"PK\x01\x02\x14\0",
                    head.as_slice(),
                    &[0; 10],
                    &offset,
                    name.as_bytes(),
                ]
                .concat(),
            );
        }
        let count = (parts.len() as u16).to_le_bytes();
        let (at, size) = (
            (zip.len() as u32).to_le_bytes(),
            (index.len() as u32).to_le_bytes(),
        );
        [
            zip,
            index,
            [
                b"PK\x05\x06\0\0\0\0",
                &count[..],
                &count,
                &size,
                &at,
                &[0, 0],
            ]
            .concat(),
        ]
        .concat()
    }

    fn open(bytes: Vec<u8>, sheet: Option<&str>) -> Result<Reader, SourceError> {
        let settings = SourceSettings {
            sheet: sheet.map(str::to_owned),
            ..SourceSettings::default()
        };
        Reader::from_read(Cursor::new(bytes), "a.xlsx", &settings, 0, RowNumber(1))
    }

    #[test]
    fn a_sheet_is_a_table_of_texts() {
        let bytes = workbook();
        let size = bytes.len() as u64;
        let mut reader = open(bytes, None).unwrap();
        assert_eq!(reader.columns().names(), ["id", "name", "since", ""]);
        let all: Vec<Record> = std::iter::from_fn(|| reader.next_record().unwrap()).collect();
        let Record::Row(first) = &all[0] else {
            panic!("{all:?}")
        };
        assert_eq!((first.position.line, first.position.row), (3, RowNumber(1)));
        assert_eq!(first.raw.0, b"12,\"Ann, \"\"A\"\"\",2025-10-13 12:00:00,");
        let Record::Row(second) = &all[1] else {
            panic!()
        };
        assert_eq!(second.raw.0, b"1.5,,,true");
        assert_eq!(second.position.line, 5);
        let Record::Row(third) = &all[2] else {
            panic!()
        };
        assert_eq!(third.raw.0, b"#N/A,#ROUNDED! 1234567890123456800,,");
        let issues: Vec<_> = third
            .flaws
            .iter()
            .map(|i| (i.code.as_str(), i.column.as_deref()))
            .collect();
        assert_eq!(issues, [("inexact_number", Some("name"))]);
        assert_eq!(all.len(), 3);
        let dialect: Dialect = reader.dialect().clone();
        assert_eq!((dialect.format, dialect.ending()), (Format::Xlsx, "csv"));
        let mut writer = RejectedWriter::new(Vec::new(), dialect).unwrap();
        writer
            .write(&Rejected {
                line: 3,
                status: "failed",
                error: "e",
                hint: "h",
                raw: &first.raw,
            })
            .unwrap();
        let expected = b"_line,_status,_error,_hint,id,name,since,\n3,failed,\"e\",\"h\",12,\"Ann, \"\"A\"\"\",2025-10-13 12:00:00,\n";
        assert_eq!(writer.finish().unwrap(), expected);
        assert_eq!(reader.provenance().unwrap().bytes, size);
    }

    #[test]
    fn a_sheet_is_found_by_its_name() {
        assert!(open(workbook(), Some("People")).is_ok());
        let missing = open(workbook(), Some("Leute")).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "`a.xlsx` has no sheet `Leute`: it has `People`"
        );
    }

    #[test]
    fn a_cell_where_no_column_can_be_is_an_error() {
        for cell in ["XFE3", "AKKKKKKKKK3"] {
            let sheet = SHEET.replace("\"B3\"", &format!("\"{cell}\""));
            let problem = open(workbook_of(&sheet), None).unwrap_err().to_string();
            assert!(
                problem.contains("row 3 has a cell beyond column 16384"),
                "{problem}"
            );
        }
    }

    #[test]
    fn a_range_that_ends_before_it_begins_says_nothing_of_the_cells() {
        let sheet = SHEET.replace("<sheetData>", "<dimension ref=\"C9:A1\"/><sheetData>");
        assert!(open(workbook_of(&sheet), None).is_ok());
    }

    #[test]
    fn a_damaged_workbook_is_an_error() {
        let mut bytes = workbook();
        bytes.truncate(bytes.len() - 30);
        assert!(matches!(
            open(bytes, None),
            Err(SourceError::BadWorkbook { .. })
        ));
    }

    #[test]
    fn a_sheet_has_so_many_cells_as_wide_as_their_rows() {
        let row = SpooledRow {
            texts: vec![String::new(), "x".to_owned()],
            ..SpooledRow::default()
        };
        let spool = |cells, bytes| Spool {
            writer: csv::Writer::from_writer(tempfile::tempfile().unwrap()),
            width: 0,
            cells,
            bytes,
            looks: Looks::default(),
        };
        assert!(spool(MAX_CELLS - 2, MAX_TEXT - 1).write(&row).is_ok());
        for mut spool in [spool(MAX_CELLS - 1, 0), spool(0, MAX_TEXT)] {
            assert!(matches!(spool.write(&row), Err(Failure::TooLarge(_))));
        }
    }

    #[test]
    fn dates_are_iso() {
        let date = |serial| date_text(serial, false);
        assert_eq!(date(45943.0).as_deref(), Some("2025-10-13"));
        assert_eq!(date(45943.541).as_deref(), Some("2025-10-13 12:59:02"));
        assert_eq!(date(45_943.999_999_9).as_deref(), Some("2025-10-14"));
        assert_eq!(date(0.5).as_deref(), Some("12:00:00"));
        assert_eq!(date(59.0).as_deref(), Some("1900-02-28"));
        assert_eq!(date(61.0).as_deref(), Some("1900-03-01"));
        assert_eq!((date(60.0), date(-1.0), date(3e6)), (None, None, None));
        assert_eq!(date_text(1.0, true).as_deref(), Some("1904-01-02"));
        assert_eq!(duration(1.5), "36:00:00");
    }

    #[test]
    fn numbers_are_in_their_shortest_form() {
        let text = |number| text_of(&DataRef::Float(number), false);
        assert_eq!(text(12.0), ("12".to_owned(), None));
        assert_eq!(text(-0.0), ("0".to_owned(), None));
        assert_eq!(text(15.99), ("15.99".to_owned(), None));
        assert_eq!(text(1e-7), ("0.0000001".to_owned(), None));
        assert_eq!(text(1_234_567_890_123_450_000.0).1, Some("inexact_number"));
        assert_eq!(text_of(&DataRef::Bool(true), false).0, "true");
    }
}
