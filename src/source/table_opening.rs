use std::sync::Arc;

use memchr::memchr;

use super::RESERVED_COLUMNS;
use super::cells::{CellParser, Syntax, unpadded};
use super::delimiter::{self, CANDIDATES};
use super::dialect::{Dialect, LineEnd};
use super::error::SourceError;
use super::format::Format;
use super::opener::{Engine, InputOpener, Opened, SAMPLE};
use super::rejected_marks::own_delimiter;
use super::sample::Sample;
use super::scan::Scanner;
use super::settings::Choice;
use super::table::{CellRules, Header, Table};
use super::text_codec::TextCodec;
use super::titles::{FIRST_ROWS, FirstRow, header_line};
use super::window::Window;

/// The lines that were skipped above the header.
#[derive(Debug, Clone, Copy)]
struct SkippedLines {
    lines: u64,
    /// The delimiter that a line `sep=;` declares.
    declared: Option<u8>,
}

impl InputOpener<'_> {
    pub(super) fn table(
        &self,
        mut window: Window,
        dialect: Dialect,
    ) -> Result<Opened, SourceError> {
        let above = self.skip_above(&mut window, dialect.line_end)?;
        let header_below = match self.settings.header {
            true => self.header_below(&window, &dialect, above),
            false => None,
        };
        let opened = self.table_below(window, dialect, above);
        let mut opened = opened.map_err(|error| self.or_header_below(error, header_below))?;
        opened.header_below = header_below;
        Ok(opened)
    }

    /// Replaces an error that comes from a header further down by one that names its line.
    pub(super) fn or_header_below(
        &self,
        error: SourceError,
        header_below: Option<u64>,
    ) -> SourceError {
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

    /// Skips the lines above the header. A file of rejected rows has none.
    fn skip_above(
        &self,
        window: &mut Window,
        line_end: LineEnd,
    ) -> Result<SkippedLines, SourceError> {
        let declared = delimiter::declared(window.view());
        let mut above = SkippedLines {
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
        let mut remaining = self.settings.skip_lines;
        while remaining > 0 {
            match memchr(end, window.view()) {
                Some(at) => {
                    window.consume(at + 1);
                    remaining -= 1;
                }
                None if window.ended() => break,
                None => {
                    window.consume(window.view().len());
                    window.grow().map_err(|error| self.origin.io(error))?;
                }
            }
        }
        if remaining > 0 || (window.ended() && window.view().is_empty()) {
            return Err(SourceError::AllSkipped {
                name: self.name(),
                lines: self.settings.skip_lines,
            });
        }
        Ok(())
    }

    /// The line that seems to be the header, if the first record is a title. All possible delimiters are tried.
    fn header_below(&self, window: &Window, dialect: &Dialect, above: SkippedLines) -> Option<u64> {
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
            header_line(&first_rows(&sample, syntax, TextCodec(dialect.encoding)))
        });
        lines.min().map(|line| above.lines + line)
    }

    fn table_below(
        &self,
        window: Window,
        mut dialect: Dialect,
        above: SkippedLines,
    ) -> Result<Opened, SourceError> {
        let syntax = self.syntax(&window, &mut dialect, above.declared)?;
        let mut scanner = Scanner::new(syntax, dialect.line_end, self.settings.limits);
        scanner.begin_on_line(above.lines + 1);
        let rules = CellRules {
            syntax,
            codec: TextCodec(dialect.encoding),
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
            Err(fault) => Err(self.origin.engine_error(fault)),
        }
    }

    /// Names the columns of a table without a header. If the table is a file of rejected rows it has one, which is skipped.
    fn name_given(&self, table: &mut Table) -> Result<(), SourceError> {
        let mut names = self.given_columns()?;
        let own = table.is_own_header();
        if own.map_err(|fault| self.origin.engine_error(fault))? {
            let header = self.header(table)?;
            let own = RESERVED_COLUMNS.into_iter().zip(&header.names);
            let own = own.take_while(|(own, name)| own == name);
            names.splice(0..0, own.map(|(own, _)| own.to_owned()));
        }
        table.name_columns(names);
        Ok(())
    }
}

/// The first records of a sample, with lines counted from its beginning.
fn first_rows(sample: &Sample<'_>, syntax: Syntax, codec: TextCodec) -> Vec<FirstRow> {
    let mut parser = CellParser::new(syntax);
    let mut rows = Vec::new();
    sample.records(syntax, |extent, record| {
        if rows.len() == FIRST_ROWS {
            return;
        }
        let text = |cell: &[u8]| codec.text(cell).unwrap_or_default().trim().to_owned();
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
