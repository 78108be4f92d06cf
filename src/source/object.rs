use std::borrow::Cow;

use memchr::memmem;

use crate::domain::{Cells, Issue, RawRecord};

use super::RESERVED_COLUMNS;
use super::array::Array;
use super::coding::Coding;
use super::error::Fault;
use super::lines::Lines;
use super::reader::Parsed;
use super::record_faults::too_long;
use super::rejected::kept_raw;
use super::stream::Stream;
use super::strict_json::{Object, parse_object};
use super::window::Window;

/// The byte order mark of UTF-8.
pub(super) const MARK: &[u8] = b"\xEF\xBB\xBF";

/// One value of JSON Lines, a stream or an array, in a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// Physical line on which it starts.
    pub(super) line: u64,
    /// Its size, where that was too much to keep it.
    pub(super) too_long: Option<u64>,
}

/// Where the values come from.
pub(super) enum Pieces {
    Lines(Lines),
    Stream(Stream),
    Array(Array),
}

impl Pieces {
    pub(super) fn next(&mut self, into: &mut Vec<u8>) -> Result<Option<Piece>, Fault> {
        match self {
            Self::Lines(lines) => Ok(lines.next(into)?),
            Self::Stream(stream) => stream.next(into),
            Self::Array(array) => array.next(into),
        }
    }

    pub(super) fn window(&mut self) -> &mut Window {
        match self {
            Self::Lines(lines) => lines.window(),
            Self::Stream(stream) => stream.window(),
            Self::Array(array) => array.window(),
        }
    }
}

/// The objects of JSON Lines, a stream or an array.
pub(super) struct Objects {
    pub(super) pieces: Pieces,
    pub(super) coding: Coding,
    buffer: Vec<u8>,
}

impl Objects {
    pub(super) fn new(pieces: Pieces, coding: Coding) -> Self {
        Self {
            pieces,
            coding,
            buffer: Vec::new(),
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<Parsed>, Fault> {
        let Some(piece) = self.pieces.next(&mut self.buffer)? else {
            return Ok(None);
        };
        self.unpack();
        let object = match piece.too_long {
            Some(bytes) => Err(too_long(bytes)),
            None => self.object(),
        };
        let (outcome, flaws) = match object {
            Ok(object) => (Ok(Cells::Object(object.members)), object.flaws),
            Err(issue) => (Err(vec![issue]), Vec::new()),
        };
        Ok(Some(Parsed {
            line: piece.line,
            raw: RawRecord(self.coding.raw(&self.buffer)),
            outcome,
            flaws,
            kinds: Vec::new(),
        }))
    }

    /// The text of the next value that has one.
    pub(super) fn next_text(&mut self) -> Result<Option<Cow<'_, str>>, Fault> {
        while let Some(piece) = self.pieces.next(&mut self.buffer)? {
            self.unpack();
            if piece.too_long.is_none() && self.coding.text(&self.buffer).is_some() {
                return Ok(self.coding.text(&self.buffer));
            }
        }
        Ok(None)
    }

    /// A row that was no object, and became one when it was rejected, is read as what it was.
    fn unpack(&mut self) {
        // Files that were put together have byte order marks in their middle.
        if self.buffer.starts_with(MARK) {
            self.buffer.drain(..MARK.len());
        }
        if memmem::find(&self.buffer, b"\"_raw").is_none() {
            return;
        }
        let text = self.coding.text(&self.buffer);
        let kept = text.and_then(|text| kept_raw(&text, self.coding));
        if let Some(kept) = kept {
            self.buffer = kept;
        }
    }

    fn object(&self) -> Result<Object, Issue> {
        let Some(text) = self.coding.text(&self.buffer) else {
            let at = self.coding.first_bad(&self.buffer).unwrap_or_default();
            let encoding = self.coding.0.name();
            let message = format!("not valid {encoding}: byte {at} of the record, counted from 0");
            return Err(Issue::input("undecodable", message));
        };
        let mut object = parse_object(&text)?;
        for name in RESERVED_COLUMNS {
            object.members.remove(name);
        }
        Ok(object)
    }
}
