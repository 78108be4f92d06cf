/// The extent of one record in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordExtent {
    /// Length from the start of the window in bytes, without the line end.
    pub(super) len: usize,
    /// Length with the line end.
    pub(super) skip: usize,
    /// Physical line on which the record starts, from 1.
    pub(super) line: u64,
    pub(super) flaw: Option<RecordFlaw>,
    /// Whether there are blanks around a quoted cell, which the cell parser does not support.
    pub(super) is_padded: bool,
    /// The number of quotes in unquoted cells.
    pub(super) literal_quotes: usize,
}

/// Why a record cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordFlaw {
    /// There is text after the closing quote at the position.
    Stray(QuotePosition),
    /// There are blanks before the opening quote at the position.
    Blank(QuotePosition),
    /// The quote at the position is never closed.
    Unclosed(QuotePosition),
    /// The record has this many bytes and is no longer in the window.
    TooLong(u64),
}

/// The position of a quote in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct QuotePosition {
    /// Offset in the record.
    pub(super) at: usize,
    /// Physical line of the quote, and the offset in the record where that line begins.
    pub(super) line: u64,
    pub(super) line_at: usize,
}
