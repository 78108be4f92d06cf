use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::UTF_8;
use serde_json::{Value, json};

use crate::domain::RawRecord;

use super::RESERVED_COLUMNS;
use super::cells::{push_quoted, record_of, spans};
use super::dialect::Dialect;
use super::format::Format;
use super::raw_members::RawMembers;
use super::rejected_marks::{RAW, RAW_BASE64, encoding_note};
use super::text_codec::TextCodec;

/// A row that the user can fix and feed back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RejectedRow<'a> {
    /// Physical line in the input.
    pub line: u64,
    /// Its status in the results: `rejected`, `failed`, `in_doubt`.
    pub status: &'a str,
    /// All that is wrong with the row.
    pub error: &'a str,
    /// How to fix it.
    pub hint: &'a str,
    pub raw: &'a RawRecord,
}

/// Writes rows back in the format and encoding of their input, with `_line`, `_status`, `_error` and `_hint` added.
///
/// In a table these come before the row's own bytes, so that they keep their places in a ragged row. In an object they are the
/// first members. A JSON value that is not an object becomes the member `_raw` of a new object, or `_raw_base64` if it is not
/// text. Rows of a workbook become CSV in UTF-8. The four columns of an earlier round are dropped.
#[derive(Debug)]
pub struct RejectedWriter<W> {
    out: W,
    dialect: Dialect,
    codec: TextCodec,
    rows: u64,
}

impl<W: Write> RejectedWriter<W> {
    /// Writes the byte order mark and the header.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn new(out: W, dialect: Dialect) -> io::Result<Self> {
        let codec = TextCodec(dialect.encoding);
        let mut writer = Self {
            out,
            dialect,
            codec,
            rows: 0,
        };
        if writer.dialect.bom {
            writer.out.write_all(codec.mark())?;
        }
        if writer.dialect.format.is_table() {
            let header = writer.header();
            writer.put(&header)?;
            writer.put(writer.dialect.line_end.bytes())?;
        }
        Ok(writer)
    }

    /// # Errors
    /// If the output cannot be written.
    pub fn write(&mut self, row: &RejectedRow<'_>) -> io::Result<()> {
        let record = if self.dialect.format.is_table() {
            self.table_row(row)
        } else {
            self.object(row)
        };
        let end = self.dialect.line_end.bytes();
        if self.dialect.format == Format::Json {
            self.put(if self.rows == 0 { b"[" } else { b"," })?;
            self.put(end)?;
            self.put(&record)?;
        } else {
            self.put(&record)?;
            self.put(end)?;
        }
        self.rows += 1;
        Ok(())
    }

    /// Completes the output and returns it.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        if self.dialect.format == Format::Json {
            if self.rows == 0 {
                self.put(b"[")?;
            }
            let end = self.dialect.line_end.bytes();
            self.put(&[end, b"]", end].concat())?;
        }
        self.out.flush()?;
        Ok(self.out)
    }

    /// Writes bytes of a window in the input's encoding.
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.codec.utf16_big_endian().is_some() {
            self.out.write_all(&self.codec.raw(bytes))
        } else {
            self.out.write_all(bytes)
        }
    }

    fn header(&self) -> Vec<u8> {
        let syntax = self.dialect.syntax();
        let own = RESERVED_COLUMNS.map(str::as_bytes).join(&syntax.delimiter);
        let rest = match &self.dialect.header {
            Some(header) => self.without_reserved(header),
            None => {
                let names = self.dialect.columns.iter();
                let names: Vec<_> = names.map(|name| self.codec.encode(name)).collect();
                record_of(&names, syntax)
            }
        };
        [own, rest].join(&syntax.delimiter)
    }

    fn table_row(&self, row: &RejectedRow<'_>) -> Vec<u8> {
        let syntax = self.dialect.syntax();
        let delimiter = syntax.delimiter;
        let mut record = row.line.to_string().into_bytes();
        record.push(delimiter);
        record.extend(self.codec.encode(row.status));
        record.push(delimiter);
        // Always quoted and on one line, so that an unclosed quote in the previous row is detected here.
        let mut error = row.error.replace(['\r', '\n'], " ");
        if self.is_encoding_unclear(row) {
            error.push_str(&encoding_note(self.dialect.encoding));
        }
        push_quoted(&mut record, &self.codec.encode(&error), syntax);
        record.push(delimiter);
        let hint = row.hint.replace(['\r', '\n'], " ");
        push_quoted(&mut record, &self.codec.encode(&hint), syntax);
        if !row.raw.0.is_empty() {
            record.push(delimiter);
            record.extend(self.without_reserved(&row.raw.0));
        }
        record
    }

    /// Whether the encoding could not be determined from a few rows.
    fn is_encoding_unclear(&self, row: &RejectedRow<'_>) -> bool {
        let encoding = self.dialect.encoding;
        let is_utf8 = encoding == UTF_8 && std::str::from_utf8(&row.raw.0).is_ok();
        !self.dialect.bom && !is_utf8 && self.dialect.format != Format::Xlsx
    }

    /// A record of the input without the reserved cells of an earlier round, as bytes of a window.
    fn without_reserved(&self, raw: &[u8]) -> Vec<u8> {
        let record = whole_units(self.codec.window(raw).into_owned());
        let reserved = &self.dialect.reserved;
        if reserved.is_empty() {
            return record;
        }
        let syntax = self.dialect.syntax();
        let cells = spans(&record, syntax).into_iter().enumerate();
        let kept: Vec<&[u8]> = cells
            .filter(|(at, _)| !reserved.contains(at))
            .filter_map(|(_, span)| record.get(span))
            .collect();
        kept.join(&syntax.delimiter)
    }

    fn object(&self, row: &RejectedRow<'_>) -> Vec<u8> {
        let mut object = format!(
            "{{\"_line\":{},\"_status\":{},\"_error\":{},\"_hint\":{}",
            row.line,
            Value::from(row.status),
            Value::from(row.error),
            Value::from(row.hint)
        );
        let window = self.codec.window(&row.raw.0);
        let text = self.codec.text(&window);
        let members = text.as_deref().map(serde_json::from_str::<RawMembers<'_>>);
        match (members, &text) {
            (Some(Ok(RawMembers(members))), _) => {
                for (name, value) in members {
                    if !RESERVED_COLUMNS.contains(&&*name) {
                        // Line ends only occur between tokens, where a space means the same.
                        let value = value.get().replace(['\r', '\n'], " ");
                        object.push_str(&format!(",{}:{value}", Value::from(&*name)));
                    }
                }
            }
            (_, Some(text)) if text.is_empty() => {}
            (_, Some(text)) => object.push_str(&format!(",\"{RAW}\":{}", json!(text))),
            (_, None) => {
                let bytes = STANDARD.encode(&row.raw.0);
                object.push_str(&format!(",\"{RAW_BASE64}\":\"{bytes}\""));
            }
        }
        object.push('}');
        self.codec.encode(&object)
    }
}

