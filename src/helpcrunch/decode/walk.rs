//! Walks over a JSON text that only borrows from it: values stay texts, which keep the digits of numbers.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::json::unescaped;

/// Calls `each` with the names and the values of an object in their order. Returns `None` if the text is not an object (RFC 8259,
/// to the end of the text), however many members came before.
pub(super) fn each_member<'a>(
    json: &'a str,
    mut each: impl FnMut(Cow<'a, str>, &'a str),
) -> Option<()> {
    let mut walk = Walk::new(json);
    let mut more = walk.opens(b'{', b'}')?;
    while more {
        let (name, is_plain) = walk.name()?;
        let value = walk.value()?;
        let name = match is_plain {
            true => Cow::Borrowed(name.get(1..name.len() - 1)?),
            false => unescaped(name)?,
        };
        each(name, value);
        more = walk.continues(b'}')?;
    }
    walk.ends()
}

/// The same with the items of an array.
pub(super) fn each_item<'a>(
    json: &'a str,
    mut each: impl FnMut(&'a str) -> Option<()>,
) -> Option<()> {
    let mut walk = Walk::new(json);
    let mut more = walk.opens(b'[', b']')?;
    while more {
        each(walk.value()?)?;
        more = walk.continues(b']')?;
    }
    walk.ends()
}

