use std::sync::Arc;

use memchr::memchr;

use super::RESERVED_COLUMNS;
use super::blanks;
use super::cells::{CellParser, Syntax, unpadded};
use super::coding::Coding;
use super::delimiter::{self, CANDIDATES};
use super::dialect::{Dialect, LineEnd};
use super::error::SourceError;
use super::format::Format;
use super::opening::{Opened, Opening, SAMPLE};
use super::quote;
use super::reader::Engine;
use super::rejected::{own_cells, own_delimiter};
use super::sampled::Sample;
use super::scan::Scanner;
use super::settings::Choice;
use super::table::{CellRules, Header, Table};
use super::titles::{FIRST_ROWS, FirstRow, header_line};
use super::window::Window;

/// What stood above the header and was passed over.
#[derive(Debug, Clone, Copy)]
struct Above {
    lines: u64,
    /// The delimiter that a line `sep=;` says.
    declared: Option<u8>,
}

impl Opening<'_> {
    /// What encloses cells, by the given delimiter or all that are looked for.
    fn quote(&self, window: &Window, delimiter: Option<u8>) -> Option<u8> {
        let own = own_delimiter(window.view());
        if let Some(quote) = own.and_then(|delimiter| quote::own(window.view(), delimiter)) {
            return Some(quote);
        }
        match (self.settings.quote, delimiter) {
            (Choice::Given(quote), _) => quote,
            (Choice::Auto, Some(given)) => Some(quote::detect(window.view(), &[given])),
            (Choice::Auto, None) => Some(quote::detect(window.view(), &CANDIDATES)),
        }
    }

    fn syntax(
        &self,
        window: &Window,
        dialect: &mut Dialect,
        declared: Option<u8>,
    ) -> Result<Syntax, SourceError> {
        let given = match self.settings.delimiter {
            Choice::Given(delimiter) => Some(delimiter),
            Choice::Auto => declared,
        };
        dialect.quote = self.quote(window, given);
        dialect.line_end = LineEnd::of(window.view(), dialect.quote);
        let coding = Coding(dialect.encoding);
        if coding.hides_ascii() && dialect.quote.is_some_and(|quote| quote >= b'@') {
            let reason = "where the quote may be a part of characters";
            return Err(self.unsafe_encoding(coding.0, reason));
        }
        dialect.delimiter = Some(self.delimiter(window, dialect, given)?);
        if dialect.quote.is_some() {
            let sample = Sample::new(window.view(), window.ended(), dialect.line_end);
            let leading = own_cells(window.view());
            dialect.skips_blanks = blanks::follow_delimiters(&sample, dialect.syntax(), leading);
        }
        Ok(dialect.syntax())
    }

    fn delimiter(
        &self,
        window: &Window,
        dialect: &Dialect,
        given: Option<u8>,
    ) -> Result<u8, SourceError> {
        let coding = Coding(dialect.encoding);
        if let Some(delimiter) = own_delimiter(window.view()) {
            return Ok(delimiter);
        }
        let delimiter = match (given, dialect.format) {
            (Some(delimiter), _) => delimiter,
            (None, Format::Tsv) => b'\t',
            (None, _) => {
                let sample = Sample::new(window.view(), window.ended(), dialect.line_end);
                let found = delimiter::detect(&sample, dialect.quote, coding.hides_ascii());
                found.map_err(|candidates| SourceError::UndecidedDelimiter {
                    name: self.name(),
                    candidates: candidates.into_iter().map(shown).collect(),
                })?
            }
        };
        if coding.hides_ascii() && (delimiter >= b'@' || delimiter.is_ascii_digit()) {
            let reason = "where the delimiter may be a part of characters";
            return Err(self.unsafe_encoding(coding.0, reason));
        }
        Ok(delimiter)
    }

    pub(super) fn table(
        &self,
        mut window: Window,
        dialect: Dialect,
    ) -> Result<Opened, SourceError> {
        let above = self.pass_over(&mut window, dialect.line_end)?;
        let header_below = match self.settings.header {
            true => self.header_below(&window, &dialect, above),
            false => None,
        };
        let opened = self.table_below(window, dialect, above);
        let mut opened = opened.map_err(|error| self.or_below(error, header_below))?;
        opened.header_below = header_below;
        Ok(opened)
    }

    /// The error, or the one that names the line of the header, where that is what the first one comes from.
    pub(super) fn or_below(&self, error: SourceError, header_below: Option<u64>) -> SourceError {
        match (error, header_below) {
            (
                SourceError::NoHeader { name }
                | SourceError::BadHeader { name, .. }
                | SourceError::UndecidedDelimiter { name, .. },
                Some(line),
            ) => SourceError::HeaderBelow { name, line },
            (error, _) => error,
        }
    }

    /// Passes over the lines above the header. A file of rejected rows has none.
    fn pass_over(&self, window: &mut Window, line_end: LineEnd) -> Result<Above, SourceError> {
        let declared = delimiter::declared(window.view());
        let mut above = Above {
            lines: 0,
            declared: declared.map(|declared| declared.delimiter),
        };
        if own_delimiter(window.view()).is_some() {
            return Ok(above);
        }
        match declared {
            Some(declared) if self.settings.skip_lines == 0 => {
                window.consume(declared.skip);
                above.lines = 1;
            }
            _ => {
                self.skip_lines(window, line_end)?;
                above.lines = self.settings.skip_lines;
            }
        }
        window.fill(SAMPLE).map_err(|error| self.origin.io(error))?;
        Ok(above)
    }

    fn skip_lines(&self, window: &mut Window, line_end: LineEnd) -> Result<(), SourceError> {
        let end = match line_end {
            LineEnd::Cr => b'\r',
            LineEnd::Lf | LineEnd::CrLf => b'\n',
        };
        let mut left = self.settings.skip_lines;
        while left > 0 {
            match memchr(end, window.view()) {
                Some(at) => {
                    window.consume(at + 1);
                    left -= 1;
                }
                None if window.ended() => break,
                None => {
                    window.consume(window.view().len());
                    window.grow().map_err(|error| self.origin.io(error))?;
                }
            }
        }
        if left > 0 || (window.ended() && window.view().is_empty()) {
            return Err(SourceError::AllSkipped {
                name: self.name(),
                lines: self.settings.skip_lines,
            });
        }
        Ok(())
    }

    /// The line on which the header seems to stand, where the first record is a title, whatever delimiter shows it.
    fn header_below(&self, window: &Window, dialect: &Dialect, above: Above) -> Option<u64> {
        let given = match (self.settings.delimiter, above.declared, dialect.format) {
            (Choice::Given(delimiter), ..) | (_, Some(delimiter), _) => Some(delimiter),
            (_, None, Format::Tsv) => Some(b'\t'),
            (_, None, _) => None,
        };
        let sample = Sample::new(window.view(), window.ended(), dialect.line_end);
        let quote = self.quote(window, given);
        let delimiters = given.map_or(CANDIDATES.to_vec(), |given| vec![given]);
        let lines = delimiters.into_iter().filter_map(|delimiter| {
            let syntax = Syntax {
                delimiter,
                quote: quote.filter(|quote| *quote != delimiter),
                skips_blanks: true,
            };
            header_line(&first_rows(&sample, syntax, Coding(dialect.encoding)))
        });
        lines.min().map(|line| above.lines + line)
    }

    fn table_below(
        &self,
        window: Window,
        mut dialect: Dialect,
        above: Above,
    ) -> Result<Opened, SourceError> {
        let syntax = self.syntax(&window, &mut dialect, above.declared)?;
        let mut scanner = Scanner::new(syntax, dialect.line_end, self.settings.limits);
        scanner.begin_on_line(above.lines + 1);
        let rules = CellRules {
            syntax,
            coding: Coding(dialect.encoding),
            trim: self.settings.trim,
        };
        let mut table = Table::new(window, scanner, rules);
        if self.settings.header {
            let header = self.header(&mut table)?;
            self.check_names(&header.names)?;
            dialect.header = Some(header.raw);
            table.name_columns(header.names);
        } else {
            self.name_given(&mut table)?;
        }
        dialect.columns = table.columns().names().to_vec();
        dialect.reserved = table.reserved().to_vec();
        Ok(Opened {
            columns: Arc::clone(table.columns()),
            engine: Engine::Table(Box::new(table)),
            dialect,
            header_below: None,
            notes: Vec::new(),
        })
    }

    fn header(&self, table: &mut Table) -> Result<Header, SourceError> {
        match table.read_header() {
            Ok(Ok(Some(header))) => Ok(header),
            Ok(Ok(None)) => Err(self.empty()),
            Ok(Err((line, problem))) => Err(SourceError::BadHeader {
                name: self.name(),
                line,
                problem,
            }),
            Err(fault) => Err(self.origin.fault(fault)),
        }
    }

    /// Names the columns of a table without a header. A file of rejected rows has one all the same, which tells it apart.
    fn name_given(&self, table: &mut Table) -> Result<(), SourceError> {
        let mut names = self.given_columns()?;
        let own = table.is_own_header();
        if own.map_err(|fault| self.origin.fault(fault))? {
            let header = self.header(table)?;
            let own = RESERVED_COLUMNS.into_iter().zip(&header.names);
            let own = own.take_while(|(own, name)| own == name);
            names.splice(0..0, own.map(|(own, _)| own.to_owned()));
        }
        table.name_columns(names);
        Ok(())
    }
}

/// The first records of a sample, their lines counted from its beginning.
fn first_rows(sample: &Sample<'_>, syntax: Syntax, coding: Coding) -> Vec<FirstRow> {
    let mut parser = CellParser::new(syntax);
    let mut rows = Vec::new();
    sample.records(syntax, |extent, record| {
        if rows.len() == FIRST_ROWS {
            return;
        }
        let text = |cell: &[u8]| coding.text(cell).unwrap_or_default().trim().to_owned();
        let cells = match extent.flaw {
            Some(_) => vec![text(record)],
            None => {
                parser.parse(&unpadded(record, syntax));
                parser.cells().map(text).collect()
            }
        };
        rows.push(FirstRow {
            line: extent.line,
            cells,
        });
    });
    rows
}

fn shown(delimiter: u8) -> String {
    match delimiter {
        b'\t' => "tab".to_owned(),
        other => char::from(other).to_string(),
    }
}
