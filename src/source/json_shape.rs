//! Finds out how a JSON input contains its rows: one object per line, objects in sequence, or an array in a document.

use std::borrow::Cow;

use super::json_document::{Document, DocumentContext, examine};
use super::json_stream::ValueScanner;
use super::strict_json::is_json;
use super::text_codec::TextCodec;

/// Bytes that are examined. A document whose rows begin later is read as JSON Lines.
const MAX_EXAMINED: usize = 256 << 10;

/// The arrangement of the objects in an input that does not begin with `[`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum JsonShape {
    /// One per line.
    Lines,
    /// In sequence, without regard to lines.
    Stream,
    /// In an array within one object.
    Document(Document),
}

/// Finds the shape of an input. `is_lines`: whether the input is declared to be JSON Lines.
pub(super) fn shape(sample: &[u8], ended: bool, is_lines: bool, codec: TextCodec) -> JsonShape {
    // In these encodings the second half of a character may look like a bracket.
    if codec.hides_ascii() {
        return JsonShape::Lines;
    }
    let looked_at = sample.get(..MAX_EXAMINED).unwrap_or(sample);
    let ended = ended && looked_at.len() == sample.len();
    let mut rest = looked_at;
    let mut count = 0;
    while let Some(value) = next_value(&mut rest, ended) {
        let is_last = rest.trim_ascii().is_empty();
        let spans_lines = value.bytes.contains(&b'\n');
        let context = DocumentContext {
            is_cut: value.is_cut,
            is_line: is_lines && !spans_lines,
        };
        if count == 0
            && is_last
            && (value.is_closed || value.is_cut)
            && let Some(document) = examine(looked_at, context, codec)
        {
            return JsonShape::Document(document);
        }
        let may_be_one = value.is_closed && value.bytes.starts_with(b"{");
        if may_be_one && (spans_lines || value.is_followed) && is_valid(value.bytes, codec) {
            return JsonShape::Stream;
        }
        if value.is_cut && spans_lines && count == 0 {
            return JsonShape::Stream;
        }
        count += 1;
    }
    JsonShape::Lines
}

struct NextValue<'a> {
    bytes: &'a [u8],
    is_closed: bool,
    /// Another value follows on the same line.
    is_followed: bool,
    /// The value continues after the sample.
    is_cut: bool,
}

fn next_value<'a>(rest: &mut &'a [u8], ended: bool) -> Option<NextValue<'a>> {
    let bytes = rest.trim_ascii_start();
    if bytes.is_empty() {
        return None;
    }
    let mut scanner = ValueScanner::default();
    let end = scanner.end(bytes);
    let (value, after) = bytes.split_at(end.unwrap_or(bytes.len()));
    *rest = after;
    Some(NextValue {
        bytes: value.trim_ascii_end(),
        is_closed: scanner.is_closed(),
        is_followed: matches!(after.first(), Some(b'{' | b'[')) && scanner.is_closed(),
        is_cut: end.is_none() && !ended && !scanner.is_closed(),
    })
}

fn is_valid(value: &[u8], codec: TextCodec) -> bool {
    let text: Option<Cow<'_, str>> = codec.text(value);
    text.is_some_and(|text| is_json(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::UTF_8;

    fn of(text: &str) -> JsonShape {
        shape(text.as_bytes(), true, false, TextCodec(UTF_8))
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
            assert_eq!(of(text), JsonShape::Lines, "{text}");
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
            assert_eq!(of(text), JsonShape::Stream, "{text}");
        }
    }

    #[test]
    fn a_large_document_is_known_by_its_beginning() {
        let row = "{\"userId\":\"a\"},".repeat(40_000);
        let text = format!("{{\"data\":[{row}");
        let shape = shape(text.as_bytes(), false, false, TextCodec(UTF_8));
        assert!(
            matches!(shape, JsonShape::Document(Document::Rows { at: 8, .. })),
            "{shape:?}"
        );
    }
}
