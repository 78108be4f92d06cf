//! How a JSON input holds its rows: an object on each line, objects one after another, or an array within a document.

use std::borrow::Cow;

use super::coding::Coding;
use super::document::{Document, Known, examine};
use super::stream::Extent;
use super::strict_json::is_json;

/// Bytes that are looked at; a document whose rows begin later is taken for lines.
const LOOKED_AT: usize = 256 << 10;

/// How the objects stand in an input that does not begin with `[`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// Each on a line of its own.
    Lines,
    /// One after another.
    Stream,
    /// In an array within one object.
    Document(Document),
}

/// `is_lines`: whether the input is said to be JSON Lines.
pub(super) fn shape(sample: &[u8], ended: bool, is_lines: bool, coding: Coding) -> Shape {
    // Half a character may look like a bracket.
    if coding.hides_ascii() {
        return Shape::Lines;
    }
    let looked_at = sample.get(..LOOKED_AT).unwrap_or(sample);
    let ended = ended && looked_at.len() == sample.len();
    let mut rest = looked_at;
    let mut count = 0;
    while let Some(value) = next_value(&mut rest, ended) {
        let is_last = rest.trim_ascii().is_empty();
        let spans_lines = value.bytes.contains(&b'\n');
        let known = Known {
            is_cut: value.is_cut,
            is_line: is_lines && !spans_lines,
        };
        if count == 0
            && is_last
            && (value.is_closed || value.is_cut)
            && let Some(document) = examine(looked_at, known, coding)
        {
            return Shape::Document(document);
        }
        let may_be_one = value.is_closed && value.bytes.starts_with(b"{");
        if may_be_one && (spans_lines || value.is_followed) && is_valid(value.bytes, coding) {
            return Shape::Stream;
        }
        if value.is_cut && spans_lines && count == 0 {
            return Shape::Stream;
        }
        count += 1;
    }
    Shape::Lines
}

struct Found<'a> {
    bytes: &'a [u8],
    is_closed: bool,
    /// Another value follows on its line.
    is_followed: bool,
    /// The sample ends within it, and the input does not.
    is_cut: bool,
}

fn next_value<'a>(rest: &mut &'a [u8], ended: bool) -> Option<Found<'a>> {
    let bytes = rest.trim_ascii_start();
    if bytes.is_empty() {
        return None;
    }
    let mut extent = Extent::default();
    let end = extent.end(bytes);
    let (value, after) = bytes.split_at(end.unwrap_or(bytes.len()));
    *rest = after;
    Some(Found {
        bytes: value.trim_ascii_end(),
        is_closed: extent.is_closed(),
        is_followed: matches!(after.first(), Some(b'{' | b'[')) && extent.is_closed(),
        is_cut: end.is_none() && !ended && !extent.is_closed(),
    })
}

fn is_valid(value: &[u8], coding: Coding) -> bool {
    let text: Option<Cow<'_, str>> = coding.text(value);
    text.is_some_and(|text| is_json(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::UTF_8;

    fn of(text: &str) -> Shape {
        shape(text.as_bytes(), true, false, Coding(UTF_8))
    }

    #[test]
    fn lines_stay_lines_whatever_is_wrong_with_them() {
        for text in [
            "{\"a\":1}\n{\"b\":2}\n",
            "{\"a\":1\n{\"b\":2}\n",
            "{\"a\":1},\n{\"b\":2}\n",
            "{\"a\":\"x}\n{\"b\":2}\n",
            "broken\n{\"b\":2}\n",
            "{\"userId\":\"a\"}",
            "{\"a\":[1,\n{\"b\":2}\n",
            "{a:1}{b:2}\n",
            "",
        ] {
            assert_eq!(of(text), Shape::Lines, "{text}");
        }
    }

    #[test]
    fn other_objects_are_a_stream() {
        for text in [
            "{\n\"a\":1\n}\n{\"b\":2}",
            "{\"a\":1}{\"b\":2}",
            "{\"a\":1} {\"b\":2}\n",
            "{\"a\":1}\n{\n\"b\":2\n}\n",
            "broken\n{\"a\":\n NaN}\n{}\n",
            "{\n\"userId\":\"a\"\n}\n",
        ] {
            assert_eq!(of(text), Shape::Stream, "{text}");
        }
    }

    #[test]
    fn a_large_document_is_known_by_its_beginning() {
        let row = "{\"userId\":\"a\"},".repeat(40_000);
        let text = format!("{{\"data\":[{row}");
        let shape = shape(text.as_bytes(), false, false, Coding(UTF_8));
        assert!(
            matches!(shape, Shape::Document(Document::Rows { at: 8, .. })),
            "{shape:?}"
        );
    }
}
