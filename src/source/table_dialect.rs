//! Detects the quote and the delimiter of a table.

use super::blanks;
use super::cells::Syntax;
use super::delimiter::{self, CANDIDATES};
use super::dialect::{Dialect, LineEnd};
use super::error::SourceError;
use super::format::Format;
use super::opener::InputOpener;
use super::quote;
use super::rejected_marks::{own_cells, own_delimiter};
use super::sample::Sample;
use super::settings::Choice;
use super::text_codec::TextCodec;
use super::window::Window;

impl InputOpener<'_> {
    /// The quote of the table, given its delimiter or `None` if that is not known yet.
    pub(super) fn quote(&self, window: &Window, delimiter: Option<u8>) -> Option<u8> {
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

    pub(super) fn syntax(
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
        let codec = TextCodec(dialect.encoding);
        if codec.hides_ascii() && dialect.quote.is_some_and(|quote| quote >= b'@') {
            let reason = "because the quote may be a part of characters";
            return Err(self.unsafe_encoding(codec.0, reason));
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
        let codec = TextCodec(dialect.encoding);
        if let Some(delimiter) = own_delimiter(window.view()) {
            return Ok(delimiter);
        }
        let delimiter = match (given, dialect.format) {
            (Some(delimiter), _) => delimiter,
            (None, Format::Tsv) => b'\t',
            (None, _) => {
                let sample = Sample::new(window.view(), window.ended(), dialect.line_end);
                let detected = delimiter::detect(&sample, dialect.quote, codec.hides_ascii());
                detected.map_err(|candidates| SourceError::UndecidedDelimiter {
                    name: self.name(),
                    candidates: candidates.into_iter().map(shown).collect(),
                })?
            }
        };
        if codec.hides_ascii() && (delimiter >= b'@' || delimiter.is_ascii_digit()) {
            let reason = "because the delimiter may be a part of characters";
            return Err(self.unsafe_encoding(codec.0, reason));
        }
        Ok(delimiter)
    }
}

fn shown(delimiter: u8) -> String {
    match delimiter {
        b'\t' => "tab".to_owned(),
        other => char::from(other).to_string(),
    }
}