/// Replaces a lone byte at the end of UTF-16, which would shift everything after it, by an invalid unit.
fn whole_units(mut record: Vec<u8>) -> Vec<u8> {
    if let [.., 0xFE, _, _] = record.as_slice() {
        record.truncate(record.len() - 3);
        record.extend_from_slice(b"\xED\xA0\x80");
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Cells, Columns, RowNumber};
    use crate::source::{Choice, Reader, Record, SourceSettings};
    use encoding_rs::{UTF_16LE, WINDOWS_1251};
    use proptest::prelude::*;
    use std::io::Cursor;

    fn read(bytes: &[u8], settings: &SourceSettings) -> (Dialect, Vec<Record>) {
        let input = Cursor::new(bytes.to_vec());
        let mut reader = Reader::from_read(input, "-", settings, 0, RowNumber(1)).unwrap();
        let records = std::iter::from_fn(|| reader.next_record().unwrap()).collect();
        (reader.dialect().clone(), records)
    }

    fn raw(record: &Record) -> RawRecord {
        match record {
            Record::Row(row) => row.clone().into_raw(),
            Record::Bad(bad) => bad.raw.clone(),
        }
    }

    /// What a record says: its cells, or the codes of its issues.
    /// What a record holds under its names. That it comes from a file of rejected rows makes no difference.
    fn said(record: &Record) -> Result<Cells, Vec<&str>> {
        match record {
            Record::Row(row) => Ok(match &row.cells {
                Cells::Table { columns, texts } => Cells::Table {
                    columns: Columns::new(columns.names().to_vec()).into(),
                    texts: texts.clone(),
                },
                object => object.clone(),
            }),
            Record::Bad(bad) => Err(bad.issues.iter().map(|i| i.code.as_str()).collect()),
        }
    }

    fn rejected(dialect: &Dialect, records: &[Record]) -> Vec<u8> {
        // As after a restart: only what was saved of the dialect is known.
        let saved = serde_json::to_string(dialect).unwrap();
        let dialect = serde_json::from_str(&saved).unwrap();
        let mut writer = RejectedWriter::new(Vec::new(), dialect).unwrap();
        for (record, line) in records.iter().zip(2..) {
            let row = RejectedRow {
                line,
                status: "failed",
                error: "no \"luck\",\nж",
                hint: "try\nit",
                raw: &raw(record),
            };
            writer.write(&row).unwrap();
        }
        writer.finish().unwrap()
    }

    /// Writes all records as rejected and reads them again, twice; gives the first file.
    fn round_trip(bytes: &[u8], settings: &SourceSettings) -> Vec<u8> {
        let (dialect, records) = read(bytes, settings);
        let first = rejected(&dialect, &records);
        let (again, reread) = read(&first, settings);
        assert_eq!(again.columns, dialect.columns);
        let before: Vec<_> = records.iter().map(said).collect();
        let after: Vec<_> = reread.iter().map(said).collect();
        assert_eq!(before, after, "{}", String::from_utf8_lossy(&first));
        assert_eq!(rejected(&again, &reread), first);
        first
    }

    fn auto(bytes: &[u8]) -> String {
        let written = round_trip(bytes, &SourceSettings::default());
        String::from_utf8_lossy(&written).into_owned()
    }

    #[test]
    fn a_table_keeps_its_bytes() {
        let text = "\u{feff}id;\"name\"\r\n1; \"x\r\n2;\"a\r\n\"\"b\"\r\n3\r\n";
        let expected = "\u{feff}_line;_status;_error;_hint;id;\"name\"\r\n\
            2;failed;\"no \"\"luck\"\", ж\";\"try it\";1; \"x\r\n\
            3;failed;\"no \"\"luck\"\", ж\";\"try it\";2;\"a\r\n\"\"b\"\r\n\
            4;failed;\"no \"\"luck\"\", ж\";\"try it\";3\r\n";
        assert_eq!(auto(text.as_bytes()), expected);
    }

    #[test]
    fn json_of_any_shape_is_given_back_as_objects() {
        let stream = "{\n\"a\":1\n}\n{\"a\":NaN}{\"a\":\n[1\n}\n{\"b\":[{\"property\":\"x\",\"value\":1}]}\n";
        let written = auto(stream.as_bytes());
        assert_eq!(written.lines().count(), 4, "{written}");
        let document = auto(b"{\"data\":[{\"userId\":1},\n{\"userId\":}],\"total\":2}");
        assert!(
            document.starts_with("[\n{") && document.trim_end().ends_with(']'),
            "{document}"
        );
    }

    #[test]
    fn flawed_records_stay_flawed_and_alone() {
        let text = b"id,name\n1,\"open\n2,\"a\"b\n3,\xFF\n4,\"open\n5,\xD0\xB6\xD0\xB6\n6,\n";
        let (dialect, records) = read(text, &SourceSettings::default());
        assert_eq!(records.iter().filter(|r| said(r).is_err()).count(), 4);
        assert_eq!(dialect.ending(), "csv");
        auto(text);
    }

    #[test]
    fn other_quotes_are_kept() {
        let text = b"'id','name'\n1,'it''s, \"so\"'\n2,'a'b\n3\n";
        let expected = "_line,_status,_error,_hint,'id','name'\n\
            2,failed,'no \"luck\", ж','try it',1,'it''s, \"so\"'\n\
            3,failed,'no \"luck\", ж','try it',2,'a'b\n\
            4,failed,'no \"luck\", ж','try it',3\n";
        assert_eq!(auto(text), expected);
        let given = SourceSettings {
            quote: Choice::Given(Some(b'~')),
            ..SourceSettings::default()
        };
        round_trip(b"id,name\n1,~a,\n~~~\n2,\"b\n", &given);
    }

    #[test]
    fn blanks_after_delimiters_stay_and_are_passed_over_again() {
        let text = b"id, name, x\n1, \"a, b\" , 2 \n2, \"open, 3\n3, \"t\" y, 4\n , ,\n4\n";
        let expected = "_line,_status,_error,_hint,id, name, x\n\
            2,failed,\"no \"\"luck\"\", \u{436}\",\"try it\",1, \"a, b\" , 2 \n\
            3,failed,\"no \"\"luck\"\", \u{436}\",\"try it\",2, \"open, 3\n\
            4,failed,\"no \"\"luck\"\", \u{436}\",\"try it\",3, \"t\" y, 4\n\
            5,failed,\"no \"\"luck\"\", \u{436}\",\"try it\",4\n";
        assert_eq!(auto(text), expected);
        let settings = SourceSettings {
            trim: false,
            skip_lines: 2,
            ..SourceSettings::default()
        };
        let written = round_trip(b"A report\n\nid;name\n1; \"Ann\"\n2; Ben \n", &settings);
        assert!(written.starts_with(b"_line;_status;_error;_hint;id;name\n2;failed"));
    }

    #[test]
    fn without_quotes_an_error_stays_in_its_cell() {
        let none = SourceSettings {
            quote: Choice::Given(None),
            ..SourceSettings::default()
        };
        let written = round_trip(b"id,name\n1,\"5\n2,6\"\"\n3\n", &none);
        let expected = "_line,_status,_error,_hint,id,name\n\
            2,failed,no \"luck\"  ж,try it,1,\"5\n\
            3,failed,no \"luck\"  ж,try it,2,6\"\"\n\
            4,failed,no \"luck\"  ж,try it,3\n";
        assert_eq!(String::from_utf8_lossy(&written), expected);
    }

    #[test]
    fn the_columns_of_an_earlier_round_are_replaced() {
        let written = auto(b"a,_error,b,_line,_hint\n1,\"x,y\",2,3,4\n");
        assert!(
            written.starts_with("_line,_status,_error,_hint,a,b\n2,failed,"),
            "{written}"
        );
        assert!(written.ends_with(",1,2\n"), "{written}");
    }

    #[test]
    fn a_table_of_an_earlier_version_has_no_hints() {
        let settings = SourceSettings::default();
        let rows = "12,rejected,\"no luck\",a,\"x\ny\"\n13,rejected,\"no luck\",b,2\n";
        let (dialect, earlier) = read(
            format!("_line,_status,_error,id,name\n{rows}").as_bytes(),
            &settings,
        );
        let (_, plain) = read(b"id,name\na,\"x\ny\"\nb,2\n", &settings);
        assert_eq!(dialect.columns, ["id", "name"]);
        assert_eq!(
            earlier.iter().map(said).collect::<Vec<_>>(),
            plain.iter().map(said).collect::<Vec<_>>()
        );
        let written = rejected(&dialect, &earlier);
        assert!(written.starts_with(b"_line,_status,_error,_hint,id,name\n2,failed,"));
        let headless = SourceSettings {
            header: false,
            columns: Some(dialect.columns),
            ..settings
        };
        let (_, given) = read(
            format!("_line,_status,_error,x,y\n{rows}").as_bytes(),
            &headless,
        );
        assert_eq!(
            given.iter().map(said).collect::<Vec<_>>(),
            plain.iter().map(said).collect::<Vec<_>>()
        );
    }

    #[test]
    fn encodings_are_kept() {
        let text = "ім'я,b\nЇжак,2\nЮрій,3\n";
        for encoding in [WINDOWS_1251, UTF_16LE] {
            let bytes = match encoding {
                e if e == UTF_16LE => TextCodec(UTF_16LE).raw(text.as_bytes()),
                other => other.encode(text).0.into_owned(),
            };
            let settings = SourceSettings {
                encoding: Choice::Given(encoding),
                ..SourceSettings::default()
            };
            let written = round_trip(&bytes, &settings);
            let row = TextCodec(encoding).window(&written).into_owned();
            let row = TextCodec(encoding).text(&row).unwrap().into_owned();
            assert!(row.contains("luck\"\", ж (this file is in "), "{row}");
            assert!(row.contains("\",\"try it\",Їжак,2\n"), "{row}");
        }
    }

    #[test]
    fn a_file_of_few_rows_tells_its_encoding() {
        let settings = SourceSettings {
            encoding: Choice::Given(WINDOWS_1251),
            ..SourceSettings::default()
        };
        let input = WINDOWS_1251.encode("name,b\nЇжак,2\n").0.into_owned();
        let (dialect, records) = read(&input, &settings);
        let (again, _) = read(&rejected(&dialect, &records), &SourceSettings::default());
        assert_eq!(again.encoding, WINDOWS_1251);
        // Mended in an editor that saves UTF-8: the note is not true any more.
        let saved = WINDOWS_1251
            .decode(&rejected(&dialect, &records))
            .0
            .into_owned();
        assert!(saved.contains("windows-1251"));
        let (again, rows) = read(saved.as_bytes(), &settings);
        assert_eq!(again.encoding, UTF_8);
        assert!(
            matches!(said(&rows[0]), Ok(Cells::Table { texts, .. }) if texts.get(0) == Some("Їжак"))
        );
        // Rows with bytes that are no UTF-8, alone.
        let (dialect, _) = read("name,b\nЇжак,2\n".as_bytes(), &SourceSettings::default());
        let (_, bad) = read(
            b"name,b\nJos\xE9,2\n",
            &SourceSettings {
                encoding: Choice::Given(UTF_8),
                ..SourceSettings::default()
            },
        );
        let (again, records) = read(&rejected(&dialect, &bad), &SourceSettings::default());
        assert_eq!(again.encoding, UTF_8);
        assert_eq!(said(&records[0]), Err(vec!["undecodable"]));
    }

    #[test]
    fn a_workbooks_rejected_rows_are_read_with_its_settings_and_are_no_better_unmended() {
        let columns = vec!["id".to_owned(), "name".to_owned()];
        let dialect = Dialect::of_sheet(Some("id,name".into()), columns, Vec::new());
        let rows = [
            "#N/A,Ґудзь",
            "#ROUNDED! 1230000000000000,b",
            "#FORMULA!,c",
            "7,#1",
        ];
        let mut writer = RejectedWriter::new(Vec::new(), dialect).unwrap();
        for row in rows {
            let raw = &RawRecord(row.into());
            let (status, error, hint) = ("rejected", "e", "h");
            writer
                .write(&RejectedRow {
                    line: 2,
                    status,
                    error,
                    hint,
                    raw,
                })
                .unwrap();
        }
        let written = writer.finish().unwrap();
        let settings = SourceSettings {
            format: Choice::Given(Format::Xlsx),
            encoding: Choice::Given(WINDOWS_1251),
            delimiter: Choice::Given(b';'),
            ..SourceSettings::default()
        };
        let (_, records) = read(&written, &settings);
        let flaws = records.iter().map(|record| match record {
            Record::Row(row) => row.flaws.iter().map(|f| f.code.as_str()).collect(),
            Record::Bad(bad) => panic!("{bad:?}"),
        });
        let flaws: Vec<Vec<&str>> = flaws.collect();
        assert_eq!(
            flaws,
            [vec![], vec!["inexact_number"], vec!["no_value"], vec![]]
        );
        let Record::Row(first) = &records[0] else {
            panic!()
        };
        let Cells::Table { texts, .. } = &first.cells else {
            panic!()
        };
        assert_eq!(texts.get(1), Some("Ґудзь"));
    }

    #[test]
    fn half_a_unit_at_the_end_of_utf16_shifts_nothing() {
        let odd = [
            b"\xFF\xFE".to_vec(),
            TextCodec(UTF_16LE).raw(b"a,b\n1,2"),
            vec![7],
        ]
        .concat();
        let (dialect, records) = read(&odd, &SourceSettings::default());
        let twice = [records.clone(), records].concat();
        let (_, reread) = read(&rejected(&dialect, &twice), &SourceSettings::default());
        assert_eq!(
            reread.iter().map(said).collect::<Vec<_>>(),
            [Err(vec!["undecodable"]), Err(vec!["undecodable"])]
        );
    }

    #[test]
    fn a_table_without_a_header_is_read_again_with_the_same_settings() {
        let settings = SourceSettings {
            header: false,
            columns: Some(vec!["id".to_owned(), "the name".to_owned()]),
            ..SourceSettings::default()
        };
        let written = round_trip(b"1,Ann\n2,x,y\n", &settings);
        assert!(written.starts_with(b"_line,_status,_error,_hint,id,the name\n2,failed"));
    }

    #[test]
    fn a_record_whose_bytes_were_not_kept_stays_rejected() {
        let (dialect, _) = read(b"a\n1\n", &SourceSettings::default());
        let mut writer = RejectedWriter::new(Vec::new(), dialect).unwrap();
        let (status, error, hint) = ("rejected", "too long", "");
        let raw = &RawRecord::default();
        writer
            .write(&RejectedRow {
                line: 9,
                status,
                error,
                hint,
                raw,
            })
            .unwrap();
        let (_, records) = read(&writer.finish().unwrap(), &SourceSettings::default());
        assert_eq!(said(&records[0]), Err(vec!["ragged"]));
    }

    #[test]
    fn objects_get_four_members() {
        let text = "{\"b\": 1.50,\"a\":{\"x\":[1, 2]}}\n{\"_error\":\"old\",\"c\":12345678901234567890123}\n";
        let error = r#""_error":"no \"luck\",\nж","_hint":"try\nit""#;
        let expected = format!(
            "{{\"_line\":2,\"_status\":\"failed\",{error},\"b\":1.50,\"a\":{{\"x\":[1, 2]}}}}\n\
             {{\"_line\":3,\"_status\":\"failed\",{error},\"c\":12345678901234567890123}}\n"
        );
        assert_eq!(auto(text.as_bytes()), expected);
    }

    #[test]
    fn an_array_stays_an_array() {
        let written = auto(b"[{\"a\":\n1}, {\"b\":2}]");
        assert!(written.starts_with("[\n{\"_line\":2,"), "{written}");
        assert!(written.ends_with(",\"b\":2}\n]\n"), "{written}");
        assert!(
            written.contains("\"a\":1}") || written.contains("\"a\": 1}"),
            "{written}"
        );
        assert_eq!(auto(b"[]"), "[\n]\n");
    }

    #[test]
    fn what_is_no_object_is_kept_as_text() {
        let written = auto(b"{\"a\":1}\n{oops\n{\"x\":\"\xFF\"}\n\xD0\xB6\n\xD0\xB6\n");
        assert!(written.contains(",\"_raw\":\"{oops\"}\n"), "{written}");
        assert!(
            written.contains(",\"_raw_base64\":\"eyJ4Ijoi/yJ9\"}\n"),
            "{written}"
        );
    }

    #[test]
    fn what_was_no_object_may_be_mended_within_its_text() {
        let (dialect, records) = read(b"{\"a\":1,}\n", &SourceSettings::default());
        let written = String::from_utf8(rejected(&dialect, &records)).unwrap();
        let mended = written.replace("1,}", "1}");
        assert_ne!(written, mended);
        let (_, again) = read(mended.as_bytes(), &SourceSettings::default());
        let (_, plain) = read(b"{\"a\":1}\n", &SourceSettings::default());
        assert_eq!(said(&again[0]), said(&plain[0]));
        let own = b"{\"_raw\":\"{}\"}\n{\"_error\":\"x\",\"_raw\":\"{}\",\"a\":2}\n";
        let (_, others) = read(own, &SourceSettings::default());
        let members = others.iter().map(|record| match said(record) {
            Ok(Cells::Object(members)) => members.len(),
            other => panic!("{other:?}"),
        });
        assert_eq!(members.collect::<Vec<_>>(), [1, 2], "a user's own member");
    }

    proptest! {
        #[test]
        fn whatever_was_read_can_be_fed_back(lines in proptest::collection::vec("[ab\",;ж]{0,8}", 0..12), crlf: bool) {
            let end = if crlf { "\r\n" } else { "\n" };
            let text = format!("h,i{end}{}{end}", lines.join(end));
            let settings = SourceSettings {
                delimiter: Choice::Given(b','),
                ..SourceSettings::default()
            };
            round_trip(text.as_bytes(), &settings);
        }
    }
}
