use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use crate::domain::{Cells, Columns, Issue, RawRecord, Texts};

use super::RESERVED_COLUMNS;
use super::cells::{CellParser, Syntax, quoted_part, spans, unpadded};
use super::coding::Coding;
use super::error::Fault;
use super::extent::{Extent, Flaw, Spot};
use super::object::MARK;
use super::reader::Parsed;
use super::record_faults::{Faults, ragged};
use super::rejected::own_header;
use super::scan::{Scanner, row_of};
use super::sheet_flaws::unmended;
use super::window::Window;

/// The records of a CSV.
pub(super) struct Table {
    window: Window,
    scanner: Scanner,
    parser: CellParser,
    syntax: Syntax,
    coding: Coding,
    trim: bool,
    /// Rows that were passed over because all their cells are blank.
    blank_rows: u64,
    /// Every column of a record, the reserved ones too.
    all: Vec<String>,
    columns: Arc<Columns>,
    reserved: Vec<usize>,
}

/// How the cells of a table are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct CellRules {
    pub(super) syntax: Syntax,
    pub(super) coding: Coding,
    /// Whether outer blanks of cells are left out.
    pub(super) trim: bool,
}

/// A first record: its cells and its bytes.
pub(super) struct Header {
    pub(super) names: Vec<String>,
    pub(super) raw: Vec<u8>,
}

impl Table {
    /// A table whose columns are still to be named.
    pub(super) fn new(window: Window, scanner: Scanner, rules: CellRules) -> Self {
        Self {
            window,
            scanner,
            parser: CellParser::new(rules.syntax),
            syntax: rules.syntax,
            coding: rules.coding,
            trim: rules.trim,
            blank_rows: 0,
            all: Vec::new(),
            columns: Arc::default(),
            reserved: Vec::new(),
        }
    }

    /// Names the columns; the reserved ones among them will be left out of every row.
    pub(super) fn name_columns(&mut self, names: Vec<String>) {
        self.reserved = reserved_positions(&names);
        let kept = names.iter().enumerate();
        let kept = kept.filter(|(at, _)| !self.reserved.contains(at));
        let kept = kept.map(|(_, name)| name.clone()).collect();
        self.columns = Arc::new(match self.reserved.is_empty() {
            true => Columns::new(kept),
            // They may come from a workbook.
            false => Columns::of_sheet(kept),
        });
        let width = names.len() - self.reserved.len();
        self.scanner.expect(width, self.own_cells().unwrap_or(0));
        self.all = names;
    }

    pub(super) fn columns(&self) -> &Arc<Columns> {
        &self.columns
    }

    pub(super) fn reserved(&self) -> &[usize] {
        &self.reserved
    }

    /// How many cells of hcsync's own stand before each row: those of a file of rejected rows, or none. Returns None if
    /// they stand elsewhere.
    fn own_cells(&self) -> Option<usize> {
        let own = self.reserved.len();
        self.reserved.iter().copied().eq(0..own).then_some(own)
    }

    pub(super) fn window(&mut self) -> &mut Window {
        &mut self.window
    }

    pub(super) fn blank_rows(&self) -> u64 {
        self.blank_rows
    }

    /// The first record with content, to be the header. An error is the line and what is wrong there.
    pub(super) fn read_header(&mut self) -> Result<Result<Option<Header>, (u64, String)>, Fault> {
        loop {
            let Some(extent) = self.next_extent()? else {
                return Ok(Ok(None));
            };
            let header = self.header_at(&extent);
            self.window.consume(extent.skip);
            if !matches!(header, Ok(None)) {
                return Ok(header);
            }
        }
    }

    /// Returns None where all cells of the record are blank.
    fn header_at(&mut self, extent: &Extent) -> Result<Option<Header>, (u64, String)> {
        let bytes = self.window.view().get(..extent.len).unwrap_or_default();
        if let Some(flaw) = extent.flaw {
            return Err((extent.line, self.faults(bytes).flaw(flaw).message));
        }
        match extent.is_padded {
            true => self.parser.parse(&unpadded(bytes, self.syntax)),
            false => self.parser.parse(bytes),
        }
        let texts = self.parser.cells().map(|cell| self.text(cell));
        let names: Option<Vec<String>> = texts.collect();
        let Some(names) = names else {
            let at = self.coding.first_bad(bytes).unwrap_or_default();
            let name = self.coding.0.name();
            let problem = format!("byte {at} of it is not {name}; set `input.encoding`");
            return Err((extent.line, problem));
        };
        let is_blank = names.iter().all(|name| name.trim().is_empty());
        Ok((!is_blank).then(|| Header {
            names,
            raw: self.coding.raw(bytes),
        }))
    }

