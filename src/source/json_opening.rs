use std::sync::Arc;

use super::dialect::Dialect;
use super::error::SourceError;
use super::format::Format;
use super::json_array::JsonArray;
use super::json_document::Document;
use super::json_lines::JsonLines;
use super::json_shape::{JsonShape, shape};
use super::json_stream::JsonStream;
use super::objects::{JsonValues, Objects};
use super::opener::{Engine, InputOpener, Opened};
use super::settings::Choice;
use super::text_codec::TextCodec;
use super::window::Window;

impl InputOpener<'_> {
    /// Opens a JSON input.
    pub(super) fn objects(
        &self,
        window: Window,
        mut dialect: Dialect,
    ) -> Result<Opened, SourceError> {
        let codec = TextCodec(dialect.encoding);
        let longest = self.settings.limits.record_bytes;
        let is_array = window.view().trim_ascii_start().starts_with(b"[");
        let mut notes = Vec::new();
        let pieces = match dialect.format {
            Format::Json if is_array && codec.hides_ascii() => {
                let reason = "because brackets may be parts of characters";
                return Err(self.unsafe_encoding(codec.0, reason));
            }
            Format::Json if is_array => JsonValues::Array(JsonArray::new(window, longest)),
            Format::Json if !window.view().trim_ascii_start().starts_with(b"{") => {
                return Err(self.no_rows("is not a JSON array of objects".to_owned(), ".rows[]"));
            }
            _ => match shape(
                window.view(),
                window.ended(),
                self.is_declared_lines(),
                codec,
            ) {
                JsonShape::Lines => JsonValues::Lines(JsonLines::new(window, longest)),
                JsonShape::Stream => JsonValues::Stream(JsonStream::new(window, longest)),
                JsonShape::Document(Document::Other { problem, filter }) => {
                    return Err(self.no_rows(problem, &filter));
                }
                JsonShape::Document(Document::Rows { at, path }) => {
                    notes.push(format!("the rows are the objects of the array `{path}`"));
                    JsonValues::Array(JsonArray::within(window, at, longest, codec))
                }
            },
        };
        dialect.format = match pieces {
            JsonValues::Array(_) => Format::Json,
            JsonValues::Lines(_) | JsonValues::Stream(_) => Format::Jsonl,
        };
        Ok(Opened {
            engine: Engine::Objects(Objects::new(pieces, codec)),
            dialect,
            columns: Arc::default(),
            header_below: None,
            notes,
        })
    }

    fn is_declared_lines(&self) -> bool {
        match self.settings.format {
            Choice::Given(format) => format == Format::Jsonl,
            Choice::Auto => Format::by_name(&self.origin.name) == Some(Format::Jsonl),
        }
    }

    /// The error for JSON without rows at the top level.
    fn no_rows(&self, problem: String, filter: &str) -> SourceError {
        let advice = format!(
            "convert it to JSON Lines, one object per line, for example with `jq -c '{filter}' {} > rows.jsonl`",
            self.origin.name
        );
        self.unsupported(problem, advice)
    }
}
