/// One record in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// Its bytes, from the start of the window, without the line end.
    pub(super) len: usize,
    /// Its bytes with the line end.
    pub(super) skip: usize,
    /// Line on which it starts.
    pub(super) line: u64,
    pub(super) flaw: Option<Flaw>,
    /// Whether blanks stand around the quotes of a cell, which the parser of cells does not expect.
    pub(super) is_padded: bool,
    /// Quotes within cells that are not quoted.
    pub(super) literal_quotes: usize,
}

/// Why a record cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Text stands after the closing quote that is in the spot.
    Stray(Spot),
    /// Blanks stand before the opening quote that is in the spot.
    Blank(Spot),
    /// The quote in the spot is never closed.
    Unclosed(Spot),
    /// The record has that many bytes and is no longer in the window.
    TooLong(u64),
}

/// A byte of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) at: usize,
    /// Its physical line, and where in the record that begins.
    pub(super) line: u64,
    pub(super) line_at: usize,
}
