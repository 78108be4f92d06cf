use std::fmt;

/// What all cells of a column have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnKind {
    /// No cell is filled.
    Empty,
    Text,
    /// Some cells look like numbers or booleans, others do not.
    MixedText,
    /// Digits, some with a leading zero that a number would lose.
    Codes,
    Number {
        /// Whether every number is written in its shortest form, so that no type is needed in the config.
        shortest: bool,
    },
    /// `1.234,56` or `1,234.56`.
    Separated {
        decimal: char,
        thousands: char,
    },
    /// `1.101` or `1,101`: each separator may be for decimals or for thousands.
    NumberUnclear,
    /// Integers that may be UNIX timestamps.
    Timestamp,
    Boolean {
        /// Whether all are `true` or `false`, so that no type is needed in the config.
        plain: bool,
    },
    Date {
        /// The formats that fit every cell: none if the dates need no format, several if the data is ambiguous.
        formats: Vec<String>,
    },
    Email,
    /// JSON arrays or objects.
    Nested,
}

impl fmt::Display for ColumnKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Text | Self::MixedText => "text",
            Self::Codes => "codes",
            Self::Number { .. } => "number",
            Self::Separated { decimal: ',', .. } => "number, decimal comma",
            Self::Separated { .. } => "number, thousands separator",
            Self::NumberUnclear => "number, form unclear",
            Self::Timestamp => "number or timestamp",
            Self::Boolean { .. } => "boolean",
            Self::Date { formats } if formats.len() > 1 => "date, form unclear",
            Self::Date { .. } => "date",
            Self::Email => "e-mail",
            Self::Nested => "list or object",
        })
    }
}
