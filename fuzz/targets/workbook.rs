//! The parts of an xlsx workbook → rows. The archive around them is always whole, so that what is fuzzed is read at all.
#![no_main]

use std::io::Cursor;

use hcsync::domain::RowNumber;
use hcsync::source::{Reader, SourceSettings};
use libfuzzer_sys::fuzz_target;

const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";

// The rows of the sheet, then after a NUL each: the shared strings, the styles, and what is to stand for the workbook.
fuzz_target!(|data: &[u8]| {
    let mut parts = data.split(|b| *b == 0);
    let mut part = |head: &str, tail: &str| {
        let body = parts.next().unwrap_or_default();
        [head.as_bytes(), body, tail.as_bytes()].concat()
    };
    let sheet = part(&format!("<worksheet xmlns=\"{MAIN}\">"), "</worksheet>");
    let strings = part(&format!("<sst xmlns=\"{MAIN}\">"), "</sst>");
    let styles = part(&format!("<styleSheet xmlns=\"{MAIN}\">"), "</styleSheet>");
    let sheets = "<sheets><sheet name=\"A\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>";
    let book = part(
        &format!("<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\">"),
        sheets,
    );
    let relations = |of: &[(&str, &str)]| {
        let one = |(at, (kind, target)): (usize, &(&str, &str))| {
            format!(
                "<Relationship Id=\"r{}\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"/>",
                at + 1
            )
        };
        let all: String = of.iter().enumerate().map(one).collect();
        format!("<Relationships xmlns=\"{PACKAGE}\">{all}</Relationships>").into_bytes()
    };
    let file = archive(&[
        ("[Content_Types].xml", b"<Types/>".to_vec()),
        (
            "_rels/.rels",
            relations(&[("officeDocument", "xl/workbook.xml")]),
        ),
        ("xl/workbook.xml", book),
        (
            "xl/_rels/workbook.xml.rels",
            relations(&[
                ("worksheet", "worksheets/sheet1.xml"),
                ("sharedStrings", "sharedStrings.xml"),
                ("styles", "styles.xml"),
            ]),
        ),
        ("xl/sharedStrings.xml", strings),
        ("xl/styles.xml", styles),
        ("xl/worksheets/sheet1.xml", sheet),
    ]);
    read(file);
});

fn read(file: Vec<u8>) {
    let opened = Reader::from_read(
        Cursor::new(file),
        "a.xlsx",
        &SourceSettings::default(),
        0,
        RowNumber(1),
    );
    let Ok(mut reader) = opened else { return };
    let mut line = 0;
    while let Ok(Some(record)) = reader.next_record() {
        let position = match &record {
            hcsync::source::Record::Row(row) => row.position,
            hcsync::source::Record::Bad(bad) => bad.position,
        };
        assert!(position.line > line, "lines go back");
        line = position.line;
    }
}

/// A zip archive whose parts are stored as they are.
fn archive(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut zip, mut index) = (Vec::new(), Vec::new());
    for (name, body) in parts {
        let size = (body.len() as u32).to_le_bytes();
        let head = [
            &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
            &crc32fast::hash(body).to_le_bytes(),
            &size,
            &size,
            &(name.len() as u16).to_le_bytes(),
            &[0, 0],
        ]
        .concat();
        let offset = (zip.len() as u32).to_le_bytes();
        zip.extend([b"PK\x03\x04", head.as_slice(), name.as_bytes(), body].concat());
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
    let (size, at) = (
        (index.len() as u32).to_le_bytes(),
        (zip.len() as u32).to_le_bytes(),
    );
    let end = [
        b"PK\x05\x06\0\0\0\0",
        &count[..],
        &count,
        &size,
        &at,
        &[0, 0],
    ]
    .concat();
    [zip, index, end].concat()
}
