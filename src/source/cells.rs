use std::ops::Range;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

/// How the cells of a record are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Syntax {
    pub(super) delimiter: u8,
    /// What encloses a cell that holds the delimiter, a line end or itself (then twice); nothing where no byte does.
    pub(super) quote: Option<u8>,
    /// Whether a quote behind blanks opens a cell, as where each delimiter is followed by a blank.
    pub(super) skips_blanks: bool,
}

impl Syntax {
    /// With the usual quote.
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

/// Takes the cells out of one record, quotes undone, with the parser of the `csv` crate.
pub(super) struct CellParser {
    parser: Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
}

impl CellParser {
    pub(super) fn new(syntax: Syntax) -> Self {
        let mut parser = ReaderBuilder::new()
            .delimiter(syntax.delimiter)
            .quoting(syntax.quote.is_some())
            .quote(syntax.quote.unwrap_or(b'"'))
            .terminator(Terminator::Any(b'\n'))
            .build();
        // The parser drops a byte order mark from the first bytes that it sees, which here could be a record's own.
        parser.read_record(b"\n", &mut [], &mut []);
        Self {
            parser,
            text: Vec::new(),
            ends: vec![0; 16],
            count: 0,
        }
    }

    /// Parses a record in which the [scanner](super::scan::Scanner) found no flaw: not blank, its quotes closed, no line end after it.
    pub(super) fn parse(&mut self, record: &[u8]) {
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
        let ends = self.ends.get(..self.count).unwrap_or_default();
        let starts = std::iter::once(&0).chain(ends);
        starts
            .zip(ends)
            .map(|(start, end)| self.text.get(*start..*end).unwrap_or_default())
    }
}

/// Where the cells of a record stand, quotes and all; a quote that is never closed takes the rest.
pub(super) fn spans(record: &[u8], syntax: Syntax) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let (mut start, mut quoted, mut was_opened) = (0, false, false);
    for (at, byte) in record.iter().enumerate() {
        if syntax.is_quote(Some(byte)) {
            if quoted {
                quoted = false;
            } else if was_opened {
                // A doubled quote closes and opens again, which comes to the same.
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

/// A cell without the blanks and carriage returns around it, or None where it is not enclosed in quotes.
pub(super) fn quoted_part(cell: &[u8], syntax: Syntax) -> Option<&[u8]> {
    let is_padding = |byte: &u8| syntax.is_blank(*byte) || *byte == b'\r';
    let first = cell.iter().position(|byte| !is_padding(byte))?;
    let last = cell.iter().rposition(|byte| !is_padding(byte))?;
    let inner = cell.get(first..=last)?;
    syntax.is_quote(inner.first()).then_some(inner)
}

/// The record without what stands around the quotes of its quoted cells.
pub(super) fn unpadded(record: &[u8], syntax: Syntax) -> Vec<u8> {
    let cells = spans(record, syntax).into_iter();
    let cells = cells.filter_map(|span| record.get(span));
    let cells: Vec<&[u8]> = cells
        .map(|cell| quoted_part(cell, syntax).unwrap_or(cell))
        .collect();
    cells.join(&syntax.delimiter)
}

/// Writes a cell, in quotes where it needs them.
fn push_cell(into: &mut Vec<u8>, cell: &[u8], syntax: Syntax) {
    let special =
        |b: &u8| matches!(b, b'\n' | b'\r') || *b == syntax.delimiter || syntax.is_quote(Some(b));
    if cell.iter().any(special) {
        push_quoted(into, cell, syntax);
    } else {
        into.extend_from_slice(cell);
    }
}

/// Writes a cell in quotes. Where there are none, what would end the cell becomes a space.
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

/// Writes a record, without a line end. One empty cell alone is written as two quotes: a blank line would be no record.
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
