use std::path::PathBuf;

use encoding_rs::{Encoding, ISO_2022_JP};
use serde::{Deserialize, Serialize};

use crate::source::{Choice, Format};

/// `[input]`, except for `null_values`, `repair` and `timezone`, which are the mapping's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputConfig {
    pub format: InputFormat,
    pub delimiter: Delimiter,
    pub quote: Quote,
    pub encoding: InputEncoding,
    /// Whether the first record of a table names the columns.
    pub header: bool,
    /// Names of the columns, in order, instead of those of the header.
    pub columns: Option<Vec<String>>,
    /// The sheet of a workbook; `None`: the first one.
    pub sheet: Option<String>,
    /// Whether the cells of a table are trimmed.
    pub trim: bool,
    /// Physical lines to skip above the header.
    pub skip_lines: u64,
    /// Files that are read if none are named on the command line.
    pub files: Vec<PathBuf>,
    /// A program and its arguments, whose standard output is the input; empty: files are.
    pub command: Vec<String>,
}

impl Default for InputConfig {
    fn default() -> Self {
        Self {
            format: InputFormat::default(),
            delimiter: Delimiter::default(),
            quote: Quote::default(),
            encoding: InputEncoding::default(),
            header: true,
            columns: None,
            sheet: None,
            trim: true,
            skip_lines: 0,
            files: Vec::new(),
            command: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputFormat {
    /// By the file's extension and first bytes.
    #[default]
    Auto,
    Csv,
    Tsv,
    Jsonl,
    Json,
    Xlsx,
}

impl From<InputFormat> for Choice<Format> {
    fn from(format: InputFormat) -> Self {
        Self::Given(match format {
            InputFormat::Auto => return Self::Auto,
            InputFormat::Csv => Format::Csv,
            InputFormat::Tsv => Format::Tsv,
            InputFormat::Jsonl => Format::Jsonl,
            InputFormat::Json => Format::Json,
            InputFormat::Xlsx => Format::Xlsx,
        })
    }
}

/// The character between two cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub enum Delimiter {
    #[default]
    Auto,
    /// An ASCII character that is neither a quote nor the end of a line.
    Byte(u8),
}

impl TryFrom<String> for Delimiter {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_bytes() {
            b"auto" => Ok(Self::Auto),
            b"tab" | b"\\t" => Ok(Self::Byte(b'\t')),
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n' | b'\0') => {
                Ok(Self::Byte(*byte))
            }
            _ => Err("must be \"auto\", \"tab\" or one ASCII character such as \";\""),
        }
    }
}

impl From<Delimiter> for Choice<u8> {
    fn from(delimiter: Delimiter) -> Self {
        match delimiter {
            Delimiter::Auto => Self::Auto,
            Delimiter::Byte(byte) => Self::Given(byte),
        }
    }
}

/// The character around a cell that holds delimiters or line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub enum Quote {
    #[default]
    Auto,
    /// An ASCII character that is neither a letter, a digit, a space nor the end of a line.
    Byte(u8),
    /// Quotes are ordinary text.
    None,
}

impl TryFrom<String> for Quote {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_bytes() {
            b"auto" => Ok(Self::Auto),
            b"none" => Ok(Self::None),
            [byte] if byte.is_ascii_punctuation() => Ok(Self::Byte(*byte)),
            _ => Err("must be \"auto\", \"none\" or one character such as \"'\""),
        }
    }
}

impl From<Quote> for Choice<Option<u8>> {
    fn from(quote: Quote) -> Self {
        match quote {
            Quote::Auto => Self::Auto,
            Quote::Byte(byte) => Self::Given(Some(byte)),
            Quote::None => Self::Given(None),
        }
    }
}

/// The character encoding of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub enum InputEncoding {
    #[default]
    Auto,
    Named(&'static Encoding),
}

impl TryFrom<String> for InputEncoding {
    type Error = &'static str;

    fn try_from(label: String) -> Result<Self, Self::Error> {
        if label == "auto" {
            return Ok(Self::Auto);
        }
        let known = Encoding::for_label_no_replacement(label.as_bytes());
        match known {
            // A stateful encoding: the byte of a comma may be half a character.
            Some(encoding) if encoding == ISO_2022_JP => Err(
                "must be another one: ISO-2022-JP cannot be read here, so convert the file to UTF-8 first, for instance with iconv",
            ),
            Some(encoding) => Ok(Self::Named(encoding)),
            None => Err(
                "must be \"auto\" or a name of the WHATWG's list, such as \"windows-1251\" or \"utf-16le\"",
            ),
        }
    }
}

impl From<InputEncoding> for Choice<&'static Encoding> {
    fn from(encoding: InputEncoding) -> Self {
        match encoding {
            InputEncoding::Auto => Self::Auto,
            InputEncoding::Named(encoding) => Self::Given(encoding),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_one_character() {
        let read = |text: &str| Delimiter::try_from(text.to_owned());
        assert_eq!(read("auto"), Ok(Delimiter::Auto));
        assert_eq!(read(";"), Ok(Delimiter::Byte(b';')));
        for tab in ["tab", "\\t", "\t"] {
            assert_eq!(read(tab), Ok(Delimiter::Byte(b'\t')));
        }
        for wrong in ["", ";;", "\"", "\n", "ї", "comma"] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn quotes_are_one_character_or_none() {
        let read = |text: &str| Quote::try_from(text.to_owned());
        assert_eq!(read("auto"), Ok(Quote::Auto));
        assert_eq!(read("none"), Ok(Quote::None));
        for quote in ["'", "\"", "~"] {
            assert_eq!(read(quote), Ok(Quote::Byte(quote.as_bytes()[0])));
        }
        for wrong in ["", "a", "1", " ", "\n", "''", "«"] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn encodings_go_by_any_of_their_labels() {
        let read = |text: &str| InputEncoding::try_from(text.to_owned());
        assert_eq!(read("auto"), Ok(InputEncoding::Auto));
        assert_eq!(
            read("CP1251"),
            Ok(InputEncoding::Named(encoding_rs::WINDOWS_1251))
        );
        assert_eq!(read("utf8"), Ok(InputEncoding::Named(encoding_rs::UTF_8)));
        for wrong in ["", "utf-9", "iso-2022-cn", "iso-2022-jp"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
