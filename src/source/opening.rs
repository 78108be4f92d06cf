use std::borrow::Cow;
use std::io::{Cursor, Read};
use std::sync::Arc;

use encoding_rs::{Encoding, UTF_8};

use crate::domain::Columns;

use super::cells::{Syntax, record_of};
use super::coding::Coding;
use super::dialect::{Dialect, LineEnd};
use super::encoding::{Decided, Undecided, decide, utf8_evidence};
use super::error::SourceError;
use super::foreign::Container;
use super::format::Format;
use super::reader::{Engine, Origin};
use super::readings::readings;
use super::rejected::{noted_encoding, own_delimiter};
use super::settings::{Choice, SourceSettings};
use super::sheet::Sheet;
use super::titles::header_line;
use super::utf16::Utf16Reader;
use super::window::Window;
use super::workbook::{Failure, Workbook};

/// Bytes by which everything is decided.
pub(super) const SAMPLE: usize = 1 << 20;

/// An input about which everything is still to be found out.
pub(super) struct Opening<'a> {
    pub(super) origin: &'a Origin,
    pub(super) settings: &'a SourceSettings,
}

pub(super) struct Opened {
    pub(super) engine: Engine,
    pub(super) dialect: Dialect,
    pub(super) columns: Arc<Columns>,
    /// The line on which the header seems to stand, where that is another one than the one that was read.
    pub(super) header_below: Option<u64>,
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

    pub(super) fn name(&self) -> String {
        self.origin.name.clone()
    }

    pub(super) fn empty(&self) -> SourceError {
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
            skips_blanks: false,
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

    /// An e-mail address names no column, but may name a property: else the first line is a row.
    pub(super) fn check_names(&self, names: &[String]) -> Result<(), SourceError> {
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

    pub(super) fn given_columns(&self) -> Result<Vec<String>, SourceError> {
        let columns = self.settings.columns.clone();
        columns.ok_or_else(|| SourceError::NoColumnNames { name: self.name() })
    }

    fn sheet(&self, mut window: Window) -> Result<Opened, SourceError> {
        let named = |failure: Failure| match failure.named(&self.origin.name) {
            Ok(error) => error,
            Err(error) => self.origin.io(error),
        };
        let (mut sheet, note) = self.find_sheet(&mut window).map_err(named)?;
        let header_below = match self.settings.header {
            true => header_line(&sheet.first_rows().map_err(|f| self.origin.fault(f))?),
            false => None,
        };
        let (header, names) = if self.settings.header {
            let names = sheet.read_header().map_err(|f| self.origin.fault(f))?;
            let names = names.ok_or_else(|| self.empty())?;
            self.check_names(&names)
                .map_err(|error| self.or_below(error, header_below))?;
            (Some(record_of(&names, Syntax::quoted(b','))), names)
        } else {
            (None, self.given_columns()?)
        };
        sheet.name_columns(names);
        let columns = sheet.columns().names().to_vec();
        let dialect = Dialect::of_sheet(header, columns, sheet.reserved().to_vec());
        Ok(Opened {
            columns: Arc::clone(sheet.columns()),
            header_below,
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
        let (mut sheet, looks) = Sheet::open(&mut workbook, &name)?;
        sheet.set_rules(self.settings.trim, self.settings.skip_lines);
        let first_rows = sheet.first_rows().unwrap_or_default();
        // A title above a table is told of when the columns are looked for.
        let is_titled = self.settings.skip_lines > 0 || header_line(&first_rows).is_some();
        let is_table = looks.is_table() || is_titled || !self.settings.header;
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
