//! Decodes the text of a config or key file in any encoding that an editor may have used.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

/// The bytes stop being text after `before`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotText {
    pub before: String,
}

/// Decodes UTF-8 or UTF-16, with or without a byte order mark. Editors and shells on Windows save UTF-16; its first
/// character is ASCII in any file of ours, which shows the byte order.
pub(super) fn decode(bytes: &[u8]) -> Result<String, NotText> {
    let utf16 = match bytes {
        [0xFE, 0xFF, ..] | [0, _, ..] => Some(UTF_16BE),
        [0xFF, 0xFE, ..] | [_, 0, ..] => Some(UTF_16LE),
        _ => None,
    };
    match utf16 {
        Some(encoding) => decode_utf16(encoding, bytes),
        None => decode_utf8(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)),
    }
}

fn decode_utf16(encoding: &'static Encoding, bytes: &[u8]) -> Result<String, NotText> {
    let (text, malformed) = encoding.decode_with_bom_removal(bytes);
    if malformed {
        let before = text.split(char::REPLACEMENT_CHARACTER).next();
        let before = before.unwrap_or_default().to_owned();
        return Err(NotText { before });
    }
    Ok(text.into_owned())
}

fn decode_utf8(bytes: &[u8]) -> Result<String, NotText> {
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|error| {
            let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let before = String::from_utf8_lossy(good).into_owned();
            NotText { before }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn the_text_is_the_same_in_every_encoding() {
        let text = "# Ім'я\n[api]\n";
        let marked = format!("\u{feff}{text}");
        for bytes in [
            text.as_bytes().to_vec(),
            marked.as_bytes().to_vec(),
            utf16(text, u16::to_le_bytes),
            utf16(text, u16::to_be_bytes),
            utf16(&marked, u16::to_le_bytes),
            utf16(&marked, u16::to_be_bytes),
        ] {
            assert_eq!(decode(&bytes).as_deref(), Ok(text));
        }
        assert_eq!(decode(b"").as_deref(), Ok(""));
    }

    #[test]
    fn other_encodings_are_found_where_they_stop_being_text() {
        let before = |bytes: &[u8]| decode(bytes).unwrap_err().before;
        assert_eq!(before(b"a = 1\nb = \"\xE9\""), "a = 1\nb = \"");
        assert_eq!(before(b"\xFF\xFEa\0\0\xD8b\0"), "a");
    }
}