    /// The text of a cell, or None where it is none in the input's encoding.
    fn text(&self, cell: &[u8]) -> Option<String> {
        let text = self.coding.text(cell)?;
        Some(match self.trim {
            true => trimmed(text),
            false => text.into_owned(),
        })
    }

    /// Whether the first record is the header of a file of rejected rows.
    pub(super) fn is_own_header(&mut self) -> Result<bool, Fault> {
        let own = own_header(self.syntax.delimiter);
        self.window.fill(own.len())?;
        Ok(self.window.view().starts_with(&own))
    }

    pub(super) fn next(&mut self) -> Result<Option<Parsed>, Fault> {
        while let Some(extent) = self.next_extent()? {
            let bytes = self.window.view().get(..extent.len).unwrap_or_default();
            let outcome = match extent.flaw {
                Some(flaw) => Err(vec![self.faults(bytes).flaw(flaw)]),
                None => {
                    match extent.is_padded {
                        true => self.parser.parse(&unpadded(bytes, self.syntax)),
                        false => self.parser.parse(bytes),
                    }
                    self.row(&extent, bytes)
                }
            };
            let raw = match extent.flaw {
                Some(Flaw::TooLong(_)) => Vec::new(),
                Some(_) | None => self.coding.raw(bytes),
            };
            self.window.consume(extent.skip);
            let outcome = match outcome {
                Ok(Some(cells)) => Ok(cells),
                Err(issues) => Err(issues),
                Ok(None) => {
                    self.blank_rows += 1;
                    continue;
                }
            };
            return Ok(Some(Parsed {
                line: extent.line,
                raw: RawRecord(raw),
                flaws: self.flaws(&outcome),
                outcome,
                kinds: Vec::new(),
            }));
        }
        Ok(None)
    }

    /// The cells of a parsed record, or None where all of them are blank.
    ///
    /// What stands in a quoted cell is never read as rows, whatever it looks like: it may be somebody else's text.
    fn row(&self, extent: &Extent, bytes: &[u8]) -> Result<Option<Cells>, Vec<Issue>> {
        let is_ragged = self.parser.count() != self.all.len();
        let swallowed = match self.scanner.lines_of(extent) {
            0 | 1 => None,
            _ => self.swallowed(bytes, extent.line),
        };
        match swallowed {
            Some((spot, lines)) if is_ragged || lines >= self.many_lines() => {
                return Err(vec![self.faults(bytes).holds_rows(spot, lines)]);
            }
            Some(_) | None => {}
        }
        let shifted = match extent.literal_quotes {
            0 | 1 => None,
            _ => self.faults(bytes).answered_quote(),
        };
        match shifted.filter(|_| !is_ragged) {
            Some(column) => Err(vec![self.faults(bytes).lacks_delimiter(column)]),
            None => self.cells(bytes),
        }
    }

    /// Where a quote opens that swallowed lines which each look like a row, and how many lines they are: so does one
    /// that was meant as a sign, when a later line happens to end a cell with another.
    fn swallowed(&self, record: &[u8], line: u64) -> Option<(Spot, usize)> {
        let row = row_of(record, self.syntax, self.own_cells()?)?;
        let lines = self.scanner.lines_like_records(row)?;
        if lines < 2 {
            return None;
        }
        let holds_line = |span: &Range<usize>| {
            let cell = record.get(span.clone()).unwrap_or_default();
            quoted_part(cell, self.syntax).is_some()
                && cell.iter().any(|b| matches!(b, b'\n' | b'\r'))
        };
        let span = spans(record, self.syntax).into_iter().find(holds_line)?;
        let spot = Spot {
            at: span.start,
            // The cells before it are on the same line.
            line,
            line_at: 0,
        };
        Some((spot, lines))
    }

