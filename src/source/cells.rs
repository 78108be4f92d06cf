use std::ops::Range;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};
use memchr::{memchr, memchr_iter};

/// How the cells of a record are separated and quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Syntax {
    pub(super) delimiter: u8,
    /// The quote around a cell that contains the delimiter, a line end or the quote itself (then doubled), if there is one.
    pub(super) quote: Option<u8>,
    /// Whether a quote after blanks opens a cell, as in tables with a blank after each delimiter.
    pub(super) skips_blanks: bool,
}

impl Syntax {
    /// A syntax with double quotes.
    pub(super) fn quoted(delimiter: u8) -> Self {
        Self {
            delimiter,
            quote: Some(b'"'),
            skips_blanks: false,
        }
    }

    /// Whether a byte is a space or a tab that does not separate cells.
    pub(super) fn is_blank(self, byte: u8) -> bool {
        matches!(byte, b' ' | b'\t') && byte != self.delimiter
    }

    pub(super) fn is_quote(self, byte: Option<&u8>) -> bool {
        byte.is_some_and(|byte| self.quote == Some(*byte))
    }
}

/// Splits a record into unquoted cells, with the parser of the `csv` crate where it has quotes.
pub(super) struct CellParser {
    parser: Reader,
    syntax: Syntax,
    text: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
    /// Number of bytes between two cells in `text`.
    gap: usize,
}

impl CellParser {
    pub(super) fn new(syntax: Syntax) -> Self {
        let mut parser = ReaderBuilder::new()
            .delimiter(syntax.delimiter)
            .quoting(syntax.quote.is_some())
            .quote(syntax.quote.unwrap_or(b'"'))
            .terminator(Terminator::Any(b'\n'))
            .build();
        // The parser drops a byte order mark from the first bytes that it sees, but here that could belong to a record.
        parser.read_record(b"\n", &mut [], &mut []);
        Self {
            parser,
            syntax,
            text: Vec::new(),
            ends: vec![0; 16],
            count: 0,
            gap: 0,
        }
    }

    /// Parses a record without flaws, as found by the [scanner](super::scan::Scanner), without its line end.
    pub(super) fn parse(&mut self, record: &[u8]) {
        let quote = self.syntax.quote;
        let is_plain = quote.is_none_or(|quote| memchr(quote, record).is_none());
        self.gap = usize::from(is_plain && !record.is_empty());
        match self.gap {
            1 => self.split(record),
            _ => self.unquote(record),
        }
    }

    /// Splits a record without quotes at its delimiters, which stay in the text.
    fn split(&mut self, record: &[u8]) {
        self.text.clear();
        self.text.extend_from_slice(record);
        self.ends.clear();
        self.ends.extend(memchr_iter(self.syntax.delimiter, record));
        self.ends.push(record.len());
        self.count = self.ends.len();
    }

    fn unquote(&mut self, record: &[u8]) {
        self.ends.resize(self.ends.len().max(16), 0);
        if self.text.len() < record.len() {
            self.text.resize(record.len(), 0);
        }
        let (mut text, mut ends) = (0, 0);
        for part in [record, b"\n"] {
            let mut rest = part;
            while !rest.is_empty() {
                let free = self.text.get_mut(text..).unwrap_or_default();
                let slots = self.ends.get_mut(ends..).unwrap_or_default();
                let (result, read, wrote, ended) = self.parser.read_record(rest, free, slots);
                rest = rest.get(read..).unwrap_or_default();
                text += wrote;
                ends += ended;
                match result {
                    ReadRecordResult::OutputFull => self.text.resize(text + 64, 0),
                    ReadRecordResult::OutputEndsFull => self.ends.resize(ends * 2, 0),
                    ReadRecordResult::InputEmpty
                    | ReadRecordResult::Record
                    | ReadRecordResult::End => {}
                }
            }
        }
        self.count = ends;
    }

