use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::Formatter;

use super::terminal::is_hidden;

/// Writes a value as one line of JSON. Hidden characters are escaped (`\u001b`), so that printing the file cannot affect a
/// terminal.
pub(super) fn write_line<T: Serialize>(mut out: impl Write, value: &T) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, VisibleFormatter);
    value.serialize(&mut serializer)?;
    out.write_all(b"\n")
}

/// Formats compact JSON without hidden characters.
struct VisibleFormatter;

impl Formatter for VisibleFormatter {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, hidden)) = rest.char_indices().find(|(_, c)| is_hidden(*c)) {
            let (head, tail) = rest.split_at(at);
            out.write_all(head.as_bytes())?;
            for unit in hidden.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = tail.get(hidden.len_utf8()..).unwrap_or_default();
        }
        out.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(text: &str) -> String {
        let mut out = Vec::new();
        write_line(&mut out, &text).unwrap();
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn any_text_is_read_back_and_nothing_is_hidden(text: String) {
            let line = line(&text);
            let (json, end) = line.split_at(line.len() - 1);
            prop_assert_eq!(end, "\n");
            prop_assert!(!json.chars().any(is_hidden));
            prop_assert_eq!(serde_json::from_str::<String>(json).unwrap(), text);
        }
    }

    #[test]
    fn hidden_characters_beyond_the_first_plane_are_escaped() {
        assert_eq!(
            line("a\u{9b}é\u{e0041}\u{202e}\n"),
            "\"a\\u009bé\\udb40\\udc41\\u202e\\n\"\n"
        );
    }
}
