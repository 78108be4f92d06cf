use std::borrow::Cow;
use std::fmt;
use std::io::Read;
use std::sync::Arc;

use crate::domain::{Cells, Columns, Issue, Position, Row, RowNumber};

use super::dialect::Dialect;
use super::error::SourceError;
use super::open::{InputFile, unpack};
use super::opener::{Engine, InputOpener, Opened};
use super::origin::Origin;
use super::record::{BadRecord, ParsedRecord, Provenance, Record};
use super::settings::SourceSettings;

/// Reads one input record by record, in constant memory.
pub struct Reader {
    origin: Origin,
    dialect: Dialect,
    columns: Arc<Columns>,
    header_below: Option<u64>,
    notes: Vec<String>,
    engine: Engine,
    source: u16,
    next_row: u64,
    rows: u64,
    stopped: bool,
}

impl Reader {
    /// Opens a file, determines its format and reads its header.
    ///
    /// `source` is its index among the inputs of a run, `first_row` the number of its first record.
    ///
    /// # Errors
    /// If the file cannot be opened or its format is not supported; see [`SourceError`].
    pub fn open(
        input: &InputFile,
        settings: &SourceSettings,
        source: u16,
        first_row: RowNumber,
    ) -> Result<Self, SourceError> {
        let file = input.open()?;
        Self::from_read(file, &input.name, settings, source, first_row)
    }

    /// Like [`Reader::open`] for any stream of bytes. The extension of `name` is a hint for the format.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn from_read(
        input: impl Read + Send + 'static,
        name: &str,
        settings: &SourceSettings,
        source: u16,
        first_row: RowNumber,
    ) -> Result<Self, SourceError> {
        let unpacked = unpack(input).map_err(|error| SourceError::Io {
            name: name.to_owned(),
            offset: 0,
            source: error,
        })?;
        let origin = Origin {
            name: name.to_owned(),
            tally: unpacked.tally,
            packing: unpacked.packing,
        };
        let Opened {
            engine,
            dialect,
            columns,
            header_below,
            notes,
        } = InputOpener {
            origin: &origin,
            settings,
        }
        .open(unpacked.stream)?;
        Ok(Self {
            origin,
            dialect,
            columns,
            header_below,
            notes,
            engine,
            source,
            next_row: first_row.0,
            rows: 0,
            stopped: false,
        })
    }

    /// The input as the user wrote it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.origin.name
    }

    #[must_use]
    pub fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// The columns of a table, without the reserved ones. Empty for JSON: see [`super::scan_columns`].
    #[must_use]
    pub fn columns(&self) -> &Arc<Columns> {
        &self.columns
    }

    /// The line that seems to be the header, if the record that was read as header looks like a title.
    #[must_use]
    pub fn header_below(&self) -> Option<u64> {
        self.header_below
    }

    /// Decisions that the user should know about, such as a guessed encoding.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The next record, good or bad, or `None` at the end and after an error.
    ///
    /// # Errors
    /// If the rest of the input cannot be read.
    pub fn next_record(&mut self) -> Result<Option<Record>, SourceError> {
        if self.stopped {
            return Ok(None);
        }
        let parsed = match &mut self.engine {
            Engine::Table(table) => table.next(),
            Engine::Objects(objects) => objects.next(),
            Engine::Sheet(sheet) => sheet.next(),
        };
        self.stopped = !matches!(parsed, Ok(Some(_)));
        let parsed = parsed.map_err(|fault| self.origin.engine_error(fault))?;
        Ok(parsed.map(|parsed| self.record(parsed)))
    }

    fn record(&mut self, parsed: ParsedRecord) -> Record {
        let position = Position {
            source: self.source,
            row: RowNumber(self.next_row),
            line: parsed.line,
        };
        self.next_row += 1;
        self.rows += 1;
        match parsed.outcome {
            Ok(cells) => {
                let repeats_header = self.repeats_header(&cells);
                let row = Row {
                    position,
                    cells,
                    raw: parsed.raw,
                    flaws: parsed.flaws,
                    kinds: parsed.kinds,
                };
                match repeats_header {
                    true => Record::Bad(BadRecord {
                        position,
                        raw: row.into_raw(),
                        issues: vec![repeated_header()],
                    }),
                    false => Record::Row(row),
                }
            }
            Err(issues) => Record::Bad(BadRecord {
                position,
                raw: parsed.raw.unwrap_or_default(),
                issues,
            }),
        }
    }

    /// Whether a row repeats the header, as in concatenated files.
    fn repeats_header(&self, cells: &Cells) -> bool {
        let Cells::Table { columns, texts } = cells else {
            return false;
        };
        self.dialect.header.is_some() && texts.iter().eq(columns.names())
    }

    /// The number of rows skipped so far because all their cells are blank.
    #[must_use]
    pub fn blank_rows(&self) -> u64 {
        match &self.engine {
            Engine::Table(table) => table.blank_rows(),
            Engine::Sheet(sheet) => sheet.blank_rows(),
            Engine::Objects(_) => 0,
        }
    }

    /// The text of the next JSON value that can be decoded; `None` for tables.
    pub(super) fn next_text(&mut self) -> Result<Option<Cow<'_, str>>, SourceError> {
        match &mut self.engine {
            Engine::Objects(objects) => objects
                .next_text()
                .map_err(|fault| self.origin.engine_error(fault)),
            Engine::Table(_) | Engine::Sheet(_) => Ok(None),
        }
    }

    /// Reads the rest of the input, without counting its rows, and returns its size and hash.
    ///
    /// # Errors
    /// If the rest cannot be read.
    pub fn provenance(mut self) -> Result<Provenance, SourceError> {
        let drained = match &mut self.engine {
            Engine::Table(table) => table.window().drain(),
            Engine::Objects(objects) => objects.pieces.window().drain(),
            Engine::Sheet(_) => Ok(()),
        };
        drained.map_err(|error| self.origin.io(error))?;
        Ok(Provenance {
            sha256: self.origin.tally.sha256(),
            bytes: self.origin.tally.bytes(),
            rows: self.rows,
        })
    }
}