struct Walk<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Walk<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is not white space.
    fn token(&mut self) -> Option<u8> {
        loop {
            match self.byte()? {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    fn skip(&mut self, byte: u8) -> Option<()> {
        (self.token()? == byte).then(|| self.at += 1)
    }

    /// Whether something stands between the brackets.
    fn opens(&mut self, open: u8, close: u8) -> Option<bool> {
        self.skip(open)?;
        Some(self.skip(close).is_none())
    }

    /// Whether something follows after a value.
    fn continues(&mut self, close: u8) -> Option<bool> {
        let token = self.token()?;
        self.at += 1;
        match token {
            b',' => Some(true),
            token => (token == close).then_some(false),
        }
    }

    fn ends(&mut self) -> Option<()> {
        self.token().is_none().then_some(())
    }

    /// A name with its quotes, and whether it has no escapes. The colon after it is skipped.
    fn name(&mut self) -> Option<(&'a str, bool)> {
        self.token()?;
        let from = self.at;
        let is_plain = self.string()?;
        let name = self.text.get(from..self.at)?;
        self.skip(b':')?;
        Some((name, is_plain))
    }

    fn value(&mut self) -> Option<&'a str> {
        let first = self.token()?;
        let from = self.at;
        match first {
            b'{' | b'[' => self.nested()?,
            _ => self.scalar(first)?,
        }
        self.text.get(from..self.at)
    }

    /// Skips an array or object, of whatever depth.
    fn nested(&mut self) -> Option<()> {
        let mut open = SmallVec::<[u8; 16]>::new();
        loop {
            let close = match self.token()? {
                b'{' => b'}',
                b'[' => b']',
                first => {
                    self.scalar(first)?;
                    0
                }
            };
            if close != 0 {
                self.at += 1;
                if self.skip(close).is_none() {
                    open.push(close);
                    if close == b'}' {
                        self.name()?;
                    }
                    continue;
                }
            }
            while let Some(close) = open.last().copied() {
                if self.continues(close)? {
                    if close == b'}' {
                        self.name()?;
                    }
                    break;
                }
                open.pop();
            }
            if open.is_empty() {
                return Some(());
            }
        }
    }

    fn scalar(&mut self, first: u8) -> Option<()> {
        let word = match first {
            b'"' => return self.string().map(drop),
            b't' => b"true".as_slice(),
            b'f' => b"false",
            b'n' => b"null",
            _ => return self.number(),
        };
        self.rest().starts_with(word).then(|| self.at += word.len())
    }

    fn number(&mut self) -> Option<()> {
        self.at += usize::from(self.byte() == Some(b'-'));
        match self.byte()? {
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit());
        let count = digits.count();
        self.at += count;
        (count > 0).then_some(())
    }

    /// Skips a string with its quotes. Returns whether it has no escapes.
    fn string(&mut self) -> Option<bool> {
        (self.byte()? == b'"').then(|| self.at += 1)?;
        let mut is_plain = true;
        loop {
            self.at += plain_bytes(self.rest());
            let byte = self.byte()?;
            self.at += 1;
            match byte {
                b'"' => return Some(is_plain),
                b'\\' => {
                    is_plain = false;
                    self.escape()?;
                }
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let length = match self.byte()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 1,
            b'u' => {
                let digits = self.rest().get(1..5)?;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(5)?
            }
            _ => return None,
        };
        self.at += length;
        Some(())
    }
}

/// The number of bytes before the next quote, backslash or control character.
pub(super) fn plain_bytes(bytes: &[u8]) -> usize {
    let (mut rest, mut plain) = (bytes, 0);
    while let Some((word, next)) = rest.split_first_chunk() {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return plain + special.trailing_zeros() as usize / 8;
        }
        plain += 8;
        rest = next;
    }
    let is_plain = |byte: &&u8| **byte >= 0x20 && !matches!(byte, b'"' | b'\\');
    plain + rest.iter().take_while(is_plain).count()
}

/// The highest bit of each special byte; those above the lowest may be mistaken.
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = ONES << 7;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word;
    let quote = below(word ^ (ONES * u64::from(b'"')), 1);
    let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
    (quote | backslash | below(word, 0x20)) & HIGH
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    fn members(json: &str) -> Option<Vec<(String, String)>> {
        let mut members = Vec::new();
        each_member(json, |name, value| {
            members.push((name.into_owned(), value.to_owned()));
        })?;
        Some(members)
    }

    /// The last member of each name, as `serde_json` reads them.
    fn expected(json: &str) -> Option<HashMap<String, String>> {
        let members: HashMap<String, &RawValue> = serde_json::from_str(json).ok()?;
        let texts = members.into_iter();
        Some(
            texts
                .map(|(name, value)| (name, value.get().to_owned()))
                .collect(),
        )
    }

    /// Texts that are nearly JSON: pieces in any order.
    fn pieces() -> impl Strategy<Value = String> {
        const PIECES: &[&str] = &[
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "\"",
            "\"a\"",
            "\"b\":",
            "\"é\\n\"",
            "\\",
            "\\u00e9",
            "\\ud800",
            " ",
            "\n",
            "\u{1}",
            "0",
            "-1",
            "1.5",
            "2e+3",
            "01",
            "-",
            "1.",
            "e",
            "true",
            "false",
            "null",
            "nul",
            "\"x\":1",
            "{}",
            "[]",
            "{\"k\":[1,{\"l\":null}]}",
            "[[],[{}]]",
            "a longer text without anything",
        ];
        prop::collection::vec(prop::sample::select(PIECES), 0..12)
            .prop_map(|pieces| pieces.concat())
    }

    /// An object of such values, so that many are whole.
    fn objects() -> impl Strategy<Value = String> {
        let name = prop_oneof![
            "[a-c]{0,2}",
            Just("x\\u0041".to_owned()),
            Just("\\ud800".to_owned())
        ];
        let value = prop_oneof![
            4 => any::<i32>().prop_map(|n| n.to_string()),
            4 => "\\PC{0,20}".prop_map(|text| serde_json::to_string(&text).unwrap()),
            1 => pieces(),
        ];
        let members = prop::collection::vec((name, value), 0..4).prop_map(|members| {
            let members = members
                .into_iter()
                .map(|(name, value)| format!("\"{name}\" : {value}"));
            members.collect::<Vec<_>>().join(",")
        });
        members.prop_map(|members| format!(" {{{members}}}\t"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8_000))]

        #[test]
        fn objects_are_read_as_serde_json_reads_them(json in prop_oneof![objects(), pieces()]) {
            let found = members(&json).map(|members| members.into_iter().collect());
            prop_assert_eq!(found, expected(&json), "{}", json);
        }

        #[test]
        fn arrays_are_read_as_serde_json_reads_them(json in pieces()) {
            for json in [format!("[{json}]"), json] {
                let mut items = Vec::new();
                let found = each_item(&json, |item| { items.push(item); Some(()) });
                let expected: Option<Vec<&RawValue>> = serde_json::from_str(&json).ok();
                let expected = expected.map(|items| items.into_iter().map(RawValue::get).collect());
                prop_assert_eq!(found.map(|()| items), expected, "{}", json);
            }
        }

        #[test]
        fn special_bytes_are_found_wherever_they_are(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'"')], 0..40)) {
            let is_special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
            let expected = bytes.iter().position(is_special).unwrap_or(bytes.len());
            prop_assert_eq!(plain_bytes(&bytes), expected);
        }
    }

    #[test]
    fn depth_needs_no_stack() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(members(&deep).unwrap().len(), 1);
        assert_eq!(members(&deep[..deep.len() - 2]), None);
    }
}
