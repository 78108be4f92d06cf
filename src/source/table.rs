use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use crate::domain::text::trim;
use crate::domain::{Cells, Columns, Issue, RawRecord, Texts};

use super::RESERVED_COLUMNS;
use super::cells::{CellParser, Syntax, quoted_part, spans, unpadded};
use super::error::EngineError;
use super::record::ParsedRecord;
use super::record_diagnosis::{RecordDiagnosis, ragged};
use super::record_extent::{QuotePosition, RecordExtent, RecordFlaw};
use super::rejected_marks::own_header;
use super::scan::{Scanner, row_of};
use super::sheet_flaws::unfixed;
use super::text_codec::{TextCodec, UTF8_MARK};
use super::window::Window;

/// The records of a CSV.
pub(super) struct Table {
    window: Window,
    scanner: Scanner,
    parser: CellParser,
    syntax: Syntax,
    codec: TextCodec,
    trim: bool,
    /// The number of rows skipped because all their cells are blank.
    blank_rows: u64,
    /// All columns of a record, including the reserved ones.
    all: Vec<String>,
    columns: Arc<Columns>,
    reserved: Vec<usize>,
}

/// How the cells of a table are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct CellRules {
    pub(super) syntax: Syntax,
    pub(super) codec: TextCodec,
    /// Whether cells are trimmed.
    pub(super) trim: bool,
}

/// The header: its cells and its bytes.
pub(super) struct Header {
    pub(super) names: Vec<String>,
    pub(super) raw: Vec<u8>,
}

impl Table {
    /// A table whose columns have to be named with [`Self::name_columns`].
    pub(super) fn new(window: Window, scanner: Scanner, rules: CellRules) -> Self {
        Self {
            window,
            scanner,
            parser: CellParser::new(rules.syntax),
            syntax: rules.syntax,
            codec: rules.codec,
            trim: rules.trim,
            blank_rows: 0,
            all: Vec::new(),
            columns: Arc::default(),
            reserved: Vec::new(),
        }
    }