fn repeated_header() -> Issue {
    let message = "the row repeats the header, as in concatenated files";
    Issue::input("repeated_header", message).hint("remove the line: there is nothing to fix")
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("name", &self.origin.name)
            .field("dialect", &self.dialect)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Choice, Format, LineEnd, ReadLimits};
    use encoding_rs::{SHIFT_JIS, UTF_8, UTF_16LE, WINDOWS_1251};
    use proptest::prelude::*;
    use std::io::{self, Write};

    fn open(bytes: &[u8], settings: &SourceSettings) -> Result<Reader, SourceError> {
        open_as("-", bytes, settings)
    }

    fn open_as(name: &str, bytes: &[u8], settings: &SourceSettings) -> Result<Reader, SourceError> {
        Reader::from_read(
            io::Cursor::new(bytes.to_vec()),
            name,
            settings,
            3,
            RowNumber(10),
        )
    }

    fn auto(bytes: &[u8]) -> Reader {
        open(bytes, &SourceSettings::default()).unwrap()
    }

    fn records(reader: &mut Reader) -> Vec<Record> {
        std::iter::from_fn(|| reader.next_record().unwrap()).collect()
    }

    /// Line and cells of a row, or line and codes of a bad record.
    fn short(record: &Record) -> (u64, Vec<String>) {
        match record {
            Record::Row(row) => {
                let Cells::Table { texts, .. } = &row.cells else {
                    panic!("{row:?}")
                };
                (row.position.line, texts.iter().map(str::to_owned).collect())
            }
            Record::Bad(bad) => {
                let codes = bad.issues.iter().map(|i| format!("!{}", i.code));
                (bad.position.line, codes.collect())
            }
        }
    }

    fn rows(bytes: &[u8]) -> Vec<(u64, Vec<String>)> {
        records(&mut auto(bytes)).iter().map(short).collect()
    }

    fn cells(bytes: &[u8]) -> Vec<Vec<String>> {
        rows(bytes).into_iter().map(|(_, cells)| cells).collect()
    }

    fn bad(record: &Record) -> &BadRecord {
        let Record::Bad(bad) = record else {
            panic!("{record:?}")
        };
        bad
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn the_usual_spectrum_of_csv() {
        let cases: [(&str, &[&[&str]]); 11] = [
            ("a,b,c\n1,2,3\n", &[&["1", "2", "3"]]),
            (
                "name,address\nJo,\"1 Main St, Apt 2\"\n",
                &[&["Jo", "1 Main St, Apt 2"]],
            ),
            (
                "a,b,c\n1,\"\",\"\"\n2,,\n",
                &[&["1", "", ""], &["2", "", ""]],
            ),
            (
                "a,b,c\r\n1,\"\",\"\"\r\n2,,\r\n",
                &[&["1", "", ""], &["2", "", ""]],
            ),
            (
                "a,b\n1,\"ha \"\"ha\"\" ha\"\n3,4\n",
                &[&["1", "ha \"ha\" ha"], &["3", "4"]],
            ),
            (
                "key,val\n1,\"{\"\"type\"\": \"\"Point\"\", \"\"at\"\": [1.0, 2]}\"\n",
                &[&["1", "{\"type\": \"Point\", \"at\": [1.0, 2]}"]],
            ),
            (
                "a,b\n\"Once \nupon\",5\n7,8\n",
                &[&["Once \nupon", "5"], &["7", "8"]],
            ),
            ("a,b\r\n\"Once \r\nupon\",5\r\n", &[&["Once \r\nupon", "5"]]),
            (
                "a,b\n1,\"ha \n\"\"ha\"\" \nha\"\n",
                &[&["1", "ha \n\"ha\" \nha"]],
            ),
            ("a,b\n1,2\n4,ʤ\n", &[&["1", "2"], &["4", "ʤ"]]),
            (
                "x,y\n\"50° 27' N\",\"30° 31' E\"\n",
                &[&["50° 27' N", "30° 31' E"]],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(cells(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn rows_have_their_place_and_their_bytes() {
        let mut reader = auto(b"a,b\n\n1,\"x\ny\"\n2,z");
        let all = records(&mut reader);
        let Record::Row(first) = &all[0] else {
            panic!()
        };
        assert_eq!(
            (
                first.position.source,
                first.position.row,
                first.position.line
            ),
            (3, RowNumber(10), 3)
        );
        assert_eq!(first.raw(), b"1,\"x\ny\"");
        assert_eq!(short(&all[1]).0, 5);
        let provenance = reader.provenance().unwrap();
        assert_eq!((provenance.bytes, provenance.rows), (16, 2));
    }

    #[test]
    fn a_row_keeps_its_bytes_though_its_cells_are_trimmed_or_left_out() {
        let row = |bytes: &[u8]| {
            let settings = SourceSettings {
                encoding: Choice::Given(UTF_8),
                ..SourceSettings::default()
            };
            let record = open(bytes, &settings).unwrap().next_record().unwrap();
            let Some(Record::Row(row)) = record else {
                panic!("{record:?}")
            };
            assert_eq!(row.raw(), row.clone().into_raw().0);
            (short(&Record::Row(row.clone())).1, row.into_raw().0)
        };
        for (record, cells) in [
            ("1,é", ["1", "é"]),
            (" 1\t,\u{a0}é ", ["1", "é"]),
            ("\" 1\" ,é\u{2003}", ["1", "é"]),
            (",\u{a0}é", ["", "é"]),
            ("1, \u{a0} ", ["1", ""]),
        ] {
            let (found, raw) = row(format!("a,b\n{record}\n").as_bytes());
            assert_eq!(
                (&found[..], raw.as_slice()),
                (&cells.map(str::to_owned)[..], record.as_bytes())
            );
        }
        let (found, raw) = row(b"_line,a,b\n\xff,1, 2\n");
        assert_eq!(
            (found, raw.as_slice()),
            (
                vec!["1".to_owned(), "2".to_owned()],
                b"\xff,1, 2".as_slice()
            )
        );
    }

    #[test]
    fn bad_rows_stand_alone() {
        let text = b"id,name\n1\n2,a,b\n3,\"x\"y\n4,\xFF\n5,\"open\n6,\0\n";
        let mut reader = auto(&[text.as_slice(), "7,жжж\n".as_bytes()].concat());
        let all = records(&mut reader);
        let found: Vec<_> = all.iter().map(short).collect();
        let expected = [
            (2, vec!["!ragged"]),
            (3, vec!["!ragged"]),
            (4, vec!["!stray_quote"]),
            (5, vec!["!undecodable"]),
            (6, vec!["!unclosed_quote"]),
            (7, vec!["6", "\0"]),
            (8, vec!["7", "жжж"]),
        ];
        let expected =
            expected.map(|(l, c)| (l, c.into_iter().map(str::to_owned).collect::<Vec<_>>()));
        assert_eq!(found, expected);
        assert_eq!(
            bad(&all[0]).issues[0].message,
            "the row has 1 cell where the table has 2 columns"
        );
        assert_eq!(
            bad(&all[2]).issues[0].message,
            "there is text after the closing quote at line 4, character 5"
        );
        let undecodable = &bad(&all[3]).issues[0];
        assert_eq!(undecodable.column.as_deref(), Some("name"));
        assert!(
            undecodable.message.contains("byte 2 of the record"),
            "{}",
            undecodable.message
        );
        assert_eq!(
            bad(&all[4]).issues[0].message,
            "the quote that opens at line 6, character 3 is never closed"
        );
        assert_eq!(bad(&all[4]).raw.0, b"5,\"open");
        assert_eq!(reader.provenance().unwrap().rows, 7);
    }

    #[test]
    fn a_record_that_is_too_long_leaves_the_next_one_alone() {
        let limits = ReadLimits {
            record_bytes: 100,
            ..ReadLimits::default()
        };
        let settings = SourceSettings {
            limits,
            ..SourceSettings::default()
        };
        let text = format!("a,b\n1,{}\n2,x\n", "y".repeat(300));
        let all = records(&mut open(text.as_bytes(), &settings).unwrap());
        assert_eq!(bad(&all[0]).issues[0].code, "too_long");
        assert!(bad(&all[0]).raw.0.is_empty());
        assert_eq!(short(&all[1]), (3, vec!["2".to_owned(), "x".to_owned()]));
    }

    #[test]
    fn very_wide_and_very_large() {
        let wide = vec!["x"; 10_000].join(",");
        assert_eq!(
            cells(format!("{wide}\n{wide}y\n").as_bytes())[0].len(),
            10_000
        );
        let large = "y".repeat(5 << 20);
        assert_eq!(
            cells(format!("a,b\n1,\"{large}\"\n").as_bytes())[0][1].len(),
            5 << 20
        );
    }

    #[test]
    fn encodings_are_undone_and_kept() {
        let text = "ім'я;місто\nОлена Петренко;Київ\nВіктор Шевченко;Вінниця\nЮрій Гончар;Дніпро\n";
        let expected = cells(text.as_bytes());
        let cyrillic = WINDOWS_1251.encode(text).0.into_owned();
        let marked = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
        let wide = [b"\xFF\xFE".to_vec(), utf16(text)].concat();
        for (bytes, encoding, bom) in [
            (&cyrillic, WINDOWS_1251, false),
            (&marked, UTF_8, true),
            (&wide, UTF_16LE, true),
        ] {
            let mut reader = auto(bytes);
            let dialect = reader.dialect().clone();
            assert_eq!((dialect.encoding, dialect.bom), (encoding, bom));
            assert_eq!(dialect.columns, ["ім'я", "місто"]);
            assert_eq!(reader.notes().len(), usize::from(encoding == WINDOWS_1251));
            let all = records(&mut reader);
            assert_eq!(all.iter().map(|r| short(r).1).collect::<Vec<_>>(), expected);
            let Record::Row(row) = &all[0] else { panic!() };
            let found = bytes.windows(row.raw().len()).any(|part| part == row.raw());
            assert!(found && row.raw().len() > 15);
        }
    }

    #[test]
    fn a_spoilt_unit_of_utf16_rejects_its_own_row() {
        let spoilt = [utf16("\u{feff}a,b\n1,"), vec![0, 0xD8], utf16("\n2,x\n")].concat();
        let all = records(&mut auto(&spoilt));
        assert_eq!(bad(&all[0]).issues[0].code, "undecodable");
        assert_eq!(bad(&all[0]).raw.0, [utf16("1,"), vec![0, 0xD8]].concat());
        assert_eq!(short(&all[1]).1, ["2", "x"]);
    }

    #[test]
    fn a_delimiter_that_may_be_half_a_character_is_refused() {
        let settings = SourceSettings {
            encoding: Choice::Given(SHIFT_JIS),
            delimiter: Choice::Given(b'|'),
            ..SourceSettings::default()
        };
        let refused = open(b"a|b\n", &settings);
        assert!(matches!(refused, Err(SourceError::UnsafeEncoding { .. })));
    }

    #[test]
    fn packed_inputs_are_unpacked() {
        let members = [gzip(b"a,b\n1,"), gzip(b"2\n")].concat();
        let frames = zstd::encode_all(&b"a,b\n1,2\n"[..], 0).unwrap();
        for packed in [members, frames] {
            assert_eq!(cells(&packed), [["1", "2"]]);
            let mut reader = auto(&packed);
            records(&mut reader);
            assert_eq!(reader.provenance().unwrap().bytes, packed.len() as u64);
        }
    }

    #[test]
    fn a_cut_archive_gives_its_rows_and_then_an_error() {
        let text: String = (0..200_000)
            .map(|n| format!("{n},{}\n", n * 7919 % 10_007))
            .collect();
        let packed = gzip(format!("a,b\n{text}").as_bytes());
        let mut reader = auto(&packed[..packed.len() - 10]);
        let mut count = 0;
        let error = loop {
            match reader.next_record() {
                Ok(Some(_)) => count += 1,
                Ok(None) => panic!("the cut went unnoticed"),
                Err(error) => break error,
            }
        };
        assert!(count > 100_000);
        assert!(
            matches!(error, SourceError::Compressed { packing: "gzip", offset, .. } if offset > 1000)
        );
        assert!(reader.next_record().unwrap().is_none());
    }

    #[test]
    fn what_cannot_be_an_input_is_named() {
        let error = |name: &str, bytes: &[u8]| {
            open_as(name, bytes, &SourceSettings::default()).unwrap_err()
        };
        for empty in [&b""[..], b"\xEF\xBB\xBF", b" \n\n", b"\xFF\xFE"] {
            assert!(matches!(error("x", empty), SourceError::Empty { .. }));
        }
        assert!(
            error("x.zip", b"PK\x03\x04rest")
                .to_string()
                .starts_with("`x.zip` is a zip archive: unpack")
        );
        assert!(
            error("x", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")
                .to_string()
                .contains(".xls")
        );
        assert!(matches!(
            error("x", b"a,b;c\n"),
            SourceError::UndecidedDelimiter { .. }
        ));
        assert!(matches!(
            error("x", b"name\nJos\xE9\n"),
            SourceError::UndecidedEncoding { .. }
        ));
        assert!(matches!(
            error("x", b"a,\"b\n1,2\n"),
            SourceError::BadHeader { line: 1, .. }
        ));
        assert!(matches!(
            error("x.json", b"\"a\""),
            SourceError::UnsupportedFormat { .. }
        ));
        let headless = SourceSettings {
            header: false,
            ..SourceSettings::default()
        };
        assert!(matches!(
            open(b"1,2\n", &headless),
            Err(SourceError::NoColumnNames { .. })
        ));
    }

    #[test]
    fn files_that_cannot_be_opened_are_named_as_written() {
        let folder = tempfile::tempdir().unwrap();
        let settings = SourceSettings::default();
        let open = |path: &std::path::Path| {
            Reader::open(&InputFile::new("in.csv", path), &settings, 0, RowNumber(1)).unwrap_err()
        };
        assert!(
            matches!(open(folder.path()), SourceError::IsDirectory { name } if name == "in.csv")
        );
        let missing = open(&folder.path().join("none"));
        assert_eq!(
            missing.to_string(),
            "`in.csv` does not exist: check the path"
        );
    }

    #[test]
    fn a_header_alone_is_an_input_of_no_rows() {
        let mut reader = auto(b"a;b");
        assert_eq!(reader.columns().names(), ["a", "b"]);
        assert!(reader.next_record().unwrap().is_none());
        assert_eq!(reader.provenance().unwrap().rows, 0);
    }

    #[test]
    fn a_table_without_a_header_takes_its_names_from_the_settings() {
        let settings = SourceSettings {
            header: false,
            columns: Some(vec!["id".to_owned(), "name".to_owned()]),
            ..SourceSettings::default()
        };
        let mut reader = open(b"1,Ann\n", &settings).unwrap();
        assert_eq!(reader.columns().names(), ["id", "name"]);
        assert_eq!(
            short(&records(&mut reader)[0]),
            (1, vec!["1".to_owned(), "Ann".to_owned()])
        );
    }

    #[test]
    fn reserved_columns_are_dropped_and_empty_and_double_names_kept() {
        let mut reader = auto(b"_line,,a,_error,a,_status\n1,2,3,4,5,6\n1,2\n");
        assert_eq!(reader.columns().names(), ["", "a", "a"]);
        let all = records(&mut reader);
        assert_eq!(short(&all[0]).1, ["2", "3", "5"]);
        assert_eq!(
            bad(&all[1]).issues[0].message,
            "the row has 1 cell where the table has 3 columns"
        );
    }

    #[test]
    fn mac_and_windows_line_ends() {
        assert_eq!(auto(b"a,b\r1,2\r").dialect().line_end, LineEnd::Cr);
        assert_eq!(
            rows(b"a,b\r1,2\r\r3,4"),
            [
                (2, vec!["1".to_owned(), "2".to_owned()]),
                (4, vec!["3".to_owned(), "4".to_owned()])
            ]
        );
        assert_eq!(auto(b"a,b\r\n1,2\r\n").dialect().line_end, LineEnd::CrLf);
    }

    #[test]
    fn lines_of_objects() {
        let text = b"\xEF\xBB\xBF{\"a\":1,\"_line\":7}\r\n\nbroken\n[1]\n{\"a\":1,}\n{\"a\":\"\xE9\"}\n{\"b\":{\"c\":\"\xD0\xB6\xD0\xB6\"}}";
        let mut reader = auto(text);
        assert_eq!(reader.dialect().format, Format::Jsonl);
        let all = records(&mut reader);
        let Record::Row(first) = &all[0] else {
            panic!()
        };
        assert_eq!(
            first.cells,
            Cells::Object(serde_json::from_str("{\"a\":1}").unwrap())
        );
        assert_eq!(first.raw(), b"{\"a\":1,\"_line\":7}");
        let codes: Vec<_> = all[1..5].iter().map(short).collect();
        let expected = [
            (3, "!bad_json"),
            (4, "!not_an_object"),
            (5, "!bad_json"),
            (6, "!undecodable"),
        ];
        assert_eq!(
            codes,
            expected.map(|(line, code)| (line, vec![code.to_owned()]))
        );
        let Record::Row(last) = &all[5] else { panic!() };
        assert_eq!((last.position.line, last.position.row), (7, RowNumber(15)));
    }

    #[test]
    fn an_array_of_objects_ends_where_it_breaks() {
        let mut reader = auto(b"[{\"a\":1},\n {\"a\":},\n{\"a\":3}\n{}]");
        let mut seen = Vec::new();
        let error = loop {
            match reader.next_record() {
                Ok(record) => seen.push(record.unwrap()),
                Err(error) => break error,
            }
        };
        assert_eq!(seen.len(), 3);
        assert_eq!(bad(&seen[1]).issues[0].code, "bad_json");
        assert!(matches!(error, SourceError::BrokenJson { line: 4, .. }));
    }

    /// Writes a table as any program would that knows RFC 4180, and gives its records as the csv crate reads them.
    fn table(
        cells: &[Vec<String>],
        end: LineEnd,
        always: bool,
        delimiter: u8,
        quote: u8,
    ) -> Vec<u8> {
        let terminator = match end {
            LineEnd::CrLf => csv::Terminator::CRLF,
            LineEnd::Lf => csv::Terminator::Any(b'\n'),
            LineEnd::Cr => csv::Terminator::Any(b'\r'),
        };
        let style = if always {
            csv::QuoteStyle::Always
        } else {
            csv::QuoteStyle::Necessary
        };
        let mut writer = csv::WriterBuilder::new()
            .terminator(terminator)
            .quote_style(style)
            .delimiter(delimiter)
            .quote(quote)
            .from_writer(Vec::new());
        for row in cells {
            writer.write_record(row).unwrap();
        }
        writer.into_inner().unwrap()
    }

    fn any_table() -> impl Strategy<Value = Vec<Vec<String>>> {
        let cell = "[ab,;\"'\n\r ж😀\0]{0,6}";
        (1usize..5).prop_flat_map(move |width| {
            proptest::collection::vec(proptest::collection::vec(cell, width), 1..12)
        })
    }

    proptest! {
        #[test]
        fn tables_come_back_cell_by_cell_and_byte_by_byte(
            table_cells in any_table(),
            end in proptest::sample::select(vec![LineEnd::Lf, LineEnd::CrLf, LineEnd::Cr]),
            always: bool,
            delimiter in proptest::sample::select(vec![b',', b';', b'\t', b'|']),
            quote in proptest::sample::select(b"\"'~".to_vec()),
            wide: bool,
        ) {
            let header = table_cells[0].clone();
            let mut table_cells = table_cells;
            // Rows of blanks are passed over.
            table_cells.retain(|row| !row.concat().trim().is_empty());
            let bytes = table(&table_cells, end, always, delimiter, quote);
            let stored = if wide { utf16(std::str::from_utf8(&bytes).unwrap()) } else { bytes.clone() };
            let settings = SourceSettings {
                format: Choice::Given(Format::Csv),
                delimiter: Choice::Given(delimiter),
                quote: Choice::Given(Some(quote)),
                encoding: Choice::Given(if wide { UTF_16LE } else { UTF_8 }),
                trim: false,
                ..SourceSettings::default()
            };
            // A table whose header is blank is none, and so is one without any text.
            prop_assume!(table_cells.first() == Some(&header));
            prop_assume!(!table_cells[1..].contains(&table_cells[0]));
            let mut reader = open(&stored, &settings).unwrap();
            prop_assert_eq!(reader.columns().names(), table_cells[0].as_slice());
            prop_assert_eq!(reader.dialect().line_end, end);
            let mut rebuilt = reader.dialect().header.clone().unwrap();
            let join = |into: &mut Vec<u8>| into.extend(if wide {
                utf16(std::str::from_utf8(end.bytes()).unwrap())
            } else {
                end.bytes().to_vec()
            });
            join(&mut rebuilt);
            let unit = if wide { 2 } else { 1 };
            for (record, expected) in records(&mut reader).iter().zip(&table_cells[1..]) {
                let Record::Row(row) = record else { panic!("{record:?}") };
                let before: String = rebuilt.iter().step_by(unit).map(|b| char::from(*b)).collect();
                let before = match end {
                    LineEnd::Cr => before.replace("\r\n", "\n").replace('\r', "\n"),
                    _ => before,
                };
                let before = before.matches('\n').count();
                prop_assert_eq!(row.position.line, before as u64 + 1);
                prop_assert_eq!(&short(record).1, expected);
                rebuilt.extend(row.raw());
                join(&mut rebuilt);
            }
            prop_assert_eq!(rebuilt, stored);
        }

        #[test]
        fn any_bytes_are_read_to_their_end(bytes: Vec<u8>, jsonl: bool) {
            let format = if jsonl { Format::Jsonl } else { Format::Csv };
            let settings = SourceSettings { format: Choice::Given(format), ..SourceSettings::default() };
            if let Ok(mut reader) = open(&bytes, &settings) {
                let mut last = 0;
                for record in records(&mut reader) {
                    let line = match &record {
                        Record::Row(row) => row.position.line,
                        Record::Bad(bad) => bad.position.line,
                    };
                    prop_assert!(line > last);
                    last = line;
                }
            }
        }

        #[test]
        fn no_line_is_lost_whatever_the_quotes(lines in proptest::collection::vec("[a\",]{0,7}a", 1..20)) {
            let text = format!("h,i\n{}\n", lines.join("\n"));
            let mut reader = auto(text.as_bytes());
            let raws: Vec<Vec<u8>> = records(&mut reader).into_iter().map(|record| match record {
                Record::Row(row) => row.into_raw().0,
                Record::Bad(bad) => bad.raw.0,
            }).collect();
            prop_assert_eq!(raws.join(&b'\n'), lines.join("\n").into_bytes());
        }
    }
}
