//! CSV for spreadsheets: it begins with a BOM, so that its encoding is recognized, and no cell is run as a formula.

use std::borrow::Cow;
use std::io::{self, Write};

const BOM: &[u8] = "\u{feff}".as_bytes();

#[derive(Debug)]
pub(super) struct SpreadsheetCsv<W: Write> {
    csv: csv::Writer<W>,
}

impl<W: Write> SpreadsheetCsv<W> {
    /// Writes the BOM and the header.
    pub(super) fn new<'a>(
        mut out: W,
        columns: impl IntoIterator<Item = &'a str>,
    ) -> io::Result<Self> {
        out.write_all(BOM)?;
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(columns)?;
        Ok(Self { csv })
    }

    /// Writes one record, each cell defused.
    pub(super) fn write<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        for cell in cells {
            self.csv.write_field(defuse(cell).as_bytes())?;
        }
        Ok(self.csv.write_record(None::<&[u8]>)?)
    }

    /// Flushes, and gives the writer back.
    pub(super) fn finish(self) -> io::Result<W> {
        self.csv.into_inner().map_err(|e| e.into_error())
    }
}

/// Returns the cell with a `'` before each part that a spreadsheet could run as a formula.
///
/// A spreadsheet with another separator than the comma splits cells elsewhere: after a `;`, a tab or a line end.
pub fn defuse(cell: &str) -> Cow<'_, str> {
    let parts = || {
        let mut before = "";
        let parts = cell.split_inclusive([';', '\t', '\n', '\r']);
        parts.map(move |part| {
            // The second half of a line end begins no cell.
            let is_half = part == "\n" && before.ends_with('\r');
            before = part;
            (part, !is_half && is_live(part))
        })
    };
    if !parts().any(|(_, is_live)| is_live) {
        return Cow::Borrowed(cell);
    }
    let mut defused = String::with_capacity(cell.len() + 4);
    for (part, is_live) in parts() {
        if is_live {
            defused.push('\'');
        }
        defused.push_str(part);
    }
    Cow::Owned(defused)
}

/// Whether a part begins a formula, also after quotes, blanks and zero-width characters, which importers drop. Full-width forms
/// count, because some versions fold them.
fn is_live(part: &str) -> bool {
    if part.starts_with(['\t', '\r', '\n']) {
        return true;
    }
    let skipped =
        |c: char| c.is_whitespace() || super::is_hidden(c) || matches!(c, '"' | '“' | '”' | '＂');
    let first = part.trim_start_matches(skipped).chars().next();
    matches!(
        first,
        Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '−')
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_defused_in_every_disguise() {
        for live in [
            "=1",
            "+1",
            "-1",
            "@a",
            "\ta",
            "\ra",
            "\"=1",
            " =1",
            "＝1",
            "\u{200b}=1",
            "\"\" @a",
            "\u{feff}=1",
        ] {
            assert_eq!(defuse(live), format!("'{live}"));
        }
        assert_eq!(defuse("a;=1"), "a;'=1");
        assert_eq!(defuse("a\n\"=1"), "a\n'\"=1");
        assert_eq!(defuse("a\r\n=1"), "a\r\n'=1");
        for tame in [
            "",
            "a",
            "1-1",
            "a=b",
            "'=1",
            "ann@example.com",
            "vip; lead",
            "a\r\nb",
        ] {
            assert_eq!(defuse(tame), tame);
        }
    }

    fn sheet(records: &[Vec<String>]) -> Vec<u8> {
        let mut sheet = SpreadsheetCsv::new(Vec::new(), ["a", "b", "c"]).unwrap();
        for record in records {
            sheet.write(record.iter().map(String::as_str)).unwrap();
        }
        sheet.finish().unwrap()
    }

    proptest! {
        #[test]
        fn cells_are_always_defused_and_parse_back(
            records in proptest::collection::vec(proptest::collection::vec("[=+@;\"',\\-\t\r\n a-c＝]{0,6}|\\PC{0,6}", 3), 0..5)
        ) {
            let bytes = sheet(&records);
            let bytes = bytes.strip_prefix(BOM).unwrap();
            let mut reader = csv::Reader::from_reader(bytes);
            let read: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            prop_assert_eq!(read.len(), records.len());
            for (read, record) in read.iter().zip(&records) {
                for (cell, original) in read.iter().zip(record) {
                    prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝']), "{cell:?}");
                    prop_assert_eq!(cell, defuse(original));
                    prop_assert_eq!(defuse(cell), cell, "defused once is defused");
                    let added = cell.matches('\'').count() - original.matches('\'').count();
                    prop_assert_eq!(cell.chars().count(), original.chars().count() + added);
                }
            }
        }
    }
}