    /// Names the columns. Reserved ones are left out of every row.
    pub(super) fn name_columns(&mut self, names: Vec<String>) {
        self.reserved = reserved_positions(&names);
        let own = names.iter().enumerate();
        let own = own.filter(|(at, _)| !self.reserved.contains(at));
        let own = own.map(|(_, name)| name.clone()).collect();
        self.columns = Arc::new(match self.reserved.is_empty() {
            true => Columns::new(own),
            // Rejected rows may come from a workbook.
            false => Columns::of_sheet(own),
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

    /// The number of cells that hcsync added before each row, which is 0 unless the table is a file of rejected rows. Returns
    /// `None` if they are elsewhere.
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

    /// Reads the first record that is not blank as the header. The inner error is the line and the problem.
    pub(super) fn read_header(
        &mut self,
    ) -> Result<Result<Option<Header>, (u64, String)>, EngineError> {
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

    /// Returns `None` if all cells of the record are blank.
    fn header_at(&mut self, extent: &RecordExtent) -> Result<Option<Header>, (u64, String)> {
        let bytes = self.window.view().get(..extent.len).unwrap_or_default();
        if let Some(flaw) = extent.flaw {
            return Err((extent.line, self.diagnosis(bytes).flaw(flaw).message));
        }
        match extent.is_padded {
            true => self.parser.parse(&unpadded(bytes, self.syntax)),
            false => self.parser.parse(bytes),
        }
        let texts = self.parser.cells().map(|cell| self.text(cell));
        let names: Option<Vec<String>> = texts.collect();
        let Some(names) = names else {
            let at = self.codec.first_bad(bytes).unwrap_or_default();
            let name = self.codec.0.name();
            let problem = format!("byte {at} of it is not {name}; set `input.encoding`");
            return Err((extent.line, problem));
        };
        let is_blank = names.iter().all(|name| name.trim().is_empty());
        Ok((!is_blank).then(|| Header {
            names,
            raw: self.codec.raw(bytes),
        }))
    }

    /// The text of a cell, or `None` if it cannot be decoded.
    fn text(&self, cell: &[u8]) -> Option<String> {
        let text = self.codec.text(cell)?;
        Some(match self.trim {
            true => trimmed(text),
            false => text.into_owned(),
        })
    }

    /// Whether the first record is the header of a file of rejected rows.
    pub(super) fn is_own_header(&mut self) -> Result<bool, EngineError> {
        let own = own_header(self.syntax.delimiter);
        self.window.fill(own.len())?;
        Ok(self.window.view().starts_with(&own))
    }

    pub(super) fn next(&mut self) -> Result<Option<ParsedRecord>, EngineError> {
        while let Some(extent) = self.next_extent()? {
            let bytes = self.window.view().get(..extent.len).unwrap_or_default();
            let outcome = match extent.flaw {
                Some(flaw) => Err(vec![self.diagnosis(bytes).flaw(flaw)]),
                None => {
                    match extent.is_padded {
                        true => self.parser.parse(&unpadded(bytes, self.syntax)),
                        false => self.parser.parse(bytes),
                    }
                    self.row(&extent, bytes)
                }
            };
            let is_as_read = self.codec.is_as_read()
                && self.parser.is_plain()
                && !extent.is_padded
                && self.reserved.is_empty();
            let raw = match (&outcome, extent.flaw) {
                (_, Some(RecordFlaw::TooLong(_))) => Some(RawRecord::default()),
                (Ok(_), _) if is_as_read => None,
                _ => Some(RawRecord(self.codec.raw(bytes))),
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
            return Ok(Some(ParsedRecord {
                line: extent.line,
                raw,
                flaws: self.flaws(&outcome),
                outcome,
                kinds: Vec::new(),
            }));
        }
        Ok(None)
    }

    /// The cells of a parsed record, or `None` if all of them are blank.
    ///
    /// The content of a quoted cell is never read as rows, whatever it looks like, because it may be someone else's text.
    fn row(&self, extent: &RecordExtent, bytes: &[u8]) -> Result<Option<Cells>, Vec<Issue>> {
        let is_ragged = self.parser.count() != self.all.len();
        let swallowed = match self.scanner.lines_of(extent) {
            0 | 1 => None,
            _ => self.swallowed(bytes, extent.line),
        };
        match swallowed {
            Some((spot, lines)) if is_ragged || lines >= self.min_swallowed_lines() => {
                return Err(vec![self.diagnosis(bytes).holds_rows(spot, lines)]);
            }
            Some(_) | None => {}
        }
        let shifted = match extent.literal_quotes {
            0 | 1 => None,
            _ => self.diagnosis(bytes).reopened_quote(),
        };
        match shifted.filter(|_| !is_ragged) {
            Some(column) => Err(vec![self.diagnosis(bytes).lacks_delimiter(column)]),
            None => self.cells(bytes),
        }
    }

    /// The position of a quote that swallowed lines which look like rows, and the number of these lines. This happens if the quote
    /// was meant as a character, and a later line happens to end a cell with another one.
    fn swallowed(&self, record: &[u8], line: u64) -> Option<(QuotePosition, usize)> {
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
        let spot = QuotePosition {
            at: span.start,
            // The cells before it are on the same line.
            line,
            line_at: 0,
        };
        Some((spot, lines))
    }

    /// From this number on, lines that look like rows are not a text. Rows with few cells occur in texts by chance.
    fn min_swallowed_lines(&self) -> usize {
        let width = self.all.len() - self.reserved.len();
        if width > 2 { 4 } else { 12 }
    }

    /// The next record that is not a blank line. A byte order mark before it, as in concatenated files, is skipped.
    fn next_extent(&mut self) -> Result<Option<RecordExtent>, EngineError> {
        loop {
            self.window.fill(UTF8_MARK.len())?;
            if self.codec.is_unicode() && self.window.view().starts_with(UTF8_MARK) {
                self.window.consume(UTF8_MARK.len());
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

    /// Whether a line contains only blanks.
    fn is_blank(&self, bytes: &[u8]) -> bool {
        let is_blank = |b: &u8| matches!(b, b' ' | b'\t') && *b != self.syntax.delimiter;
        bytes.iter().all(is_blank)
    }

    fn cells(&self, bytes: &[u8]) -> Result<Option<Cells>, Vec<Issue>> {
        let reserved = self.reserved.len();
        let (actual, expected) = (self.parser.count(), self.all.len());
        if actual != expected {
            let own = self.reserved.iter().filter(|at| **at < actual).count();
            let issue = ragged(actual - own, expected - reserved);
            return match self.are_blank(own) {
                true => Ok(None),
                false => Err(vec![issue]),
            };
        }
        let cells = self.parser.spans().enumerate();
        let cells = cells.filter(|(at, _)| reserved == 0 || !self.reserved.contains(at));
        // Usually all cells are valid UTF-8.
        if self.codec.is_unicode()
            && let Some(text) = self.parser.text()
        {
            let spans = cells.map(|(_, span)| match self.trim {
                true => trimmed_span(text, span),
                false => span,
            });
            return Ok(self.unless_blank(Texts::of_record(text, expected - reserved, spans)));
        }
        let mut texts = Texts::default();
        let mut issues = Vec::new();
        for (at, cell) in cells {
            match self.codec.text(self.parser.cell(cell)) {
                Some(text) if self.trim => texts.push(text.trim()),
                Some(text) => texts.push(&text),
                None => issues.push(self.diagnosis(bytes).undecodable(at)),
            }
        }
        if !issues.is_empty() {
            return Err(issues);
        }
        Ok(self.unless_blank(texts))
    }

    fn unless_blank(&self, texts: Texts) -> Option<Cells> {
        (!texts.are_blank()).then(|| Cells::Table {
            columns: Arc::clone(&self.columns),
            texts,
        })
    }

    /// Whether a ragged record has cells besides its `own` reserved ones, and all of them are blank.
    fn are_blank(&self, own: usize) -> bool {
        let cells = self.parser.cells().enumerate();
        let mut others = cells.filter(|(at, _)| !self.reserved.contains(at));
        let is_blank = |cell: &[u8]| {
            let text = self.codec.text(cell);
            text.is_some_and(|text| text.trim().is_empty())
        };
        self.parser.count() > own && others.all(|(_, cell)| is_blank(cell))
    }

    fn diagnosis<'a>(&'a self, record: &'a [u8]) -> RecordDiagnosis<'a> {
        RecordDiagnosis {
            record,
            names: &self.all,
            syntax: self.syntax,
            codec: self.codec,
        }
    }

    /// The flaws of workbook cells that are still marked in rows that are fed back.
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
            .filter_map(|(text, name)| Some(unfixed(text)?.column(name)))
            .collect()
    }
}

/// Where a cell of a record is without the blanks around it.
fn trimmed_span(record: &str, cell: Range<usize>) -> Range<usize> {
    let text = record.get(cell.clone()).unwrap_or_default();
    let trimmed = trim(text);
    if trimmed.len() == text.len() {
        return cell;
    }
    let start = cell.end - text.trim_start().len();
    start..start + trimmed.len()
}

/// Trims a text, including tabs and no-break spaces.
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
