use encoding_rs::{Encoding, ISO_2022_JP, REPLACEMENT};

use super::error::SettingError;
use super::format::Format;

/// A setting that is detected from the input unless it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice<T> {
    #[default]
    Auto,
    Given(T),
}

/// How inputs are read. The default detects everything and expects a header.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceSettings {
    pub format: Choice<Format>,
    /// The delimiter of CSV; the default for TSV is the tab.
    pub delimiter: Choice<u8>,
    /// The quote around cells of a table; `Given(None)` if cells are never quoted.
    pub quote: Choice<Option<u8>>,
    pub encoding: Choice<&'static Encoding>,
    /// Whether the first record of a table names its columns.
    pub header: bool,
    /// The columns of a table without a header.
    pub columns: Option<Vec<String>>,
    /// The sheet of a workbook; the default is the first one.
    pub sheet: Option<String>,
    /// Whether cells and column names of a table are trimmed.
    pub trim: bool,
    /// Physical lines to skip above the header, or above the first row of a table without one.
    pub skip_lines: u64,
    pub limits: ReadLimits,
}

impl Default for SourceSettings {
    fn default() -> Self {
        Self {
            format: Choice::Auto,
            delimiter: Choice::Auto,
            quote: Choice::Auto,
            encoding: Choice::Auto,
            header: true,
            columns: None,
            sheet: None,
            trim: true,
            skip_lines: 0,
            limits: ReadLimits::default(),
        }
    }
}

/// Limits of the memory for one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimits {
    /// A quoted cell with more line ends is checked for a mistaken quote.
    pub quoted_lines: u64,
    /// The maximum size of a quoted cell in bytes.
    pub quoted_bytes: usize,
    /// The maximum size of a record in bytes.
    pub record_bytes: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            quoted_lines: 1_000,
            quoted_bytes: 16 << 20,
            record_bytes: 64 << 20,
        }
    }
}

/// The settings as texts, as in a config's `[input]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceTexts {
    pub format: String,
    pub delimiter: String,
    pub encoding: String,
    pub header: bool,
    pub columns: Option<Vec<String>>,
    pub sheet: Option<String>,
}

impl Default for SourceTexts {
    fn default() -> Self {
        let auto = || "auto".to_owned();
        Self {
            format: auto(),
            delimiter: auto(),
            encoding: auto(),
            header: true,
            columns: None,
            sheet: None,
        }
    }
}

impl TryFrom<SourceTexts> for SourceSettings {
    type Error = SettingError;

    fn try_from(texts: SourceTexts) -> Result<Self, SettingError> {
        if texts.header && texts.columns.is_some() {
            return Err(SettingError::ColumnsBesideHeader);
        }
        Ok(Self {
            format: format(&texts.format)?,
            delimiter: delimiter(&texts.delimiter)?,
            quote: Choice::Auto,
            encoding: encoding(&texts.encoding)?,
            header: texts.header,
            columns: texts.columns,
            sheet: texts.sheet,
            trim: true,
            skip_lines: 0,
            limits: ReadLimits::default(),
        })
    }
}

fn format(text: &str) -> Result<Choice<Format>, SettingError> {
    Ok(Choice::Given(match text {
        "auto" => return Ok(Choice::Auto),
        "csv" => Format::Csv,
        "tsv" => Format::Tsv,
        "jsonl" => Format::Jsonl,
        "json" => Format::Json,
        "xlsx" => Format::Xlsx,
        _ => return Err(SettingError::UnknownFormat(text.to_owned())),
    }))
}

fn delimiter(text: &str) -> Result<Choice<u8>, SettingError> {
    match text.as_bytes() {
        b"auto" => Ok(Choice::Auto),
        b"tab" | b"\\t" => Ok(Choice::Given(b'\t')),
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n' | 0) => {
            Ok(Choice::Given(*byte))
        }
        _ => Err(SettingError::BadDelimiter(text.to_owned())),
    }
}

fn encoding(text: &str) -> Result<Choice<&'static Encoding>, SettingError> {
    if text.eq_ignore_ascii_case("auto") {
        return Ok(Choice::Auto);
    }
    let encoding = Encoding::for_label(text.as_bytes())
        .ok_or_else(|| SettingError::UnknownEncoding(text.to_owned()))?;
    if encoding == ISO_2022_JP || encoding == REPLACEMENT {
        return Err(SettingError::UnreadableEncoding(text.to_owned()));
    }
    Ok(Choice::Given(encoding))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(change: impl FnOnce(&mut SourceTexts)) -> Result<SourceSettings, SettingError> {
        let mut texts = SourceTexts::default();
        change(&mut texts);
        texts.try_into()
    }

    #[test]
    fn the_texts_default_to_the_default() {
        assert_eq!(settings(|_| ()).unwrap(), SourceSettings::default());
    }

    #[test]
    fn texts_become_choices() {
        let read = settings(|t| {
            t.format = "tsv".to_owned();
            t.delimiter = "tab".to_owned();
            t.encoding = "cp1251".to_owned();
        })
        .unwrap();
        assert_eq!(read.format, Choice::Given(Format::Tsv));
        assert_eq!(read.delimiter, Choice::Given(b'\t'));
        assert_eq!(read.encoding, Choice::Given(encoding_rs::WINDOWS_1251));
    }

    #[test]
    fn wrong_texts_are_refused() {
        for bad in ["", "\"", "\n", ";;", "ж"] {
            let refused = settings(|t| t.delimiter = bad.to_owned());
            assert_eq!(refused, Err(SettingError::BadDelimiter(bad.to_owned())));
        }
        assert!(settings(|t| t.format = "xls".to_owned()).is_err());
        assert!(settings(|t| t.encoding = "utf-88".to_owned()).is_err());
        assert!(settings(|t| t.encoding = "iso-2022-jp".to_owned()).is_err());
        assert!(settings(|t| t.columns = Some(vec![])).is_err());
    }
}
