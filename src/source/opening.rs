use std::borrow::Cow;
use std::io::{Cursor, Read};
use std::sync::Arc;

use encoding_rs::{Encoding, UTF_8};

use crate::domain::Columns;

use super::RESERVED_COLUMNS;
use super::cells::{Syntax, record_of};
use super::coding::Coding;
use super::delimiter;
use super::dialect::{Dialect, LineEnd};
use super::encoding::{Decided, Undecided, decide, utf8_evidence};
use super::error::SourceError;
use super::foreign::Container;
use super::format::Format;
use super::quote;
use super::reader::{Engine, Origin};
use super::readings::readings;
use super::rejected::{noted_encoding, own_delimiter};
use super::scan::Scanner;
use super::settings::{Choice, SourceSettings};
use super::sheet::Sheet;
use super::table::Table;
use super::utf16::Utf16Reader;
use super::window::Window;
use super::workbook::{Failure, Workbook};

/// Bytes by which everything is decided.
const SAMPLE: usize = 1 << 20;

/// An input about which everything is still to be found out.
pub(super) struct Opening<'a> {
    pub(super) origin: &'a Origin,
    pub(super) settings: &'a SourceSettings,
}

pub(super) struct Opened {
    pub(super) engine: Engine,
    pub(super) dialect: Dialect,
    pub(super) columns: Arc<Columns>,
    pub(super) notes: Vec<String>,
}

