use std::sync::Arc;

use super::array::Array;
use super::coding::Coding;
use super::dialect::Dialect;
use super::document::Document;
use super::error::SourceError;
use super::format::Format;
use super::json_shape::{Shape, shape};
use super::lines::Lines;
use super::object::{Objects, Pieces};
use super::opening::{Opened, Opening};
use super::reader::Engine;
use super::settings::Choice;
use super::stream::Stream;
use super::window::Window;

impl Opening<'_> {
    /// Finds out how the objects stand in the input.
    pub(super) fn objects(
        &self,
        window: Window,
        mut dialect: Dialect,
    ) -> Result<Opened, SourceError> {
        let coding = Coding(dialect.encoding);
        let longest = self.settings.limits.record_bytes;
        let is_array = window.view().trim_ascii_start().starts_with(b"[");
        let mut notes = Vec::new();
        let pieces = match dialect.format {
            Format::Json if is_array && coding.hides_ascii() => {
                let reason = "where brackets may be parts of characters";
                return Err(self.unsafe_encoding(coding.0, reason));
            }
            Format::Json if is_array => Pieces::Array(Array::new(window, longest)),
            Format::Json if !window.view().trim_ascii_start().starts_with(b"{") => {
                return Err(self.no_rows("is no JSON array of objects".to_owned(), ".rows[]"));
            }
            _ => match shape(
                window.view(),
                window.ended(),
                self.is_said_to_be_lines(),
                coding,
            ) {
                Shape::Lines => Pieces::Lines(Lines::new(window, longest)),
                Shape::Stream => Pieces::Stream(Stream::new(window, longest)),
                Shape::Document(Document::Other { problem, filter }) => {
                    return Err(self.no_rows(problem, &filter));
                }
                Shape::Document(Document::Rows { at, path }) => {
                    notes.push(format!("the rows are the objects of the array `{path}`"));
                    Pieces::Array(Array::within(window, at, longest, coding))
                }
            },
        };
        dialect.format = match pieces {
            Pieces::Array(_) => Format::Json,
            Pieces::Lines(_) | Pieces::Stream(_) => Format::Jsonl,
        };
        Ok(Opened {
            engine: Engine::Objects(Objects::new(pieces, coding)),
            dialect,
            columns: Arc::default(),
            header_below: None,
            notes,
        })
    }

    fn is_said_to_be_lines(&self) -> bool {
        match self.settings.format {
            Choice::Given(format) => format == Format::Jsonl,
            Choice::Auto => Format::by_name(&self.origin.name) == Some(Format::Jsonl),
        }
    }

    /// JSON that holds no rows as it is.
    fn no_rows(&self, problem: String, filter: &str) -> SourceError {
        let advice = format!(
            "make JSON Lines of it, an object on each line, such as by `jq -c '{filter}' {} > rows.jsonl`",
            self.origin.name
        );
        self.unsupported(problem, advice)
    }
}
