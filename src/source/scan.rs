use std::io;

use memchr::{memchr, memchr_iter, memchr2, memchr3};

use super::cells::{Syntax, spans};
use super::dialect::LineEnd;
use super::record_extent::{QuotePosition, RecordExtent, RecordFlaw};
use super::settings::ReadLimits;
use super::window::Window;

/// The maximum number of blanks after a closing quote; more of them are text.
pub(super) const MAX_PADDING: usize = 1 << 10;

/// Finds the ends of the records of a CSV by RFC 4180, and the records that cannot be split reliably.
///
/// A quote opens a cell only as its first byte; elsewhere it is data. After blanks it opens a cell too: if the syntax does not
/// expect that, the record is rejected (`Blank`), because both readings are unsafe. A closing quote must be followed by a
/// delimiter or a line end, with optional blanks between. Otherwise, if the cell was opened on the same line, the record is
/// rejected (`Stray`). If it was opened on an earlier line, or is still open at a limit or at the end of the input, the opening
/// quote is the mistake: only the record up to the end of that line is rejected (`Unclosed`), and the lines after it are read as
/// records. The number of lines is such a limit only if they look like records, because a long text may be quoted too.
pub(super) struct Scanner {
    pub(super) syntax: Syntax,
    pub(super) line_end: LineEnd,
    pub(super) limits: ReadLimits,
    /// The number of cells of a row; `None` before the header was read.
    pub(super) width: Option<usize>,
    /// The number of cells that hcsync added before those of the row in a file of rejected rows.
    pub(super) own_cells: usize,
    /// Physical line of the next byte, from 1.
    pub(super) line: u64,
}

/// The state of the scan of one record.
#[derive(Default)]
pub(super) struct RecordScan {
    pub(super) at: usize,
    pub(super) line: u64,
    pub(super) line_at: usize,
    pub(super) open: Option<OpenQuote>,
    pub(super) flaw: Option<RecordFlaw>,
    pub(super) is_padded: bool,
    pub(super) literal_quotes: usize,
    /// The rest of the line is not examined, because it belongs to a quoted cell that is too large.
    pub(super) rest: bool,
    /// The number of bytes of an overlong record that were dropped from the window, and the last of them.
    pub(super) dropped: u64,
    pub(super) before: Option<u8>,
}

#[derive(Clone, Copy)]
pub(super) struct OpenQuote {
    pub(super) spot: QuotePosition,
    /// The end of the line with the quote, without and with its line end.
    pub(super) first_end: Option<(usize, usize)>,
}

pub(super) enum ScanStep {
    More,
    End { len: usize, skip: usize },
    Unclosed(OpenQuote),
}

/// The original row in a record of a file of rejected rows, without the `own_cells` cells that hcsync added before it.
pub(super) fn row_of(record: &[u8], syntax: Syntax, own_cells: usize) -> Option<&[u8]> {
    let Some(last) = own_cells.checked_sub(1) else {
        return Some(record);
    };
    record.get(spans(record, syntax).get(last)?.end + 1..)
}

impl Scanner {
    pub(super) fn new(syntax: Syntax, line_end: LineEnd, limits: ReadLimits) -> Self {
        Self {
            syntax,
            line_end,
            limits,
            width: None,
            own_cells: 0,
            line: 1,
        }
    }

    /// Sets the number of cells of a row, and of the cells that a file of rejected rows has before them.
    pub(super) fn expect(&mut self, width: usize, own_cells: usize) {
        self.width = Some(width);
        self.own_cells = own_cells;
    }

    /// The number of physical lines of the last record.
    pub(super) fn lines_of(&self, extent: &RecordExtent) -> u64 {
        self.line - extent.line
    }