    /// Number of cells of the record parsed last.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = &[u8]> {
        self.spans().map(|span| self.cell(span))
    }

    /// The positions of the cells, for [`Self::cell`].
    pub(super) fn spans(&self) -> impl Iterator<Item = Range<usize>> {
        let ends = self.ends.get(..self.count).unwrap_or_default();
        let starts = std::iter::once(0).chain(ends.iter().map(|end| end + self.gap));
        starts.zip(ends).map(|(start, end)| start..*end)
    }

    /// Whether the record holds its cells as they are, without quotes.
    pub(super) fn is_plain(&self) -> bool {
        self.gap > 0
    }

    pub(super) fn cell(&self, span: Range<usize>) -> &[u8] {
        self.text.get(span).unwrap_or_default()
    }

    /// The cells one after the other, for [`Self::spans`], if they are UTF-8.
    pub(super) fn text(&self) -> Option<&str> {
        let end = self.ends.get(..self.count)?.last()?;
        simdutf8::basic::from_utf8(self.text.get(..*end)?).ok()
    }
}

/// The positions of the cells of a record, with their quotes. An unclosed quote extends to the end.
pub(super) fn spans(record: &[u8], syntax: Syntax) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let (mut start, mut quoted, mut was_opened) = (0, false, false);
    for (at, byte) in record.iter().enumerate() {
        if syntax.is_quote(Some(byte)) {
            if quoted {
                quoted = false;
            } else if was_opened {
                // A doubled quote closes the cell and opens it again, which has the same effect.
                quoted = syntax.is_quote(record.get(at - 1));
            } else {
                let before = record.get(start..at).unwrap_or_default();
                let is_first = match syntax.skips_blanks {
                    true => before.iter().all(|byte| syntax.is_blank(*byte)),
                    false => before.is_empty(),
                };
                (quoted, was_opened) = (is_first, is_first);
            }
        } else if *byte == syntax.delimiter && !quoted {
            spans.push(start..at);
            (start, was_opened) = (at + 1, false);
        }
    }
    spans.push(start..record.len());
    spans
}

/// A quoted cell without the blanks and carriage returns around it, or `None` if the cell is not quoted.
pub(super) fn quoted_part(cell: &[u8], syntax: Syntax) -> Option<&[u8]> {
    let is_padding = |byte: &u8| syntax.is_blank(*byte) || *byte == b'\r';
    let first = cell.iter().position(|byte| !is_padding(byte))?;
    let last = cell.iter().rposition(|byte| !is_padding(byte))?;
    let inner = cell.get(first..=last)?;
    syntax.is_quote(inner.first()).then_some(inner)
}

/// The record without the blanks around quoted cells.
pub(super) fn unpadded(record: &[u8], syntax: Syntax) -> Vec<u8> {
    let cells = spans(record, syntax).into_iter();
    let cells = cells.filter_map(|span| record.get(span));
    let cells: Vec<&[u8]> = cells
        .map(|cell| quoted_part(cell, syntax).unwrap_or(cell))
        .collect();
    cells.join(&syntax.delimiter)
}

/// Writes a cell, quoted if necessary.
fn push_cell(into: &mut Vec<u8>, cell: &[u8], syntax: Syntax) {
    let special =
        |b: &u8| matches!(b, b'\n' | b'\r') || *b == syntax.delimiter || syntax.is_quote(Some(b));
    if cell.iter().any(special) {
        push_quoted(into, cell, syntax);
    } else {
        into.extend_from_slice(cell);
    }
}

/// Writes a quoted cell. In a syntax without quotes, characters that would end the cell become spaces.
pub(super) fn push_quoted(into: &mut Vec<u8>, cell: &[u8], syntax: Syntax) {
    let Some(quote) = syntax.quote else {
        let ends = |b: &u8| matches!(b, b'\n' | b'\r') || *b == syntax.delimiter;
        into.extend(cell.iter().map(|b| if ends(b) { b' ' } else { *b }));
        return;
    };
    into.push(quote);
    for byte in cell {
        into.push(*byte);
        if *byte == quote {
            into.push(quote);
        }
    }
    into.push(quote);
}

