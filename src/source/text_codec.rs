use std::borrow::Cow;

use encoding_rs::{
    BIG5, DecoderResult, Encoding, GB18030, GBK, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE,
};

use super::utf16::{from_utf16, to_utf16};

/// The byte order mark of UTF-8.
pub(super) const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Converts between the bytes of a window, the bytes of the input, and text.
///
/// UTF-16 is converted to UTF-8 before it enters the window. Other encodings stay as they are, because records and cells can
/// be split at their ASCII bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextCodec(pub(super) &'static Encoding);

impl TextCodec {
    /// `Some` if the input is UTF-16, with whether it is big-endian.
    pub(super) fn utf16_big_endian(self) -> Option<bool> {
        match self.0 {
            e if e == UTF_16BE => Some(true),
            e if e == UTF_16LE => Some(false),
            _ => None,
        }
    }

    /// Whether the window contains UTF-8.
    pub(super) fn is_unicode(self) -> bool {
        self.of_window() == UTF_8
    }

    /// Whether the window contains UTF-8, and the input has the same bytes.
    pub(super) fn is_as_read(self) -> bool {
        self.0 == UTF_8
    }

    fn of_window(self) -> &'static Encoding {
        self.utf16_big_endian().map_or(self.0, |_| UTF_8)
    }

    /// Whether bytes from `@` to `~` may be the second half of a character, so that nothing can be split at them.
    pub(super) fn hides_ascii(self) -> bool {
        [SHIFT_JIS, GBK, GB18030, BIG5].contains(&self.0)
    }

    /// Decodes bytes of the window. Returns `None` if they are invalid.
    pub(super) fn text(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        let encoding = self.of_window();
        if encoding == UTF_8 {
            return simdutf8::basic::from_utf8(bytes).ok().map(Cow::Borrowed);
        }
        encoding.decode_without_bom_handling_and_without_replacement(bytes)
    }

    /// The offset, in bytes of the input, of the first invalid byte.
    pub(super) fn first_bad(self, bytes: &[u8]) -> Option<usize> {
        let encoding = self.of_window();
        if encoding == UTF_8 {
            let valid = std::str::from_utf8(bytes).err()?.valid_up_to();
            return Some(self.raw(bytes.get(..valid)?).len());
        }
        let mut decoder = encoding.new_decoder_without_bom_handling();
        let mut text = vec![0; decoder.max_utf8_buffer_length_without_replacement(bytes.len())?];
        match decoder.decode_to_utf8_without_replacement(bytes, &mut text, true) {
            (DecoderResult::Malformed(bad, after), read, _) => {
                Some(read.saturating_sub(usize::from(bad) + usize::from(after)))
            }
            _ => None,
        }
    }

    /// Converts bytes of the window back to bytes of the input.
    pub(super) fn raw(self, bytes: &[u8]) -> Vec<u8> {
        match self.utf16_big_endian() {
            Some(big_endian) => to_utf16(bytes, big_endian),
            None => bytes.to_vec(),
        }
    }

    /// Converts bytes of the input to bytes of the window.
    pub(super) fn window(self, raw: &[u8]) -> Cow<'_, [u8]> {
        match self.utf16_big_endian() {
            Some(big_endian) => {
                let mut bytes = Vec::new();
                from_utf16(raw, big_endian, true, &mut bytes);
                Cow::Owned(bytes)
            }
            None => Cow::Borrowed(raw),
        }
    }

    /// Encodes a text as bytes of the window. Characters that the encoding lacks become numeric character references.
    pub(super) fn encode(self, text: &str) -> Vec<u8> {
        self.of_window().encode(text).0.into_owned()
    }

    /// The byte order mark of the encoding, or nothing.
    pub(super) fn mark(self) -> &'static [u8] {
        match self.0 {
            e if e == UTF_8 => UTF8_MARK,
            e if e == UTF_16LE => b"\xFF\xFE",
            e if e == UTF_16BE => b"\xFE\xFF",
            _ => b"",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{WINDOWS_1251, WINDOWS_1253};

    #[test]
    fn the_first_bad_byte_is_found_in_any_encoding() {
        assert_eq!(TextCodec(UTF_8).first_bad("жa".as_bytes()), None);
        assert_eq!(TextCodec(UTF_8).first_bad(b"\xD0\xB6\xE9a"), Some(2));
        assert_eq!(TextCodec(WINDOWS_1253).first_bad(b"ab\xD2c"), Some(2));
        assert_eq!(TextCodec(SHIFT_JIS).first_bad(b"a\x82\xA0\x82\n"), Some(3));
        // In the window a lone surrogate stands after two characters of three bytes; in the input each had two.
        let bytes = "\u{20AC}\u{20AC}".as_bytes().to_vec();
        let spoilt = [bytes.as_slice(), b"\xED\xA0\x80"].concat();
        assert_eq!(TextCodec(UTF_16LE).first_bad(&spoilt), Some(4));
    }

    #[test]
    fn our_own_words_can_be_written_in_any_encoding() {
        assert_eq!(TextCodec(WINDOWS_1251).encode("ж"), b"\xE6");
        assert_eq!(TextCodec(WINDOWS_1251).encode("あ"), b"&#12354;");
        assert_eq!(TextCodec(UTF_16LE).encode("ж"), "ж".as_bytes());
    }
}
