use std::borrow::Cow;

use memchr::memmem;

use crate::domain::{Cells, Issue, RawRecord};

use super::RESERVED_COLUMNS;
use super::buffered_value::BufferedValue;
use super::error::EngineError;
use super::json_array::JsonArray;
use super::json_lines::JsonLines;
use super::json_stream::JsonStream;
use super::record::ParsedRecord;
use super::record_diagnosis::too_long;
use super::rejected_marks::unwrapped_row;
use super::strict_json::{ParsedObject, parse_object};
use super::text_codec::{TextCodec, UTF8_MARK};
use super::window::Window;

/// The source of the values.
pub(super) enum JsonValues {
    Lines(JsonLines),
    Stream(JsonStream),
    Array(JsonArray),
}

impl JsonValues {
    pub(super) fn next(
        &mut self,
        into: &mut Vec<u8>,
    ) -> Result<Option<BufferedValue>, EngineError> {
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

/// The objects of a JSON input.
pub(super) struct Objects {
    pub(super) pieces: JsonValues,
    pub(super) codec: TextCodec,
    buffer: Vec<u8>,
}

impl Objects {
    pub(super) fn new(pieces: JsonValues, codec: TextCodec) -> Self {
        Self {
            pieces,
            codec,
            buffer: Vec::new(),
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<ParsedRecord>, EngineError> {
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
        Ok(Some(ParsedRecord {
            line: piece.line,
            raw: Some(RawRecord(self.codec.raw(&self.buffer))),
            outcome,
            flaws,
            kinds: Vec::new(),
        }))
    }

    /// The text of the next value that can be decoded.
    pub(super) fn next_text(&mut self) -> Result<Option<Cow<'_, str>>, EngineError> {
        while let Some(piece) = self.pieces.next(&mut self.buffer)? {
            self.unpack();
            if piece.too_long.is_none() && self.codec.text(&self.buffer).is_some() {
                return Ok(self.codec.text(&self.buffer));
            }
        }
        Ok(None)
    }

    /// Restores a row that was not an object, and was wrapped in one when it was rejected.
    fn unpack(&mut self) {
        // Concatenated files have byte order marks in the middle.
        if self.buffer.starts_with(UTF8_MARK) {
            self.buffer.drain(..UTF8_MARK.len());
        }
        if memmem::find(&self.buffer, b"\"_raw").is_none() {
            return;
        }
        let text = self.codec.text(&self.buffer);
        let row = text.and_then(|text| unwrapped_row(&text, self.codec));
        if let Some(row) = row {
            self.buffer = row;
        }
    }

    fn object(&self) -> Result<ParsedObject, Issue> {
        let Some(text) = self.codec.text(&self.buffer) else {
            let at = self.codec.first_bad(&self.buffer).unwrap_or_default();
            let encoding = self.codec.0.name();
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
