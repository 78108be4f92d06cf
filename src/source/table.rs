use std::ops::Range;
use std::sync::Arc;

use crate::domain::{Cells, Columns, Issue, RawRecord};

use super::RESERVED_COLUMNS;
use super::cells::{CellParser, Syntax, spans};
use super::coding::Coding;
use super::error::Fault;
use super::reader::Parsed;
use super::rejected::own_header;
use super::scan::{Extent, Flaw, Scanner, Spot, row_of};
use super::sheet_flaws::unmended;
use super::window::Window;

/// The records of a CSV.
pub(super) struct Table {
    window: Window,
    scanner: Scanner,
    parser: CellParser,
    syntax: Syntax,
    coding: Coding,
    /// Every column of a record, the reserved ones too.
    all: Vec<String>,
    columns: Arc<Columns>,
    reserved: Vec<usize>,
}

/// A first record: its cells and its bytes.
pub(super) struct Header {
    pub(super) names: Vec<String>,
    pub(super) raw: Vec<u8>,
}

impl Table {
    /// A table whose columns are still to be named.
    pub(super) fn new(window: Window, scanner: Scanner, syntax: Syntax, coding: Coding) -> Self {
        Self {
            window,
            scanner,
            parser: CellParser::new(syntax),
            syntax,
            coding,
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

    /// The first record, to be the header. An error is the line and what is wrong there.
    pub(super) fn read_header(&mut self) -> Result<Result<Option<Header>, (u64, String)>, Fault> {
        let Some(extent) = self.next_extent()? else {
            return Ok(Ok(None));
        };
        let bytes = self.window.view().get(..extent.len).unwrap_or_default();
        if let Some(flaw) = extent.flaw {
            return Ok(Err((extent.line, self.flaw(flaw, bytes).message)));
        }
        self.parser.parse(bytes);
        let texts = self.parser.cells().map(|cell| self.coding.text(cell));
        let Some(names) = texts.map(|t| t.map(String::from)).collect() else {
            let at = self.coding.first_bad(bytes).unwrap_or_default();
            let name = self.coding.0.name();
            let problem = format!("byte {at} of it is not {name}; set `input.encoding`");
            return Ok(Err((extent.line, problem)));
        };
        let header = Header {
            names,
            raw: self.coding.raw(bytes),
        };
        self.window.consume(extent.skip);
        Ok(Ok(Some(header)))
    }

    /// Whether the first record is the header of a file of rejected rows.
    pub(super) fn is_own_header(&mut self) -> Result<bool, Fault> {
        let own = own_header(self.syntax.delimiter);
        self.window.fill(own.len())?;
        Ok(self.window.view().starts_with(&own))
    }

    pub(super) fn next(&mut self) -> Result<Option<Parsed>, Fault> {
        let Some(mut extent) = self.next_extent()? else {
            return Ok(None);
        };
        let whole = self.window.view().get(..extent.len).unwrap_or_default();
        if extent.flaw.is_none() {
            self.parser.parse(whole);
        }
        let swallowed = match extent.flaw {
            None if self.scanner.lines_of(&extent) > 1 => self.swallowed(whole, extent.line),
            None | Some(_) => None,
        };
        if let Some((spot, _)) = swallowed.filter(|_| self.parser.count() != self.all.len()) {
            extent = self.scanner.cut(extent, whole, spot);
        }
        let bytes = whole.get(..extent.len).unwrap_or_default();
        let outcome = match (extent.flaw, swallowed) {
            (Some(flaw), _) => Err(vec![self.flaw(flaw, bytes)]),
            (None, Some((spot, lines))) if lines >= self.many_lines() => {
                Err(vec![self.holds_rows(spot, lines, bytes)])
            }
            (None, _) => self.cells(bytes),
        };
        let too_long = matches!(extent.flaw, Some(Flaw::TooLong(_)));
        let raw = if too_long {
            Vec::new()
        } else {
            self.coding.raw(bytes)
        };
        self.window.consume(extent.skip);
        let flaws = self.flaws(&outcome);
        Ok(Some(Parsed {
            line: extent.line,
            raw: RawRecord(raw),
            outcome,
            flaws,
            kinds: Vec::new(),
        }))
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
            self.syntax.is_quote(cell.first()) && cell.iter().any(|b| matches!(b, b'\n' | b'\r'))
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

    fn holds_rows(&self, spot: Spot, lines: usize, record: &[u8]) -> Issue {
        let message = format!(
            "the quoted cell holds the ends of {lines} lines that each look like a row, so that its opening quote is likely a mistake"
        );
        let issue = Issue::input("swallowed_rows", message);
        self.named(issue, self.column_at(spot, record))
            .hint("take the quote out, or double it and put the whole cell in quotes; nothing of these lines was read as rows")
    }

    /// The next record that is not blank.
    fn next_extent(&mut self) -> Result<Option<Extent>, Fault> {
        while let Some(extent) = self.scanner.next(&mut self.window)? {
            let bytes = self.window.view().get(..extent.len).unwrap_or_default();
            if extent.flaw.is_some() || !self.is_blank(bytes) {
                return Ok(Some(extent));
            }
            self.window.consume(extent.skip);
        }
        Ok(None)
    }

    /// Whether a line holds nothing. A lone space may be the cell of a table of one column, and is nobody's row elsewhere.
    fn is_blank(&self, bytes: &[u8]) -> bool {
        let nothing = |b: &u8| matches!(b, b' ' | b'\t') && *b != self.syntax.delimiter;
        bytes.is_empty() || self.all.len() != 1 && bytes.iter().all(nothing)
    }

    fn cells(&self, bytes: &[u8]) -> Result<Cells, Vec<Issue>> {
        let reserved = self.reserved.len();
        let (found, expected) = (self.parser.count(), self.all.len());
        if found != expected {
            let own = self.reserved.iter().filter(|at| **at < found).count();
            return Err(vec![ragged(found - own, expected - reserved)]);
        }
        let mut texts = Vec::with_capacity(expected - reserved);
        let mut issues = Vec::new();
        for (at, cell) in self.parser.cells().enumerate() {
            if reserved > 0 && self.reserved.contains(&at) {
                continue;
            }
            match self.coding.text(cell) {
                Some(text) => texts.push(text.into_owned()),
                None => issues.push(self.undecodable(at, bytes)),
            }
        }
        if !issues.is_empty() {
            return Err(issues);
        }
        Ok(Cells::Table {
            columns: Arc::clone(&self.columns),
            texts,
        })
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

    fn undecodable(&self, column: usize, record: &[u8]) -> Issue {
        let span = spans(record, self.syntax).get(column).cloned();
        let span = span.unwrap_or(0..record.len());
        let before = self
            .coding
            .raw(record.get(..span.start).unwrap_or_default());
        let cell = record.get(span).unwrap_or_default();
        let at = before.len() + self.coding.first_bad(cell).unwrap_or_default();
        let encoding = self.coding.0.name();
        let issue = Issue::input(
            "undecodable",
            format!("the cell is not valid {encoding}: byte {at} of the record, counted from 0"),
        );
        self.named(issue, column).hint(
            "if the whole file is in another encoding, set `input.encoding`; else mend the cell",
        )
    }

    fn named(&self, issue: Issue, column: usize) -> Issue {
        match self.all.get(column) {
            Some(name) => issue.column(name),
            None => issue,
        }
    }

    fn flaw(&self, flaw: Flaw, record: &[u8]) -> Issue {
        match flaw {
            Flaw::Stray(spot) => {
                let place = self.place(spot, record);
                let message = format!("text stands after the closing quote at {place}");
                let issue = Issue::input("stray_quote", message);
                self.named(issue, self.column_at(spot, record))
                    .hint("a quote within a quoted cell is written twice; where quotes mean nothing in the file, set `input.quote` to none")
            }
            Flaw::Unclosed(spot) => {
                let place = self.place(spot, record);
                let message = format!("the quote that opens at {place} is never closed");
                let issue = Issue::input("unclosed_quote", message);
                self.named(issue, self.column_at(spot, record))
                    .hint("close it, or write the whole cell in quotes and its own quotes twice; where quotes mean nothing in the file, set `input.quote` to none; the lines after it were read as rows")
            }
            Flaw::TooLong(bytes) => too_long(bytes),
        }
    }

    fn column_at(&self, spot: Spot, record: &[u8]) -> usize {
        let before = record.get(..spot.at).unwrap_or_default();
        spans(before, self.syntax).len() - 1
    }

    fn place(&self, spot: Spot, record: &[u8]) -> String {
        let before = record.get(spot.line_at..spot.at).unwrap_or_default();
        let characters = self
            .coding
            .text(before)
            .map_or(before.len(), |text| text.chars().count());
        format!("line {}, character {}", spot.line, characters + 1)
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

fn ragged(found: usize, expected: usize) -> Issue {
    let cells = |n: usize| format!("{n} {}", if n == 1 { "cell" } else { "cells" });
    Issue::input(
        "ragged",
        format!(
            "the row has {} where the table has {} columns",
            cells(found),
            expected
        ),
    )
    .hint("look for a delimiter in a cell without quotes, or for a missing one")
}

pub(super) fn too_long(bytes: u64) -> Issue {
    Issue::input(
        "too_long",
        format!("the record has {bytes} bytes, more than is read of one"),
    )
    .hint("its bytes are not kept: look it up in the input by its line")
}
