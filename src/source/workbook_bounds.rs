//! Checks the size of a workbook before the library opens it. A workbook may be compressed a thousandfold, and the library keeps
//! everything but the cells in memory.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};

use quick_xml::Reader;
use quick_xml::events::Event;
use zip::ZipArchive;

use super::workbook_counts::{Counts, Metered};

const MIB: u64 = 1 << 20;

/// The maximum size of the file in bytes.
pub(super) const MAX_FILE: u64 = 2_048 * MIB;
/// The maximum number of cells of a sheet, with rows as wide as their last cell, and of the bytes of their texts.
pub(super) const MAX_CELLS: u64 = 100_000_000;
pub(super) const MAX_TEXT: u64 = 2_048 * MIB;

/// The limits of a workbook, listed in `docs/limits.md`.
#[derive(Debug, Clone, Copy)]
pub(super) struct WorkbookBounds {
    /// Bytes of all parts together, decompressed.
    pub(super) unpacked: u64,
    /// Bytes of one tag or text.
    pub(super) token: u64,
    /// Bytes of one cell or one shared string, with its markup.
    pub(super) cell: u64,
    /// Shared strings, and their bytes.
    pub(super) strings: u64,
    pub(super) string_bytes: u64,
    /// Rows of a part (the format's own limit), and elements of its rows and cells.
    pub(super) rows: u64,
    pub(super) elements: u64,
    /// Bytes of a part outside of cells and shared strings: styles, sheet names, relationships.
    pub(super) markup: u64,
}

pub(super) const BOUNDS: WorkbookBounds = WorkbookBounds {
    unpacked: 4_096 * MIB,
    token: MIB,
    cell: 4 * MIB,
    strings: 20_000_000,
    string_bytes: 512 * MIB,
    rows: 1_048_576,
    elements: 250_000_000,
    markup: 64 * MIB,
};

/// Why a workbook cannot be opened.
#[derive(Debug)]
pub(super) enum BoundsError {
    /// What exceeds its limit.
    TooLarge(String),
    Read(io::Error),
}

impl WorkbookBounds {
    /// Decompresses all parts once and checks their sizes. A malformed archive or part is left to the library to reject, which
    /// does not read further than this.
    ///
    /// # Errors
    /// If something exceeds its limit.
    pub(super) fn check(&self, file: &File) -> Result<(), BoundsError> {
        let mut file = file;
        let archive = ZipArchive::new(BufReader::new(file));
        let mut unpacked = 0;
        if let Ok(mut archive) = archive {
            for index in 0..archive.len() {
                let Ok(part) = archive.by_index(index) else {
                    continue;
                };
                let name = part.name().unwrap_or_default().into_owned();
                let left = self.unpacked - unpacked;
                let counted = self.count(part, left);
                unpacked += counted.map_err(|excess| excess.named(&name, self))?;
            }
        }
        file.rewind().map_err(BoundsError::Read)
    }

    /// Checks one part and returns its size in bytes.
    fn count(&self, part: impl Read, max_bytes: u64) -> Result<u64, ExceededBound> {
        let mut reader = Reader::from_reader(Metered {
            inner: BufReader::new(part),
            token: 0,
            max_token: self.token,
        });
        let config = reader.config_mut();
        config.check_end_names = false;
        let mut counts = Counts::default();
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            reader.get_mut().token = 0;
            let event = match reader.read_event_into(&mut buffer) {
                Ok(Event::Eof) => break,
                Ok(event) => event,
                Err(_) if reader.get_ref().is_spent() => return Err(ExceededBound::Token),
                Err(_) => break,
            };
            let at = reader.buffer_position();
            if at > max_bytes {
                return Err(ExceededBound::Unpacked);
            }
            if at - counts.at > self.token {
                return Err(ExceededBound::Token);
            }
            counts.see(&event, at);
            self.check_counts(&counts)?;
        }
        Ok(reader.buffer_position())
    }

    fn check_counts(&self, counts: &Counts) -> Result<(), ExceededBound> {
        let counted = [
            (counts.text, self.cell, ExceededBound::Cell),
            (counts.strings, self.strings, ExceededBound::Strings),
            (
                counts.string_bytes,
                self.string_bytes,
                ExceededBound::StringBytes,
            ),
            (counts.row_tags, self.rows * 2, ExceededBound::Rows),
            (counts.tags, self.elements * 2, ExceededBound::Elements),
            (counts.markup, self.markup, ExceededBound::Markup),
        ];
        let excess = counted.into_iter().find(|(count, max, _)| count > max);
        excess.map_or(Ok(()), |(.., excess)| Err(excess))
    }
}

/// The limit that is exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExceededBound {
    Unpacked,
    Token,
    Cell,
    Strings,
    StringBytes,
    Rows,
    Elements,
    Markup,
}