    /// So many lines that look like rows are no text: few cells are met in a text by chance.
    fn many_lines(&self) -> usize {
        let width = self.all.len() - self.reserved.len();
        if width > 2 { 4 } else { 12 }
    }

    /// The next record that is not a blank line. A byte order mark before it, as in files that were joined, is passed over.
    fn next_extent(&mut self) -> Result<Option<Extent>, Fault> {
        loop {
            self.window.fill(MARK.len())?;
            if self.coding.is_unicode() && self.window.view().starts_with(MARK) {
                self.window.consume(MARK.len());
            }
            let Some(extent) = self.scanner.next(&mut self.window)? else {
                return Ok(None);
            };
            let bytes = self.window.view().get(..extent.len).unwrap_or_default();
            if extent.flaw.is_some() || !self.is_blank(bytes) {
                return Ok(Some(extent));
            }
            self.window.consume(extent.skip);
        }
    }

    /// Whether a line holds nothing but blanks.
    fn is_blank(&self, bytes: &[u8]) -> bool {
        let is_blank = |b: &u8| matches!(b, b' ' | b'\t') && *b != self.syntax.delimiter;
        bytes.iter().all(is_blank)
    }

    fn cells(&self, bytes: &[u8]) -> Result<Option<Cells>, Vec<Issue>> {
        let reserved = self.reserved.len();
        let (found, expected) = (self.parser.count(), self.all.len());
        if found != expected {
            let own = self.reserved.iter().filter(|at| **at < found).count();
            let issue = ragged(found - own, expected - reserved);
            return match self.are_blank(own) {
                true => Ok(None),
                false => Err(vec![issue]),
            };
        }
        let mut texts = Texts::with_capacity(expected - reserved, bytes.len());
        let mut issues = Vec::new();
        for (at, cell) in self.parser.cells().enumerate() {
            if reserved > 0 && self.reserved.contains(&at) {
                continue;
            }
            match self.coding.text(cell) {
                Some(text) if self.trim => texts.push(text.trim()),
                Some(text) => texts.push(&text),
                None => issues.push(self.faults(bytes).undecodable(at)),
            }
        }
        if !issues.is_empty() {
            return Err(issues);
        }
        Ok((!texts.are_blank()).then(|| Cells::Table {
            columns: Arc::clone(&self.columns),
            texts,
        }))
    }

    /// Whether a ragged record has cells beside the reserved ones, `own` of which it holds, and all of them are blank.
    fn are_blank(&self, own: usize) -> bool {
        let cells = self.parser.cells().enumerate();
        let mut others = cells.filter(|(at, _)| !self.reserved.contains(at));
        let is_blank = |cell: &[u8]| {
            let text = self.coding.text(cell);
            text.is_some_and(|text| text.trim().is_empty())
        };
        self.parser.count() > own && others.all(|(_, cell)| is_blank(cell))
    }

    fn faults<'a>(&'a self, record: &'a [u8]) -> Faults<'a> {
        Faults {
            record,
            names: &self.all,
            syntax: self.syntax,
            coding: self.coding,
        }
    }

    /// Of rows that are fed back: what was wrong with a workbook's cell still is.
    fn flaws(&self, outcome: &Result<Cells, Vec<Issue>>) -> Vec<Issue> {
        let Ok(Cells::Table { columns, texts }) = outcome else {
            return Vec::new();
        };
        if self.reserved.is_empty() {
            return Vec::new();
        }
        let marked = texts.iter().zip(columns.names());
        let marked = marked.filter(|(text, _)| text.starts_with('#'));
        marked
            .filter_map(|(text, name)| Some(unmended(text)?.column(name)))
            .collect()
    }
}

/// A text without its outer blanks, tabs and no-break spaces among them.
pub(super) fn trimmed(text: Cow<'_, str>) -> String {
    match text {
        Cow::Borrowed(text) => text.trim().to_owned(),
        Cow::Owned(text) if text.trim().len() == text.len() => text,
        Cow::Owned(text) => text.trim().to_owned(),
    }
}

pub(super) fn reserved_positions(names: &[String]) -> Vec<usize> {
    let reserved = |name: &String| RESERVED_COLUMNS.contains(&name.as_str());
    let names = names.iter().enumerate();
    names
        .filter(|(_, n)| reserved(n))
        .map(|(at, _)| at)
        .collect()
}
