use std::borrow::Cow;
use std::io::{Cursor, Read};
use std::sync::Arc;

use encoding_rs::{Encoding, UTF_8};

use crate::domain::Columns;

use super::dialect::{Dialect, LineEnd};
use super::encoding::{DetectedEncoding, EncodingError, decide, utf8_evidence};
use super::error::SourceError;
use super::foreign::Container;
use super::format::Format;
use super::objects::Objects;
use super::origin::Origin;
use super::readings::readings;
use super::rejected_marks::{noted_encoding, own_delimiter};
use super::settings::{Choice, SourceSettings};
use super::sheet::Sheet;
use super::table::Table;
use super::text_codec::{TextCodec, UTF8_MARK};
use super::utf16::Utf16Reader;
use super::window::Window;

/// Bytes from which the format of an input is determined.
pub(super) const SAMPLE: usize = 1 << 20;

/// Determines the format of an input and opens it.
pub(super) struct InputOpener<'a> {
    pub(super) origin: &'a Origin,
    pub(super) settings: &'a SourceSettings,
}

/// Reads the records of an open input.
pub(super) enum Engine {
    Table(Box<Table>),
    Objects(Objects),
    Sheet(Box<Sheet>),
}

pub(super) struct Opened {
    pub(super) engine: Engine,
    pub(super) dialect: Dialect,
    pub(super) columns: Arc<Columns>,
    /// The line that seems to be the header, if it is not the one that was read.
    pub(super) header_below: Option<u64>,
    pub(super) notes: Vec<String>,
}

impl InputOpener<'_> {
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
        // Rejected rows of a workbook are CSV in UTF-8, whatever the settings for the workbook are.
        let is_own = own_delimiter(sample.strip_prefix(UTF8_MARK).unwrap_or(&sample)).is_some();
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

    fn undecided(&self, undecided: EncodingError, sample: &[u8]) -> SourceError {
        let name = self.name();
        match undecided {
            EncodingError::Candidates(candidates) => SourceError::UndecidedEncoding {
                name,
                readings: readings(&candidates, sample),
                candidates: candidates.into_iter().map(Encoding::name).collect(),
            },
            EncodingError::Escapes(encoding) => SourceError::UnsafeEncoding {
                name,
                encoding,
                reason: "and its escape sequences (`ESC $`) are not valid in UTF-8",
            },
            EncodingError::Contradicted { mark, given } => {
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

    /// Whether the input is an xlsx workbook. Fails for other binary files.
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
                    "is an xlsx workbook, but `input.format` is something else",
                    "set it to xlsx or auto",
                ))
            }
            Some(Container::Workbook) => Ok(true),
            None if format == Choice::Given(Format::Xlsx) => Err(self.unsupported(
                "is not an xlsx workbook, but `input.format` is xlsx",
                "set it to auto",
            )),
            None => Ok(false),
        }
    }

    fn text(
        &self,
        bytes: Box<dyn Read + Send>,
        decided: DetectedEncoding,
    ) -> Result<Opened, SourceError> {
        let codec = TextCodec(decided.encoding);
        let mut window = Window::new(match codec.utf16_big_endian() {
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

    /// Fails if a column name is an e-mail address, because then the first line is a row. Names of properties may be anything.
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
}

/// The encoding of a file of rejected rows. The user may have saved it in a different one than it declares.
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
