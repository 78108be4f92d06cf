//! How much a workbook may hold, counted before the library opens it: a workbook is compressed up to a thousandfold, and
//! all of it but the cells is held in memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

const MIB: u64 = 1 << 20;

/// Bytes of the file itself.
pub(super) const MAX_FILE: u64 = 2_048 * MIB;
/// Cells of the sheet that is read, in rows as wide as their last cell, and the bytes of their texts.
pub(super) const MAX_CELLS: u64 = 100_000_000;
pub(super) const MAX_TEXT: u64 = 2_048 * MIB;

/// What a workbook may hold at most; `docs/limits.md` lists it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Bytes of all parts together, unpacked.
    pub(super) unpacked: u64,
    /// Bytes of one tag or one stretch of text.
    pub(super) token: u64,
    /// Bytes of one cell or one shared string, with its markup.
    pub(super) cell: u64,
    /// Shared strings, and their bytes.
    pub(super) strings: u64,
    pub(super) string_bytes: u64,
    /// Rows of a part, as many as the format allows, and elements of its rows and cells.
    pub(super) rows: u64,
    pub(super) elements: u64,
    /// Bytes of a part that belong to no cell and no shared string: styles, names of sheets, relationships.
    pub(super) markup: u64,
}

pub(super) const BOUNDS: Bounds = Bounds {
    unpacked: 4_096 * MIB,
    token: MIB,
    cell: 4 * MIB,
    strings: 20_000_000,
    string_bytes: 512 * MIB,
    rows: 1_048_576,
    elements: 250_000_000,
    markup: 64 * MIB,
};

/// Why a workbook is not opened.
#[derive(Debug)]
pub(super) enum Unfit {
    /// What there is too much of.
    TooLarge(String),
    Read(io::Error),
}

impl Bounds {
    /// Unpacks all parts once and counts. What is no archive, or not well-formed, is left to the library to refuse: it
    /// reads no further than this does.
    ///
    /// # Errors
    /// When something exceeds its bound.
    pub(super) fn check(&self, file: &File) -> Result<(), Unfit> {
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
        file.rewind().map_err(Unfit::Read)
    }

    /// Counts one part and gives its bytes.
    fn count(&self, part: impl Read, most: u64) -> Result<u64, Excess> {
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
                Err(_) if reader.get_ref().is_spent() => return Err(Excess::Token),
                Err(_) => break,
            };
            let at = reader.buffer_position();
            if at > most {
                return Err(Excess::Unpacked);
            }
            if at - counts.at > self.token {
                return Err(Excess::Token);
            }
            counts.see(&event, at);
            counts.check(self)?;
        }
        Ok(reader.buffer_position())
    }
}

/// What exceeds its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Excess {
    Unpacked,
    Token,
    Cell,
    Strings,
    StringBytes,
    Rows,
    Elements,
    Markup,
}

impl Excess {
    fn named(self, part: &str, bounds: &Bounds) -> Unfit {
        let mib = |bytes: u64| format!("{} MiB", bytes.div_ceil(MIB));
        Unfit::TooLarge(match self {
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
                "its part `{part}` has more than {} beside cells",
                mib(bounds.markup)
            ),
        })
    }
}

/// What the events of a part add up to.
#[derive(Default)]
struct Counts {
    /// Where the last event ended.
    at: u64,
    /// Bytes of text since the last cell or shared string began.
    text: u64,
    /// The element that is read to its end whatever stands within, as the library does.
    within: Option<String>,
    strings: u64,
    string_bytes: u64,
    /// Tags of rows, and of what stands in them: two for an element that is not empty.
    row_tags: u64,
    tags: u64,
    markup: u64,
}

impl Counts {
    fn see(&mut self, event: &Event<'_>, at: u64) {
        let bytes = at - self.at;
        self.at = at;
        match event {
            Event::Start(tag) => {
                self.tag(tag.local_name().into_inner(), bytes);
                self.begin(tag);
            }
            Event::Empty(tag) => {
                self.tag(tag.local_name().into_inner(), bytes);
                self.announce(tag);
            }
            Event::End(tag) => {
                let name = tag.name().into_inner();
                self.tag(tag.local_name().into_inner(), bytes);
                if self.within.as_deref() == Some(name) {
                    self.within = None;
                }
            }
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => self.text += bytes,
            _ => self.markup += bytes,
        }
        if self.strings > 0 {
            self.string_bytes += bytes;
        }
    }

    fn tag(&mut self, name: &str, bytes: u64) {
        let is_of_cells = matches!(name, "row" | "c" | "v" | "f" | "is" | "si" | "t");
        self.markup += if is_of_cells { 0 } else { bytes };
        self.tags += u64::from(is_of_cells);
        self.row_tags += u64::from(name == "row");
    }

    fn begin(&mut self, tag: &BytesStart<'_>) {
        if self.within.is_some() {
            return;
        }
        match tag.local_name().into_inner() {
            "c" => self.text = 0,
            "si" => {
                self.text = 0;
                self.strings += 1;
                self.within = Some(tag.name().into_inner().to_owned());
            }
            "is" | "v" | "f" => self.within = Some(tag.name().into_inner().to_owned()),
            _ => self.announce(tag),
        }
    }

    /// The library makes room for as many strings as are announced.
    fn announce(&mut self, tag: &BytesStart<'_>) {
        if tag.local_name().into_inner() == "sst"
            && let Ok(Some(count)) = tag.try_get_attribute("uniqueCount")
        {
            let announced = count.value.trim().parse();
            // The library ignores what is no number.
            self.strings = self.strings.max(announced.unwrap_or(0));
        }
    }

    fn check(&self, bounds: &Bounds) -> Result<(), Excess> {
        let counted = [
            (self.text, bounds.cell, Excess::Cell),
            (self.strings, bounds.strings, Excess::Strings),
            (self.string_bytes, bounds.string_bytes, Excess::StringBytes),
            (self.row_tags, bounds.rows * 2, Excess::Rows),
            (self.tags, bounds.elements * 2, Excess::Elements),
            (self.markup, bounds.markup, Excess::Markup),
        ];
        let excess = counted.into_iter().find(|(count, most, _)| count > most);
        excess.map_or(Ok(()), |(.., excess)| Err(excess))
    }
}

/// Reads at most `max_token` bytes for one event: the parser holds an event in memory.
struct Metered<R> {
    inner: R,
    token: u64,
    max_token: u64,
}

impl<R> Metered<R> {
    fn is_spent(&self) -> bool {
        self.token > self.max_token
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.token += count as u64;
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.is_spent() {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.token += count as u64;
        self.inner.consume(count);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    const SMALL: Bounds = Bounds {
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
            Err(Unfit::TooLarge(problem)) => problem,
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
                "beside cells",
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