/// Returns a record without a line end. A single empty cell becomes two quotes, because a blank line is not a record.
pub(super) fn record_of<C: AsRef<[u8]>>(cells: &[C], syntax: Syntax) -> Vec<u8> {
    let mut record = Vec::new();
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            record.push(syntax.delimiter);
        }
        push_cell(&mut record, cell.as_ref(), syntax);
    }
    if record.is_empty() {
        push_quoted(&mut record, b"", syntax);
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(record: &[u8]) -> Vec<Vec<u8>> {
        let mut parser = CellParser::new(Syntax::quoted(b','));
        parser.parse(b"first,one");
        parser.parse(record);
        parser.cells().map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn cells_are_unquoted() {
        assert_eq!(
            parsed(b"a,\"b,\"\"c\"\"\n\",,\"\""),
            [b"a".as_slice(), b"b,\"c\"\n", b"", b""]
        );
        assert_eq!(parsed(b","), [b"", b""]);
        assert_eq!(parsed(b"a\rb,c\"d"), [b"a\rb".as_slice(), b"c\"d"]);
        assert_eq!(
            parsed(b"\xEF\xBB\xBFa,\0"),
            [b"\xEF\xBB\xBFa".as_slice(), b"\0"]
        );
    }

    #[test]
    fn the_first_record_keeps_a_mark_of_its_own() {
        let mut parser = CellParser::new(Syntax::quoted(b','));
        parser.parse(b"\xEF\xBB\xBFa");
        assert_eq!(parser.cells().next(), Some(&b"\xEF\xBB\xBFa"[..]));
    }

    #[test]
    fn what_stands_around_quotes_is_taken_off() {
        let syntax = Syntax {
            skips_blanks: true,
            ..Syntax::quoted(b',')
        };
        let record = b"u1, \"a, \"\"b\"\" \" ,c d , 5\" x,\t\"\"\r";
        assert_eq!(spans(record, syntax).len(), 5);
        let bare = unpadded(record, syntax);
        assert_eq!(bare, b"u1,\"a, \"\"b\"\" \",c d , 5\" x,\"\"");
        assert_eq!(parsed(&bare)[1], b"a, \"b\" ");
    }

    proptest! {
        #[test]
        fn a_record_without_quotes_is_split_as_the_parser_would(records in proptest::collection::vec("[a\\r ,é]{1,12}", 1..5)) {
            let mut parser = CellParser::new(Syntax::quoted(b','));
            for record in &records {
                parser.parse(record.as_bytes());
                let bytes: Vec<Vec<u8>> = parser.cells().map(<[u8]>::to_vec).collect();
                parser.unquote(record.as_bytes());
                parser.gap = 0;
                let expected: Vec<Vec<u8>> = parser.cells().map(<[u8]>::to_vec).collect();
                prop_assert_eq!(&bytes, &expected);
            }
        }
    }

    #[test]
    fn a_record_of_very_many_cells() {
        let record = vec![b','; 10_000];
        assert_eq!(parsed(&record).len(), 10_001);
        assert_eq!(spans(&record, Syntax::quoted(b',')).len(), 10_001);
    }

    proptest! {
        #[test]
        fn spans_stand_where_the_cells_are(cells in proptest::collection::vec("[a,\"\n ]{0,5}", 1..6)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(&cells).unwrap();
            let mut record = writer.into_inner().unwrap();
            record.pop();
            let spans = spans(&record, Syntax::quoted(b','));
            let alone: Vec<Vec<u8>> = spans
                .into_iter()
                .map(|span| parsed(&record[span]).concat())
                .collect();
            let cells: Vec<Vec<u8>> = cells.into_iter().map(String::into_bytes).collect();
            prop_assert_eq!(alone, cells);
        }
    }
}
