use std::io;

use memchr::{memchr, memchr_iter, memchr2, memchr3};

use super::cells::{Syntax, spans};
use super::dialect::LineEnd;
use super::extent::{Extent, Flaw, Spot};
use super::settings::ReadLimits;
use super::window::Window;

/// Blanks that are looked at behind a closing quote; more of them are text.
const MAX_PADDING: usize = 1 << 10;

/// Finds where the records of a CSV end, by RFC 4180, and which ones it cannot speak for.
///
/// A quote opens a cell only as its first byte; elsewhere it is data. Behind blanks it opens one too: where the syntax does not
/// expect that, the record is rejected (`Blank`), since neither reading is safe. What follows a closing quote, blanks apart, must be
/// a delimiter or a line end. Where it is not, and the cell was opened on the same line, the record is rejected (`Stray`). Where it was opened on an
/// earlier line, or is still open at a limit or at the end of the input, then its opening quote is to blame: only the record up to
/// the end of that line is rejected (`Unclosed`), and the lines that it would have swallowed are read as records. Many lines are
/// such a limit only where they look like records: a long text may be quoted too.
pub(super) struct Scanner {
    syntax: Syntax,
    line_end: LineEnd,
    limits: ReadLimits,
    /// Cells of a row, once that is known.
    width: Option<usize>,
    /// Cells that hcsync put before those of the row, in a file of rejected rows.
    own_cells: usize,
    /// Physical line of the next byte, from 1.
    line: u64,
}

/// How far the scan of one record has come.
#[derive(Default)]
struct Progress {
    at: usize,
    line: u64,
    line_at: usize,
    open: Option<Open>,
    flaw: Option<Flaw>,
    is_padded: bool,
    literal_quotes: usize,
    /// The rest of the line is taken as it is: it belongs to a quoted cell that grew too large.
    rest: bool,
    /// Bytes that were too many to be kept, and the last of them.
    dropped: u64,
    before: Option<u8>,
}

#[derive(Clone, Copy)]
struct Open {
    spot: Spot,
    /// End of the line with the quote: without and with the line end.
    first_end: Option<(usize, usize)>,
}

enum Step {
    More,
    End { len: usize, skip: usize },
    Unclosed(Open),
}