    /// The number of lines of a record if each looks like a record, i.e. has as many cells when quotes are ignored.
    pub(super) fn lines_like_records(&self, bytes: &[u8]) -> Option<usize> {
        let width = self.width.filter(|width| *width > 1)?;
        let mut lines = 0;
        let mut from = 0;
        let ends = self.line_ends(bytes).chain([bytes.len()]);
        for end in ends {
            let line = bytes.get(from..end)?;
            if memchr_iter(self.syntax.delimiter, line).count() + 1 != width {
                return None;
            }
            lines += 1;
            from = end + 1;
        }
        Some(lines)
    }

    fn line_ends<'b>(&self, bytes: &'b [u8]) -> impl Iterator<Item = usize> + 'b {
        let end = match self.line_end {
            LineEnd::Cr => b'\r',
            LineEnd::Lf | LineEnd::CrLf => b'\n',
        };
        memchr_iter(end, bytes)
    }

    /// Whether a quote that is open over this many lines is a mistake: if the lines look like records.
    pub(super) fn is_mistaken(&self, open: OpenQuote, lines: u64, bytes: &[u8]) -> bool {
        let max_lines = self.limits.quoted_lines;
        if lines <= max_lines {
            return false;
        }
        // Checking is slow, so it is done once per `max_lines` lines.
        let is_due = lines % max_lines.max(1) == 1 || max_lines < 2;
        let record = bytes.get(open.spot.line_at..).unwrap_or_default();
        let record = match open.spot.line_at {
            0 => row_of(record, self.syntax, self.own_cells).unwrap_or_default(),
            _ => record,
        };
        self.width.is_none() || (is_due && self.lines_like_records(record).is_some())
    }

    /// Sets the physical line of the next byte, if lines before it were skipped.
    pub(super) fn begin_on_line(&mut self, line: u64) {
        self.line = line;
    }

    /// Finds the next record, which may be a blank line. The caller consumes it.
    pub(super) fn next(&mut self, window: &mut Window) -> io::Result<Option<RecordExtent>> {
        let line = self.line;
        let mut scan = RecordScan {
            line,
            ..RecordScan::default()
        };
        loop {
            if !window.view().is_empty() || scan.dropped > 0 {
                match self.step(&mut scan, window.view(), window.ended()) {
                    ScanStep::More => self.drop_scanned(&mut scan, window),
                    ScanStep::End { len, skip } => {
                        return Ok(Some(self.end(&scan, len, skip, line)));
                    }
                    ScanStep::Unclosed(open) => return Ok(Some(self.unclosed(&scan, open, line))),
                }
            } else if window.ended() {
                return Ok(None);
            }
            window.grow()?;
        }
    }

    fn step(&self, scan: &mut RecordScan, bytes: &[u8], ended: bool) -> ScanStep {
        loop {
            let step = match scan.open {
                Some(open) => self.quoted(scan, open, bytes, ended),
                None => self.plain(scan, bytes, ended),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    pub(super) fn find(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let rest = bytes.get(from..)?;
        let next = match (self.syntax.quote, self.line_end) {
            (Some(quote), LineEnd::Cr) => memchr3(quote, b'\n', b'\r', rest),
            (Some(quote), LineEnd::Lf | LineEnd::CrLf) => memchr2(quote, b'\n', rest),
            (None, LineEnd::Cr) => memchr2(b'\n', b'\r', rest),
            (None, LineEnd::Lf | LineEnd::CrLf) => memchr(b'\n', rest),
        };
        next.map(|at| from + at)
    }

    /// The start and the end of the line end at `at`, or `None` if the next byte has to be read first.
    pub(super) fn line_end_at(
        &self,
        bytes: &[u8],
        at: usize,
        ended: bool,
    ) -> Option<(usize, usize)> {
        if self.line_end == LineEnd::Cr {
            let pair = bytes.get(at) == Some(&b'\r') && bytes.get(at + 1) == Some(&b'\n');
            let known = at + 1 < bytes.len() || ended || bytes.get(at) == Some(&b'\n');
            return known.then_some((at, at + 1 + usize::from(pair)));
        }
        let pair = at > 0 && bytes.get(at - 1) == Some(&b'\r');
        Some((at - usize::from(pair), at + 1))
    }

    /// 1 if the input ends with a lone carriage return, which is half of a line end and not content.
    fn lone_return(&self, bytes: &[u8]) -> usize {
        usize::from(self.line_end != LineEnd::Cr && bytes.ends_with(b"\r"))
    }

    fn plain(&self, scan: &mut RecordScan, bytes: &[u8], ended: bool) -> Option<ScanStep> {
        let Some(at) = self.find(bytes, scan.at) else {
            scan.at = bytes.len();
            return Some(if ended {
                ScanStep::End {
                    len: bytes.len() - self.lone_return(bytes),
                    skip: bytes.len(),
                }
            } else {
                ScanStep::More
            });
        };
        scan.at = at;
        if self.syntax.is_quote(bytes.get(at)) {
            if !scan.rest {
                self.first_quote(scan, bytes.get(..at).unwrap_or_default());
            }
            scan.at = at + 1;
            return None;
        }
        Some(match self.line_end_at(bytes, at, ended) {
            Some((len, skip)) => ScanStep::End { len, skip },
            None => ScanStep::More,
        })
    }

    /// Whether a byte is allowed between a closing quote and the delimiter or line end.
    pub(super) fn is_padding(&self, byte: u8) -> bool {
        self.syntax.is_blank(byte) || (byte == b'\r' && self.line_end != LineEnd::Cr)
    }

    /// Drops the scanned part of an overlong record from the window, except for an open quoted cell, which may have to be read
    /// again.
    fn drop_scanned(&self, scan: &mut RecordScan, window: &mut Window) {
        let size = scan.dropped + scan.at as u64;
        if scan.open.is_none() && scan.at > 0 && size > self.limits.record_bytes as u64 {
            scan.before = window.view().get(scan.at - 1).copied();
            window.consume(scan.at);
            scan.dropped = size;
            scan.at = 0;
            scan.line_at = 0;
        }
    }

    fn end(&mut self, scan: &RecordScan, len: usize, skip: usize, line: u64) -> RecordExtent {
        self.line = scan.line + 1;
        let size = scan.dropped + len as u64;
        let flaw = if size > self.limits.record_bytes as u64 {
            Some(RecordFlaw::TooLong(size))
        } else {
            scan.flaw
        };
        RecordExtent {
            len,
            skip,
            line,
            flaw,
            is_padded: scan.is_padded,
            literal_quotes: scan.literal_quotes,
        }
    }

    fn unclosed(&mut self, scan: &RecordScan, open: OpenQuote, line: u64) -> RecordExtent {
        let (len, skip) = open.first_end.unwrap_or_default();
        self.line = open.spot.line + 1;
        let size = scan.dropped + len as u64;
        let flaw = if size > self.limits.record_bytes as u64 {
            RecordFlaw::TooLong(size)
        } else {
            RecordFlaw::Unclosed(open.spot)
        };
        RecordExtent {
            len,
            skip,
            line,
            flaw: Some(flaw),
            is_padded: false,
            literal_quotes: 0,
        }
    }
}

impl RecordScan {
    pub(super) fn spot(&self, at: usize) -> QuotePosition {
        QuotePosition {
            at,
            line: self.line,
            line_at: self.line_at,
        }
    }
}

impl OpenQuote {
    pub(super) fn closed_at(mut self, end: usize) -> Self {
        self.first_end.get_or_insert((end, end));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: ReadLimits = ReadLimits {
        quoted_lines: 3,
        quoted_bytes: 100,
        record_bytes: 200,
    };

    fn scan(
        text: &[u8],
        line_end: LineEnd,
        limits: ReadLimits,
    ) -> Vec<(String, u64, Option<RecordFlaw>)> {
        // One byte at a time: every question that needs the next byte is asked at the end of the window.
        struct Drops(io::Cursor<Vec<u8>>);
        impl io::Read for Drops {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let count = into.len().min(1);
                self.0.read(&mut into[..count])
            }
        }
        let mut window = Window::new(Box::new(Drops(io::Cursor::new(text.to_vec()))));
        let mut scanner = Scanner::new(Syntax::quoted(b','), line_end, limits);
        let mut found = Vec::new();
        while let Some(extent) = scanner.next(&mut window).unwrap() {
            let record = String::from_utf8_lossy(&window.view()[..extent.len]).into_owned();
            found.push((record, extent.line, extent.flaw));
            window.consume(extent.skip);
        }
        found
    }

    fn good(text: &str, line_end: LineEnd) -> Vec<(String, u64)> {
        let all = scan(text.as_bytes(), line_end, ReadLimits::default());
        assert!(all.iter().all(|(_, _, flaw)| flaw.is_none()), "{all:?}");
        all.into_iter()
            .map(|(text, line, _)| (text, line))
            .collect()
    }

    fn lines(records: &[(&str, u64)]) -> Vec<(String, u64)> {
        records.iter().map(|(r, l)| ((*r).to_owned(), *l)).collect()
    }

    #[test]
    fn records_end_at_line_ends_outside_quotes() {
        let text = "a,b\n\n\"x\ny\",\"\"\"q\"\"\"\r\nlast";
        let expected = lines(&[
            ("a,b", 1),
            ("", 2),
            ("\"x\ny\",\"\"\"q\"\"\"", 3),
            ("last", 5),
        ]);
        assert_eq!(good(text, LineEnd::Lf), expected);
    }

    #[test]
    fn a_lone_carriage_return_ends_records_only_where_it_is_the_line_end() {
        assert_eq!(
            good("a\rb\r\nc", LineEnd::CrLf),
            lines(&[("a\rb", 1), ("c", 2)])
        );
        let expected = lines(&[("a", 1), ("\"b\rc\"", 2), ("d", 4), ("e", 5)]);
        assert_eq!(good("a\r\"b\rc\"\rd\r\ne\r", LineEnd::Cr), expected);
    }

    #[test]
    fn a_quote_within_a_cell_is_data() {
        assert_eq!(
            good("5\" tv,a\"b\nx", LineEnd::Lf),
            lines(&[("5\" tv,a\"b", 1), ("x", 2)])
        );
    }

    #[test]
    fn blanks_after_a_closing_quote_and_a_lone_return_at_the_end_are_passed_over() {
        assert_eq!(
            good("\"a\" \t,b\r\n\"c\"\r\r\n\"d\" \r", LineEnd::CrLf),
            lines(&[("\"a\" \t,b", 1), ("\"c\"\r", 2), ("\"d\" ", 3)])
        );
        assert_eq!(good("a\n\r", LineEnd::Lf), lines(&[("a", 1), ("", 2)]));
    }

    #[test]
    fn a_quote_behind_blanks_opens_a_cell_and_spoils_the_record_where_none_is_expected() {
        let found = scan(b"a, \"b\nc\",d\n \"e\" f,g\n5 \" tv\n", LineEnd::Lf, SMALL);
        let records: Vec<&str> = found.iter().map(|(record, ..)| record.as_str()).collect();
        assert_eq!(records, ["a, \"b\nc\",d", " \"e\" f,g", "5 \" tv"]);
        let spot = |at, line| QuotePosition {
            at,
            line,
            line_at: 0,
        };
        let flaws: Vec<_> = found.iter().map(|(.., flaw)| *flaw).collect();
        let (first, second) = (RecordFlaw::Blank(spot(3, 1)), RecordFlaw::Blank(spot(1, 3)));
        assert_eq!(flaws, [Some(first), Some(second), None]);
    }

    #[test]
    fn text_after_a_closing_quote_spoils_its_record_only() {
        let found = scan(b"\"a\"b,c\n1,2\n", LineEnd::Lf, SMALL);
        let spot = QuotePosition {
            at: 2,
            line: 1,
            line_at: 0,
        };
        assert_eq!(
            found[0],
            ("\"a\"b,c".to_owned(), 1, Some(RecordFlaw::Stray(spot)))
        );
        assert_eq!(found[1], ("1,2".to_owned(), 2, None));
    }

    #[test]
    fn an_unclosed_quote_costs_its_own_line() {
        let spot = QuotePosition {
            at: 2,
            line: 1,
            line_at: 0,
        };
        let first = ("1,\"x,y".to_owned(), 1, Some(RecordFlaw::Unclosed(spot)));
        for (rest, count) in [
            ("2,a\n", 2),
            ("2,\"a\"\n3,b\n", 3),
            ("2\n3\n4\n5\n6\n", 6),
            ("", 1),
        ] {
            let found = scan(format!("1,\"x,y\n{rest}").as_bytes(), LineEnd::Lf, SMALL);
            assert_eq!(found[0], first, "{rest}");
            assert_eq!(found.len(), count, "{rest}");
            assert!(found[1..].iter().all(|f| f.2.is_none()));
            assert!(found[1..].iter().zip(2..).all(|(f, line)| f.1 == line));
        }
    }

    #[test]
    fn an_unclosed_quote_after_a_cell_of_two_lines_keeps_those_lines_together() {
        let found = scan(b"\"a\nb\",\"c\nnext\n", LineEnd::Lf, SMALL);
        let spot = QuotePosition {
            at: 6,
            line: 2,
            line_at: 3,
        };
        assert_eq!(
            found[0],
            (
                "\"a\nb\",\"c".to_owned(),
                1,
                Some(RecordFlaw::Unclosed(spot))
            )
        );
        assert_eq!(found[1], ("next".to_owned(), 3, None));
    }

    #[test]
    fn a_quoted_line_that_never_ends_is_mistaken() {
        let text = format!("\"{}\nnext\n", "x".repeat(150));
        let found = scan(text.as_bytes(), LineEnd::Lf, SMALL);
        assert!(matches!(found[0].2, Some(RecordFlaw::Unclosed(_))));
        assert_eq!(found[1], ("next".to_owned(), 2, None));
    }

    #[test]
    fn a_record_that_is_too_long_is_counted_and_not_held() {
        for cell in [
            "x".repeat(1000),
            format!("\"{}", "x".repeat(1000)),
            "\"a\",".repeat(250),
        ] {
            let found = scan(format!("{cell}\nnext\n").as_bytes(), LineEnd::Lf, SMALL);
            assert_eq!(found[0].2, Some(RecordFlaw::TooLong(cell.len() as u64)));
            assert!(found[0].0.len() <= 200);
            assert_eq!(found[1], ("next".to_owned(), 2, None));
        }
    }

    #[test]
    fn a_quote_after_a_forgotten_part_is_still_data() {
        let text = format!("{}\"y\nnext\",z\n", "x".repeat(300));
        let found = scan(text.as_bytes(), LineEnd::Lf, SMALL);
        assert_eq!(found[0].2, Some(RecordFlaw::TooLong(302)));
        assert_eq!(found[1], ("next\",z".to_owned(), 2, None));
    }

    #[test]
    fn memory_stays_bounded_by_the_limits() {
        let endless = io::Read::chain(&b"\""[..], io::Read::take(io::repeat(b'x'), 30 << 20));
        let mut window = Window::new(Box::new(endless));
        let limits = ReadLimits {
            quoted_bytes: 1 << 20,
            record_bytes: 2 << 20,
            ..SMALL
        };
        let extent = Scanner::new(Syntax::quoted(b','), LineEnd::Lf, limits)
            .next(&mut window)
            .unwrap();
        assert!(matches!(extent.unwrap().flaw, Some(RecordFlaw::TooLong(_))));
        assert!(window.capacity() < 8 << 20);
    }
}
