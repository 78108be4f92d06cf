//! A config's text → settings or an error that names its place; then, bound to columns, cells → values.
#![no_main]

use std::path::Path;
use std::sync::Arc;

use hcsync::config::{Document, parse_text};
use hcsync::domain::{Cells, Columns, KeyField, Position, RawRecord, Row, RowNumber};
use hcsync::mapping::Schema;
use libfuzzer_sys::fuzz_target;

const COLUMNS: [&str; 9] = [
    "userId", "email", "name", "phone", "when", "n", "flag", "tags", "x y",
];

// The config, then after each NUL a cell.
fuzz_target!(|data: &[u8]| {
    let mut parts = data.split(|b| *b == 0);
    let path = Path::new("a.toml");
    // As Windows saves it, it may be UTF-16, whose every second byte is a NUL.
    let document = match data {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Document::parse(path, data),
        _ => Document::parse(path, parts.next().unwrap_or_default()),
    };
    let document = match document {
        Ok(document) => document,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let settings = match parse_text(path, document.text()) {
        Ok(settings) => settings,
        Err(error) => {
            let told = error.to_string();
            assert!(told.contains("a.toml"), "{told}");
            return;
        }
    };
    let columns = Columns::new(COLUMNS.map(str::to_owned).to_vec());
    let keys = [KeyField::UserId, KeyField::Email];
    let schema = match Schema::new(&settings.mapping, &keys, &[&columns]) {
        Ok(schema) => schema,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let mut texts: Vec<String> = parts
        .map(|cell| String::from_utf8_lossy(cell).into_owned())
        .take(COLUMNS.len())
        .collect();
    texts.resize(COLUMNS.len(), "1".to_owned());
    let raw = RawRecord::default();
    let position = Position {
        source: 0,
        row: RowNumber(1),
        line: 2,
    };
    let columns = Arc::new(columns);
    let row = Row {
        flaws: Vec::new(),
        position,
        cells: Cells::Table { columns, texts },
        raw,
    };
    let mapped = schema.map(&row);
    let again = schema.map(&row);
    assert_eq!(format!("{mapped:?}"), format!("{again:?}"));
});