impl ExceededBound {
    fn named(self, part: &str, bounds: &WorkbookBounds) -> BoundsError {
        let mib = |bytes: u64| format!("{} MiB", bytes.div_ceil(MIB));
        BoundsError::TooLarge(match self {
            Self::Unpacked => format!("it unpacks to more than {}", mib(bounds.unpacked)),
            Self::Token => format!(
                "its part `{part}` has a text or tag of more than {}",
                mib(bounds.token)
            ),
            Self::Cell => format!(
                "its part `{part}` has a cell of more than {}",
                mib(bounds.cell)
            ),
            Self::Strings => format!("it has more than {} different texts", bounds.strings),
            Self::StringBytes => format!("its texts take more than {}", mib(bounds.string_bytes)),
            Self::Rows => format!("its part `{part}` has more than {} rows", bounds.rows),
            Self::Elements => format!(
                "its part `{part}` has more than {} elements of rows and cells",
                bounds.elements
            ),
            Self::Markup => format!(
                "its part `{part}` has more than {} outside of cells",
                mib(bounds.markup)
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    const SMALL: WorkbookBounds = WorkbookBounds {
        unpacked: 20_000,
        token: 1_000,
        cell: 2_000,
        strings: 100,
        string_bytes: 5_000,
        rows: 600,
        elements: 1_700,
        markup: 3_000,
    };

    fn archive(parts: &[(&str, String)]) -> File {
        let mut writer = ZipWriter::new(tempfile::tempfile().unwrap());
        for (name, text) in parts {
            writer
                .start_file(*name, SimpleFileOptions::default())
                .unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap()
    }

    fn refused(parts: &[(&str, String)]) -> String {
        match SMALL.check(&archive(parts)) {
            Err(BoundsError::TooLarge(problem)) => problem,
            other => panic!("{other:?}"),
        }
    }

    fn strings(content: &str) -> Vec<(&'static str, String)> {
        let sst = format!("<sst>{content}</sst>");
        vec![("xl/sharedStrings.xml", sst)]
    }

    fn cells(content: &str) -> Vec<(&'static str, String)> {
        let sheet = format!("<worksheet><sheetData>{content}</sheetData></worksheet>");
        vec![("xl/worksheets/sheet1.xml", sheet)]
    }

    #[test]
    fn what_exceeds_a_bound_is_named() {
        let text = |bytes: usize| "x".repeat(bytes);
        let long_row = format!("<row><c><v>{}</v></c></row>", text(900));
        let in_pieces = "<t>xxxxxxxxxxxxxxxxxxxx</t>".repeat(110);
        let cases = [
            (strings("<si/>"), ""),
            (
                strings(&"<si><t>a</t></si>".repeat(101)),
                "more than 100 different texts",
            ),
            (
                strings(&format!("<si><t>{}</t></si>", text(800)).repeat(7)),
                "texts take more",
            ),
            (
                cells(&format!("<c><v>{}</v></c>", text(1_001))),
                "text or tag of more",
            ),
            (
                cells(&format!("<c r=\"{}\"/>", text(1_001))),
                "text or tag of more",
            ),
            (
                cells(&format!("<c><is>{in_pieces}</is></c>")),
                "a cell of more than",
            ),
            // Cells within a cell, where the library reads on to the end of its text.
            (
                cells(&format!(
                    "<c><is>{}</is></c>",
                    in_pieces.replace("<t>", "<t/><c/><t>")
                )),
                "a cell of more",
            ),
            (
                cells(&"<mergeCell ref=\"A1:B2\"/>".repeat(150)),
                "outside of cells",
            ),
            (cells(&long_row.repeat(25)), "unpacks to more than"),
        ];
        for (parts, problem) in cases {
            if problem.is_empty() {
                SMALL.check(&archive(&parts)).unwrap();
            } else {
                let said = refused(&parts);
                assert!(said.contains(problem), "{said}");
            }
        }
        let announced = (
            "xl/sharedStrings.xml",
            "<sst uniqueCount=\"101\"/>".to_owned(),
        );
        assert!(refused(&[announced]).contains("more than 100 different texts"));
        let half = cells(&long_row.repeat(12)).remove(0);
        let other = ("xl/worksheets/sheet2.xml", half.1.clone());
        assert!(refused(&[half, other]).contains("unpacks to more than"));
    }

    #[test]
    fn a_workbook_within_its_bounds_passes() {
        let row = format!("<row><c><v>{}</v></c></row>", "x".repeat(900));
        SMALL.check(&archive(&cells(&row.repeat(15)))).unwrap();
        let mut no_archive = tempfile::tempfile().unwrap();
        no_archive.write_all(b"PK and nothing else").unwrap();
        SMALL.check(&no_archive).unwrap();
        // What is not well-formed is the library's to refuse.
        SMALL.check(&archive(&cells("<row </c>"))).unwrap();
    }
}
