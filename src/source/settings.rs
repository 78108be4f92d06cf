use encoding_rs::Encoding;

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
