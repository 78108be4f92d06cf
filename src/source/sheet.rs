use std::fs::File;
use std::io;
use std::sync::Arc;

use crate::domain::{CellKind, Cells, Columns, Issue, RawRecord};

use super::cells::{Syntax, record_of};
use super::error::EngineError;
use super::record::ParsedRecord;
use super::sheet_cell::kind_of;
use super::sheet_flaws::{issue_of, marked};
use super::sheet_profile::SheetProfile;
use super::sheet_spool::spool_rows;
use super::table::{reserved_positions, trimmed};
use super::titles::{FIRST_ROWS, FirstRow};
use super::workbook::{Workbook, WorkbookError};

/// The number of cells before those of the sheet in a spooled row: its number, its flaws, and the kinds of its cells.
const LEADING: usize = 3;

/// The rows of one sheet of a workbook.
///
/// A workbook can only be read by seeking and with its shared strings in memory. So its rows are written once, when it is opened,
/// to a temporary file that disappears with the process, and streamed from there.
pub(super) struct Sheet {
    rows: csv::Reader<File>,
    record: csv::StringRecord,
    width: usize,
    /// Whether cells are trimmed.
    trim: bool,
    /// Rows up to this number are skipped.
    skip_lines: u64,
    /// The number of rows skipped because all their cells are blank.
    blank_rows: u64,
    all: Vec<String>,
    columns: Arc<Columns>,
    reserved: Vec<usize>,
}

impl Sheet {
    /// Spools the rows of a sheet. The columns have to be named with [`Self::name_columns`].
    pub(super) fn open(
        workbook: &mut Workbook,
        sheet: &str,
    ) -> Result<(Self, SheetProfile), WorkbookError> {
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

    /// Reads the next row after the skipped ones. Returns false at the end.
    fn read(&mut self) -> Result<bool, EngineError> {
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

    /// Returns the first rows, without consuming them.
    pub(super) fn first_rows(&mut self) -> Result<Vec<FirstRow>, EngineError> {
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

    /// Reads the first row that is not blank, padded to the width of the widest row.
    pub(super) fn read_header(&mut self) -> Result<Option<Vec<String>>, EngineError> {
        while self.read()? {
            if !self.is_blank() {
                return Ok(Some(self.trim_all(self.texts(self.width))));
            }
        }
        Ok(None)
    }

    /// Whether all cells of the current row are blank and without flaws.
    fn is_blank(&self) -> bool {
        let is_sound = self.record.get(1).is_none_or(str::is_empty);
        let mut cells = self.record.iter().skip(LEADING);
        is_sound && cells.all(|cell| cell.trim().is_empty())
    }

    fn trim_all(&self, texts: Vec<String>) -> Vec<String> {
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

    pub(super) fn next(&mut self) -> Result<Option<ParsedRecord>, EngineError> {
        while self.read()? {
            if !self.is_blank() {
                return Ok(Some(self.row()));
            }
            self.blank_rows += 1;
        }
        Ok(None)
    }

    fn row(&self) -> ParsedRecord {
        let width = self.record.len().saturating_sub(LEADING);
        let texts = self.texts(self.all.len().max(width));
        let raw = record_of(&self.marked(&texts), Syntax::quoted(b','));
        let outcome = match self.ragged(width) {
            None => {
                let kept = self.trim_all(texts).into_iter().enumerate();
                let kept = kept.filter(|(at, _)| !self.reserved.contains(at));
                Ok(Cells::Table {
                    columns: Arc::clone(&self.columns),
                    texts: kept.map(|(_, text)| text).collect(),
                })
            }
            Some(issue) => Err(vec![issue]),
        };
        ParsedRecord {
            line: self.number(),
            raw: Some(RawRecord(raw)),
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

    /// The flaws of cells: their columns and issue codes.
    fn notes(&self) -> impl Iterator<Item = (usize, &str)> {
        let noted = self.record.get(1).unwrap_or_default();
        noted.split_terminator(' ').filter_map(|note| {
            let (at, code) = note.split_once(':')?;
            let at = at.parse().ok().filter(|at| !self.reserved.contains(at))?;
            Some((at, code))
        })
    }

    /// The texts for a file of rejected rows, with a mark on those that are not the intended value of their cell.
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

    fn ragged(&self, width: usize) -> Option<Issue> {
        let columns = self.all.len();
        (width > columns).then(|| {
            let message = format!("the row has {width} cells, but there are {columns} columns");
            Issue::input("ragged", message)
        })
    }
}

fn spooled(error: csv::Error) -> EngineError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => EngineError::Io(error),
        other => EngineError::Io(io::Error::other(format!("{other:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::RowNumber;
    use crate::source::{
        Dialect, Format, Reader, Record, RejectedRow, RejectedWriter, SourceError, SourceSettings,
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
        assert_eq!(first.raw(), b"12,\"Ann, \"\"A\"\"\",2025-10-13 12:00:00,");
        let Record::Row(second) = &all[1] else {
            panic!()
        };
        assert_eq!(second.raw(), b"1.5,,,true");
        assert_eq!(second.position.line, 5);
        let Record::Row(third) = &all[2] else {
            panic!()
        };
        assert_eq!(third.raw(), b"#N/A,#ROUNDED! 1234567890123456800,,");
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
            .write(&RejectedRow {
                line: 3,
                status: "failed",
                error: "e",
                hint: "h",
                raw: &first.clone().into_raw(),
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
}