impl Opening<'_> {
    pub(super) fn open(&self, mut stream: Box<dyn Read + Send>) -> Result<Opened, SourceError> {
        let mut sample = Vec::new();
        (&mut stream)
            .take(SAMPLE as u64)
            .read_to_end(&mut sample)
            .map_err(|error| self.origin.io(error))?;
        let whole = sample.len() < SAMPLE;
        if sample.is_empty() {
            return Err(self.empty());
        }
        // A workbook's rejected rows are CSV, in UTF-8, whatever the settings say of the workbook.
        let is_own =
            own_delimiter(sample.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&sample)).is_some();
        if !is_own && self.is_workbook(&sample)? {
            return self.sheet(Window::new(Box::new(Cursor::new(sample).chain(stream))));
        }
        let encoding = match is_own {
            true => own_encoding(self.settings.encoding, &sample, whole),
            false => self.settings.encoding,
        };
        let decided = decide(encoding, &sample, whole);
        let decided = decided.map_err(|undecided| self.undecided(undecided, &sample))?;
        let mut bytes = Cursor::new(sample);
        bytes.set_position(decided.mark as u64);
        let mut opened = self.text(Box::new(bytes.chain(stream)), decided)?;
        if decided.guessed {
            let encoding = decided.encoding.name();
            opened.notes.push(format!(
                "encoding guessed: {encoding}; set `input.encoding` if names look wrong"
            ));
        }
        Ok(opened)
    }

    fn name(&self) -> String {
        self.origin.name.clone()
    }

    fn empty(&self) -> SourceError {
        SourceError::Empty { name: self.name() }
    }

    fn undecided(&self, undecided: Undecided, sample: &[u8]) -> SourceError {
        let name = self.name();
        match undecided {
            Undecided::Candidates(candidates) => SourceError::UndecidedEncoding {
                name,
                readings: readings(&candidates, sample),
                candidates: candidates.into_iter().map(Encoding::name).collect(),
            },
            Undecided::Escapes(encoding) => SourceError::UnsafeEncoding {
                name,
                encoding,
                reason: "and its escape sequences (`ESC $`) are no text in UTF-8",
            },
            Undecided::Contradicted { mark, given } => {
                SourceError::EncodingContradicted { name, mark, given }
            }
        }
    }

    pub(super) fn unsupported(
        &self,
        problem: impl Into<Cow<'static, str>>,
        advice: impl Into<Cow<'static, str>>,
    ) -> SourceError {
        SourceError::UnsupportedFormat {
            name: self.name(),
            problem: problem.into(),
            advice: advice.into(),
        }
    }

    /// Whether it is an xlsx; refuses other things that are no text.
    fn is_workbook(&self, sample: &[u8]) -> Result<bool, SourceError> {
        let format = self.settings.format;
        match Container::of(sample) {
            Some(Container::Foreign(problem, advice)) => {
                let advice = advice.replace("FILE", &self.origin.name);
                Err(self.unsupported(problem, advice))
            }
            Some(Container::Workbook)
                if !matches!(format, Choice::Auto | Choice::Given(Format::Xlsx)) =>
            {
                Err(self.unsupported(
                    "is an xlsx workbook, but `input.format` says otherwise",
                    "set it to xlsx or auto",
                ))
            }
            Some(Container::Workbook) => Ok(true),
            None if format == Choice::Given(Format::Xlsx) => Err(self.unsupported(
                "is no xlsx workbook, but `input.format` says so",
                "set it to auto",
            )),
            None => Ok(false),
        }
    }

    fn text(&self, bytes: Box<dyn Read + Send>, decided: Decided) -> Result<Opened, SourceError> {
        let coding = Coding(decided.encoding);
        let mut window = Window::new(match coding.utf16_big_endian() {
            Some(big_endian) => Box::new(Utf16Reader::new(bytes, big_endian)),
            None => bytes,
        });
        window.fill(SAMPLE).map_err(|error| self.origin.io(error))?;
        let sample = window.view();
        if window.ended() && sample.trim_ascii().is_empty() {
            return Err(self.empty());
        }
        let format = match self.settings.format {
            Choice::Given(Format::Xlsx) => Format::Csv,
            Choice::Given(format) => format,
            Choice::Auto => Format::by_content(&self.origin.name, sample),
        };
        let dialect = Dialect {
            format,
            encoding: decided.encoding,
            bom: decided.mark > 0,
            delimiter: None,
            quote: Some(b'"'),
            line_end: LineEnd::of(sample, Some(b'"')),
            header: None,
            columns: Vec::new(),
            reserved: Vec::new(),
        };
        match format {
            Format::Jsonl | Format::Json => self.objects(window, dialect),
            Format::Csv | Format::Tsv | Format::Xlsx => self.table(window, dialect),
        }
    }

    pub(super) fn unsafe_encoding(
        &self,
        encoding: &'static Encoding,
        reason: &'static str,
    ) -> SourceError {
        SourceError::UnsafeEncoding {
            name: self.name(),
            encoding: encoding.name(),
            reason,
        }
    }

    /// What encloses cells, by the given delimiter or all that are looked for.
    fn quote(&self, window: &Window, delimiter: Option<u8>) -> Option<u8> {
        let own = own_delimiter(window.view());
        if let Some(quote) = own.and_then(|delimiter| quote::own(window.view(), delimiter)) {
            return Some(quote);
        }
        match (self.settings.quote, delimiter) {
            (Choice::Given(quote), _) => quote,
            (Choice::Auto, Some(given)) => Some(quote::detect(window.view(), &[given])),
            (Choice::Auto, None) => Some(quote::detect(window.view(), &delimiter::CANDIDATES)),
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
            (None, _) => delimiter::detect(
                window.view(),
                window.ended(),
                dialect.line_end,
                dialect.quote,
                coding.hides_ascii(),
            )
            .map_err(|candidates| SourceError::UndecidedDelimiter {
                name: self.name(),
                candidates: candidates.into_iter().map(shown).collect(),
            })?,
        };
        if coding.hides_ascii() && (delimiter >= b'@' || delimiter.is_ascii_digit()) {
            let reason = "where the delimiter may be a part of characters";
            return Err(self.unsafe_encoding(coding.0, reason));
        }
        Ok(delimiter)
    }

    fn table(&self, mut window: Window, mut dialect: Dialect) -> Result<Opened, SourceError> {
        let declared = delimiter::declared(window.view());
        window.consume(declared.map_or(0, |declared| declared.skip));
        let declared = declared.map(|declared| declared.delimiter);
        let syntax = self.syntax(&window, &mut dialect, declared)?;
        let coding = Coding(dialect.encoding);
        let mut scanner = Scanner::new(syntax, dialect.line_end, self.settings.limits);
        if declared.is_some() {
            scanner.begin_on_line(2);
        }
        let mut table = Table::new(window, scanner, syntax, coding);
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
            notes: Vec::new(),
        })
    }

    fn header(&self, table: &mut Table) -> Result<super::table::Header, SourceError> {
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

    /// An e-mail address names no column, but may name a property: else the first line is a row.
    fn check_names(&self, names: &[String]) -> Result<(), SourceError> {
        let is_address = |name: &&String| {
            if name.starts_with("customData.") {
                return false;
            }
            let (local, domain) = name.trim().split_once('@').unwrap_or_default();
            let is_plain = |part: &str| !part.is_empty() && !part.contains([' ', '@']);
            is_plain(local) && is_plain(domain) && domain.contains('.')
        };
        match names.iter().find(is_address) {
            Some(_) => Err(SourceError::NoHeader { name: self.name() }),
            None => Ok(()),
        }
    }

    fn given_columns(&self) -> Result<Vec<String>, SourceError> {
        let columns = self.settings.columns.clone();
        columns.ok_or_else(|| SourceError::NoColumnNames { name: self.name() })
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

    fn sheet(&self, mut window: Window) -> Result<Opened, SourceError> {
        let named = |failure: Failure| match failure.named(&self.origin.name) {
            Ok(error) => error,
            Err(error) => self.origin.io(error),
        };
        let (mut sheet, note) = self.find_sheet(&mut window).map_err(named)?;
        let (header, names) = if self.settings.header {
            let names = sheet.read_header().map_err(|f| self.origin.fault(f))?;
            let names = names.ok_or_else(|| self.empty())?;
            self.check_names(&names)?;
            (Some(record_of(&names, Syntax::quoted(b','))), names)
        } else {
            (None, self.given_columns()?)
        };
        sheet.name_columns(names);
        let columns = sheet.columns().names().to_vec();
        let dialect = Dialect::of_sheet(header, columns, sheet.reserved().to_vec());
        Ok(Opened {
            columns: Arc::clone(sheet.columns()),
            engine: Engine::Sheet(Box::new(sheet)),
            dialect,
            notes: vec![note],
        })
    }

    /// The sheet that is named, or the first; and the note that says which. A first one that is no table is refused where
    /// another may have been meant.
    fn find_sheet(&self, window: &mut Window) -> Result<(Sheet, String), Failure> {
        let named = self.settings.sheet.as_deref();
        let mut workbook = Workbook::open(window)?;
        let name = workbook.choose(named)?;
        let (sheet, looks) = Sheet::open(&mut workbook, &name)?;
        let is_table = looks.is_table() || !self.settings.header;
        if named.is_none() && workbook.has_other_sheets() && (looks.is_empty() || !is_table) {
            return Err(Failure::NoTable(name, workbook.listed()?));
        }
        match looks.is_empty() {
            true => Err(Failure::Empty),
            false => Ok((sheet, workbook.note(&name))),
        }
    }
}

/// The encoding of a file of rejected rows. Whoever mended it may have saved it in another one than it says.
fn own_encoding(
    given: Choice<&'static Encoding>,
    sample: &[u8],
    whole: bool,
) -> Choice<&'static Encoding> {
    if Encoding::for_bom(sample).is_some() {
        return Choice::Auto;
    }
    match (utf8_evidence(sample, whole), noted_encoding(sample)) {
        ((1.., 0), _) => Choice::Given(UTF_8),
        (_, Some(noted)) => Choice::Given(noted),
        (_, None) => given,
    }
}

fn shown(delimiter: u8) -> String {
    match delimiter {
        b'\t' => "tab".to_owned(),
        other => char::from(other).to_string(),
    }
}