/// The row itself in a record of a file of rejected rows, which begins with `own_cells` cells of hcsync's.
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

    /// Sets the number of cells that a row has, and of those that a file of rejected rows has before them.
    pub(super) fn expect(&mut self, width: usize, own_cells: usize) {
        self.width = Some(width);
        self.own_cells = own_cells;
    }

    /// Physical lines of the record that was scanned last.
    pub(super) fn lines_of(&self, extent: &Extent) -> u64 {
        self.line - extent.line
    }

    /// Whether each line of a record looks like a record: quotes apart, it has as many cells. Tells how many lines.
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

    /// Whether a cell that is open over so many lines is to be given up: where the lines look like records.
    fn is_given_up(&self, open: Open, lines: u64, bytes: &[u8]) -> bool {
        let most = self.limits.quoted_lines;
        if lines <= most {
            return false;
        }
        // Looked at once in so many lines.
        let is_due = lines % most.max(1) == 1 || most < 2;
        let record = bytes.get(open.spot.line_at..).unwrap_or_default();
        let record = match open.spot.line_at {
            0 => row_of(record, self.syntax, self.own_cells).unwrap_or_default(),
            _ => record,
        };
        self.width.is_none() || (is_due && self.lines_like_records(record).is_some())
    }

    /// What was before that line was not scanned.
    pub(super) fn begin_on_line(&mut self, line: u64) {
        self.line = line;
    }

    /// The next record, blank ones among them; the caller consumes it.
    pub(super) fn next(&mut self, window: &mut Window) -> io::Result<Option<Extent>> {
        let line = self.line;
        let mut scan = Progress {
            line,
            ..Progress::default()
        };
        loop {
            if !window.view().is_empty() || scan.dropped > 0 {
                match self.step(&mut scan, window.view(), window.ended()) {
                    Step::More => self.forget(&mut scan, window),
                    Step::End { len, skip } => return Ok(Some(self.end(&scan, len, skip, line))),
                    Step::Unclosed(open) => return Ok(Some(self.unclosed(&scan, open, line))),
                }
            } else if window.ended() {
                return Ok(None);
            }
            window.grow()?;
        }
    }

    fn step(&self, scan: &mut Progress, bytes: &[u8], ended: bool) -> Step {
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

    fn find(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let rest = bytes.get(from..)?;
        let found = match (self.syntax.quote, self.line_end) {
            (Some(quote), LineEnd::Cr) => memchr3(quote, b'\n', b'\r', rest),
            (Some(quote), LineEnd::Lf | LineEnd::CrLf) => memchr2(quote, b'\n', rest),
            (None, LineEnd::Cr) => memchr2(b'\n', b'\r', rest),
            (None, LineEnd::Lf | LineEnd::CrLf) => memchr(b'\n', rest),
        };
        found.map(|at| from + at)
    }

    /// The bytes before and up to the end of a line end that begins at `at`; nothing where the next byte must be seen first.
    fn line_end_at(&self, bytes: &[u8], at: usize, ended: bool) -> Option<(usize, usize)> {
        if self.line_end == LineEnd::Cr {
            let pair = bytes.get(at) == Some(&b'\r') && bytes.get(at + 1) == Some(&b'\n');
            let known = at + 1 < bytes.len() || ended || bytes.get(at) == Some(&b'\n');
            return known.then_some((at, at + 1 + usize::from(pair)));
        }
        let pair = at > 0 && bytes.get(at - 1) == Some(&b'\r');
        Some((at - usize::from(pair), at + 1))
    }

    /// 1 where a carriage return that ends no line is the last byte of the input: half of a line end, and no content.
    fn lone_return(&self, bytes: &[u8]) -> usize {
        usize::from(self.line_end != LineEnd::Cr && bytes.ends_with(b"\r"))
    }

    fn plain(&self, scan: &mut Progress, bytes: &[u8], ended: bool) -> Option<Step> {
        let Some(at) = self.find(bytes, scan.at) else {
            scan.at = bytes.len();
            return Some(if ended {
                Step::End {
                    len: bytes.len() - self.lone_return(bytes),
                    skip: bytes.len(),
                }
            } else {
                Step::More
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
            Some((len, skip)) => Step::End { len, skip },
            None => Step::More,
        })
    }

    /// A quote outside of quoted cells: it opens one, or is data. `head` is what stands before it.
    fn first_quote(&self, scan: &mut Progress, head: &[u8]) {
        let blanks = head.iter().rev();
        let blanks = blanks
            .take_while(|byte| self.syntax.is_blank(**byte))
            .count();
        let before = match head.len() - blanks {
            0 => scan.before,
            start => head.get(start - 1).copied(),
        };
        if before.is_some_and(|byte| byte != self.syntax.delimiter) {
            scan.literal_quotes += 1;
            return;
        }
        let spot = scan.spot(head.len());
        if blanks > 0 {
            scan.is_padded = true;
            if !self.syntax.skips_blanks {
                scan.flaw.get_or_insert(Flaw::Blank(spot));
            }
        }
        scan.open = Some(Open {
            spot,
            first_end: None,
        });
    }

    fn quoted(
        &self,
        scan: &mut Progress,
        mut open: Open,
        bytes: &[u8],
        ended: bool,
    ) -> Option<Step> {
        let found = self.find(bytes, scan.at);
        let at = found.unwrap_or(bytes.len());
        scan.at = at;
        let lines = scan.line - open.spot.line;
        let held = bytes.get(..scan.line_at.saturating_sub(1));
        let held = held.unwrap_or_default();
        if at - open.spot.at > self.limits.quoted_bytes || self.is_given_up(open, lines, held) {
            if open.first_end.is_some() {
                return Some(Step::Unclosed(open));
            }
            scan.flaw.get_or_insert(Flaw::Unclosed(open.spot));
            scan.open = None;
            scan.rest = true;
            return None;
        }
        if found.is_none() {
            return Some(if ended {
                Step::Unclosed(open.closed_at(bytes.len()))
            } else {
                Step::More
            });
        }
        if self.syntax.is_quote(bytes.get(at)) {
            return self.second_quote(scan, open, bytes, ended);
        }
        let Some((len, skip)) = self.line_end_at(bytes, at, ended) else {
            return Some(Step::More);
        };
        open.first_end.get_or_insert((len, skip));
        scan.open = Some(open);
        scan.line += 1;
        scan.line_at = skip;
        scan.at = skip;
        None
    }

    /// A quote within a quoted cell: doubled, closing or stray.
    fn second_quote(
        &self,
        scan: &mut Progress,
        open: Open,
        bytes: &[u8],
        ended: bool,
    ) -> Option<Step> {
        let at = scan.at;
        let rest = bytes.get(at + 1..).unwrap_or_default();
        if self.syntax.is_quote(rest.first()) {
            scan.at = at + 2;
            return None;
        }
        let padding = rest.iter().take(MAX_PADDING);
        let padding = padding.take_while(|byte| self.is_padding(**byte)).count();
        let after = rest.get(padding..).unwrap_or_default();
        if !ended && after.is_empty() {
            return Some(Step::More);
        }
        let closes = match after {
            [] | [b'\n', ..] => true,
            [b'\r', ..] => self.line_end == LineEnd::Cr,
            [next, ..] => *next == self.syntax.delimiter,
        };
        // The carriage return of a line end is none of it.
        let is_line_end = matches!(after, [] | [b'\n', ..]) && rest.get(..padding) == Some(b"\r");
        scan.is_padded |= padding > 0 && !is_line_end;
        if !closes && scan.line > open.spot.line {
            return Some(Step::Unclosed(open));
        }
        if !closes {
            let spot = scan.spot(at);
            scan.flaw.get_or_insert(Flaw::Stray(spot));
        }
        scan.open = None;
        scan.at = at + 1;
        None
    }

    /// Whether a byte may stand between a closing quote and the delimiter or line end.
    fn is_padding(&self, byte: u8) -> bool {
        self.syntax.is_blank(byte) || (byte == b'\r' && self.line_end != LineEnd::Cr)
    }

    /// Lets go of what a too long record has shown so far. A quoted cell is kept: it may have to be read again.
    fn forget(&self, scan: &mut Progress, window: &mut Window) {
        let size = scan.dropped + scan.at as u64;
        if scan.open.is_none() && scan.at > 0 && size > self.limits.record_bytes as u64 {
            scan.before = window.view().get(scan.at - 1).copied();
            window.consume(scan.at);
            scan.dropped = size;
            scan.at = 0;
            scan.line_at = 0;
        }
    }

    fn end(&mut self, scan: &Progress, len: usize, skip: usize, line: u64) -> Extent {
        self.line = scan.line + 1;
        let size = scan.dropped + len as u64;
        let flaw = if size > self.limits.record_bytes as u64 {
            Some(Flaw::TooLong(size))
        } else {
            scan.flaw
        };
        Extent {
            len,
            skip,
            line,
            flaw,
            is_padded: scan.is_padded,
            literal_quotes: scan.literal_quotes,
        }
    }

    fn unclosed(&mut self, scan: &Progress, open: Open, line: u64) -> Extent {
        let (len, skip) = open.first_end.unwrap_or_default();
        self.line = open.spot.line + 1;
        let size = scan.dropped + len as u64;
        let flaw = if size > self.limits.record_bytes as u64 {
            Flaw::TooLong(size)
        } else {
            Flaw::Unclosed(open.spot)
        };
        Extent {
            len,
            skip,
            line,
            flaw: Some(flaw),
            is_padded: false,
            literal_quotes: 0,
        }
    }
}

impl Progress {
    fn spot(&self, at: usize) -> Spot {
        Spot {
            at,
            line: self.line,
            line_at: self.line_at,
        }
    }
}

impl Open {
    fn closed_at(mut self, end: usize) -> Self {
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
    ) -> Vec<(String, u64, Option<Flaw>)> {
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
        let spot = |at, line| Spot {
            at,
            line,
            line_at: 0,
        };
        let flaws: Vec<_> = found.iter().map(|(.., flaw)| *flaw).collect();
        let (first, second) = (Flaw::Blank(spot(3, 1)), Flaw::Blank(spot(1, 3)));
        assert_eq!(flaws, [Some(first), Some(second), None]);
    }

    #[test]
    fn text_after_a_closing_quote_spoils_its_record_only() {
        let found = scan(b"\"a\"b,c\n1,2\n", LineEnd::Lf, SMALL);
        let spot = Spot {
            at: 2,
            line: 1,
            line_at: 0,
        };
        assert_eq!(
            found[0],
            ("\"a\"b,c".to_owned(), 1, Some(Flaw::Stray(spot)))
        );
        assert_eq!(found[1], ("1,2".to_owned(), 2, None));
    }

    #[test]
    fn an_unclosed_quote_costs_its_own_line() {
        let spot = Spot {
            at: 2,
            line: 1,
            line_at: 0,
        };
        let first = ("1,\"x,y".to_owned(), 1, Some(Flaw::Unclosed(spot)));
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
        let spot = Spot {
            at: 6,
            line: 2,
            line_at: 3,
        };
        assert_eq!(
            found[0],
            ("\"a\nb\",\"c".to_owned(), 1, Some(Flaw::Unclosed(spot)))
        );
        assert_eq!(found[1], ("next".to_owned(), 3, None));
    }

    #[test]
    fn a_quoted_line_that_never_ends_is_given_up() {
        let text = format!("\"{}\nnext\n", "x".repeat(150));
        let found = scan(text.as_bytes(), LineEnd::Lf, SMALL);
        assert!(matches!(found[0].2, Some(Flaw::Unclosed(_))));
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
            assert_eq!(found[0].2, Some(Flaw::TooLong(cell.len() as u64)));
            assert!(found[0].0.len() <= 200);
            assert_eq!(found[1], ("next".to_owned(), 2, None));
        }
    }

    #[test]
    fn a_quote_after_a_forgotten_part_is_still_data() {
        let text = format!("{}\"y\nnext\",z\n", "x".repeat(300));
        let found = scan(text.as_bytes(), LineEnd::Lf, SMALL);
        assert_eq!(found[0].2, Some(Flaw::TooLong(302)));
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
        assert!(matches!(extent.unwrap().flaw, Some(Flaw::TooLong(_))));
        assert!(window.capacity() < 8 << 20);
    }
}
