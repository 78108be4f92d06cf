//! Bytes of a file → rows: nothing panics, nothing is lost, every place is right.
#![no_main]

use hcsync::domain::RowNumber;
use hcsync::source::{Choice, Format, ReadLimits, Reader, Record, SourceError, SourceSettings};
use libfuzzer_sys::fuzz_target;

const FIRST_ROW: u64 = 10;

fuzz_target!(|data: &[u8]| {
    let Some((&[how, wanted, bounds], file)) = data.split_first_chunk() else {
        return;
    };
    let settings = settings(how, wanted, bounds);
    if let Ok(reader) = Reader::from_read(
        std::io::Cursor::new(file.to_vec()),
        "fuzzed",
        &settings,
        3,
        RowNumber(FIRST_ROW),
    ) {
        read(reader, file);
    }
});

/// The three bytes before the file's own choose among the settings; zeros are the defaults.
fn settings(how: u8, wanted: u8, bounds: u8) -> SourceSettings {
    let formats = [
        Choice::Auto,
        Choice::Given(Format::Csv),
        Choice::Given(Format::Tsv),
        Choice::Given(Format::Jsonl),
        Choice::Given(Format::Json),
        Choice::Given(Format::Xlsx),
    ];
    let labels = [
        "",
        "utf-8",
        "utf-16le",
        "utf-16be",
        "windows-1251",
        "shift_jis",
        "gb18030",
        "koi8-u",
        "latin1",
    ];
    let delimiters = [0, b',', b';', b'\t', b'|', b' ', b'a'];
    let headless = how & 0x80 != 0;
    let label = labels[usize::from(wanted & 0x0F) % labels.len()];
    let delimiter = delimiters[usize::from(wanted >> 4) % delimiters.len()];
    let mut settings = SourceSettings {
        format: formats[usize::from(how & 0x0F) % formats.len()],
        header: !headless,
        columns: headless.then(|| vec!["a".to_owned(), "b".to_owned()]),
        ..SourceSettings::default()
    };
    if let Some(encoding) = encoding_rs::Encoding::for_label(label.as_bytes()) {
        settings.encoding = Choice::Given(encoding);
    }
    if delimiter != 0 {
        settings.delimiter = Choice::Given(delimiter);
    }
    // Where the delimiter is given, so may the quote be.
    settings.quote = match (delimiter, bounds & 6) {
        (0, _) | (_, 0) => Choice::Auto,
        (_, 2) => Choice::Given(Some(b'\'')),
        (_, 4) => Choice::Given(Some(b'~')),
        (..) => Choice::Given(None),
    };
    if bounds & 1 == 1 {
        settings.limits = ReadLimits {
            quoted_lines: u64::from(bounds >> 6),
            quoted_bytes: usize::from(bounds >> 1),
            record_bytes: usize::from(bounds),
        };
    }
    settings
}

fn read(mut reader: Reader, file: &[u8]) {
    let dialect = reader.dialect().clone();
    let array = dialect.format == Format::Json;
    let (mut rows, mut line) = (0, 0);
    let mut raws = dialect.header.clone().into_iter().collect::<Vec<_>>();
    loop {
        let record = match reader.next_record() {
            Ok(Some(record)) => record,
            Ok(None) => break,
            Err(error) => {
                let known = matches!(
                    error,
                    SourceError::BrokenJson { .. }
                        | SourceError::Compressed { .. }
                        | SourceError::BadWorkbook { .. }
                );
                assert!(known && !error.to_string().is_empty(), "{error:?}");
                assert!(
                    reader.next_record().unwrap().is_none(),
                    "rows after an error"
                );
                return;
            }
        };
        let (position, raw) = match record {
            Record::Row(row) => {
                // Names and cells are one for one, which is what everything after this builds on.
                if let hcsync::domain::Cells::Table { columns, texts } = &row.cells {
                    assert_eq!(columns.names().len(), texts.len());
                }
                (row.position, row.raw)
            }
            Record::Bad(bad) => {
                assert!(!bad.issues.is_empty(), "rejected without a reason");
                (bad.position, bad.raw)
            }
        };
        assert!(
            position.line > line || (array && position.line >= line),
            "lines go back"
        );
        assert_eq!((position.source, position.row.0), (3, FIRST_ROW + rows));
        line = position.line;
        rows += 1;
        raws.push(raw.0);
    }
    let provenance = reader.provenance().unwrap();
    assert_eq!(
        (provenance.rows, provenance.bytes),
        (rows, file.len() as u64)
    );
    // Without a header, a first line with the columns of a rejected file is passed over.
    let own_header = dialect.header.is_none() && file.windows(5).any(|bytes| bytes == b"_line");
    // What was no object is read as what it was, which is not how it stands there.
    let unpacks = file.windows(4).any(|bytes| bytes == b"_raw");
    if is_plain(file)
        && !own_header
        && !unpacks
        && dialect.format != Format::Xlsx
        && !dialect.encoding.name().starts_with("UTF-16")
    {
        let mark = if dialect.bom { 3 } else { 0 };
        nothing_is_lost(
            &file[mark..],
            &raws,
            if array {
                b" \t\r\n\x0C[,]"
            } else {
                b" \t\r\n\x0C"
            },
        );
    }
}

fn is_plain(file: &[u8]) -> bool {
    let zstd = matches!(
        file,
        [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..]
    );
    !zstd && !file.starts_with(&[0x1F, 0x8B])
}

/// The records' own bytes stand one after the other in the file, with nothing but `between` around them.
fn nothing_is_lost(file: &[u8], raws: &[Vec<u8>], between: &[u8]) {
    let lower = file.to_ascii_lowercase();
    let says_delimiter = lower.starts_with(b"sep=") || lower.starts_with(b"\"sep=");
    let end = file.iter().position(|b| matches!(b, b'\r' | b'\n'));
    let after = &file[end.unwrap_or(file.len())..];
    // A first line that says the delimiter is no record; one that only looks like it is the header.
    if says_delimiter && lost(after, raws, between).is_none() {
        return;
    }
    if let Some(lost) = lost(file, raws, between) {
        panic!("{lost}");
    }
}

fn lost(file: &[u8], raws: &[Vec<u8>], between: &[u8]) -> Option<String> {
    let mut rest = file;
    for raw in raws {
        if raw.is_empty() {
            // Too long to be kept: where the next one begins cannot be told from here.
            return None;
        }
        while !rest.starts_with(raw) {
            let Some((first, after)) = rest.split_first() else {
                return Some(format!("a record is not in the file: {raw:?}"));
            };
            if !between.contains(first) {
                return Some(format!("lost before {raw:?}"));
            }
            rest = after;
        }
        rest = &rest[raw.len()..];
    }
    let is_over = rest.iter().all(|b| between.contains(b));
    (!is_over).then(|| format!("lost at the end: {rest:?}"))
}
