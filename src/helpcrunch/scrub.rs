use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

/// What stands where the key stood.
const MASK: &str = "[API key]";

/// Shorter keys are not masked: no account has one, and every other word would match.
const MIN_KEY_LEN: usize = 4;

/// How many characters of a server's text are read.
const MAX_INPUT: usize = 4096;

/// Characters in the longest usual spelling of one byte: six for a JSON escape or `&quot;`, and a blank before it.
const MAX_SPELLING: usize = 7;

/// Makes a server's text safe to show: bounded, without control characters, and without the API key in any spelling in
/// which servers may echo it.
#[derive(Clone)]
pub struct Scrubber {
    key: SecretString,
    /// The key in base64, in either alphabet and at each of the three offsets that it can have in a longer text.
    encoded: Vec<SecretString>,
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrubber")
    }
}

impl Scrubber {
    #[must_use]
    pub fn new(key: &SecretString) -> Self {
        let key = key.expose_secret().trim();
        let encoded = match key.len() < MIN_KEY_LEN {
            true => Vec::new(),
            false => in_base64(key.as_bytes()),
        };
        Self {
            key: SecretString::from(key),
            encoded: encoded.into_iter().map(SecretString::from).collect(),
        }
    }

    /// Returns the text on one line, without the key, cut to `max_chars` characters.
    #[must_use]
    pub fn clean(&self, text: &str, max_chars: usize) -> String {
        // Control characters are removed first: one in the middle of the key would hide it from the mask.
        let plain = one_line(text);
        let mut masked = self.mask(&plain.text);
        if plain.is_cut {
            // A key that the cut shortened is not recognized, so as many characters as a key can take are dropped.
            let key_chars = self.key.expose_secret().len() * MAX_SPELLING;
            let kept = masked.chars().count().saturating_sub(key_chars);
            masked = masked.chars().take(kept).collect();
            masked.push('…');
        }
        if masked.chars().count() <= max_chars {
            return masked;
        }
        let mut cut: String = masked.chars().take(max_chars).collect();
        cut.push('…');
        cut
    }

    fn mask(&self, text: &str) -> String {
        let key = self.key.expose_secret().as_bytes();
        if key.len() < MIN_KEY_LEN {
            return text.to_owned();
        }
        let mut masked = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let Some(after) = strip_key(rest, key) {
                masked.push_str(MASK);
                rest = after;
            } else {
                masked.push(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            }
        }
        for encoded in &self.encoded {
            masked = masked.replace(encoded.expose_secret(), MASK);
        }
        masked
    }
}

/// The characters of a key's base64 that depend on the key alone, whatever surrounds it.
fn in_base64(key: &[u8]) -> Vec<String> {
    let at_offset = |before: usize| {
        let padded: Vec<u8> = std::iter::repeat_n(0, before)
            .chain(key.iter().copied())
            .collect();
        let (from, to) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        [
            STANDARD_NO_PAD.encode(&padded),
            URL_SAFE_NO_PAD.encode(&padded),
        ]
        .map(|encoded| encoded.get(from..to).unwrap_or_default().to_owned())
    };
    let mut spellings: Vec<String> = (0..3)
        .flat_map(at_offset)
        .filter(|s| s.len() >= MIN_KEY_LEN)
        .collect();
    spellings.dedup();
    spellings
}

/// The beginning of a text on one line, without invisible characters.
struct OneLine {
    text: String,
    /// Whether there is more text.
    is_cut: bool,
}

fn one_line(text: &str) -> OneLine {
    let mut visible = text.chars().filter(|c| !is_invisible(*c));
    let kept: String = visible
        .by_ref()
        .take(MAX_INPUT)
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .collect();
    OneLine {
        text: kept.split_whitespace().collect::<Vec<_>>().join(" "),
        is_cut: visible.next().is_some(),
    }
}

/// Control characters except white space, marks that change the direction of text, and zero-width characters.
fn is_invisible(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Returns what follows the key if `text` starts with it, each of its bytes in any spelling. All interpretations are
/// tried in parallel: `&amp;` may be an `&`, or the `&` of a key that continues with `amp;`.
fn strip_key<'a>(text: &'a str, key: &[u8]) -> Option<&'a str> {
    let mut rests = vec![text];
    for (index, byte) in key.iter().enumerate() {
        rests = rests
            .iter()
            // A key has no white space of its own: a blank in it is a line break that `one_line` replaced.
            .map(|rest| rest.strip_prefix(' ').filter(|_| index > 0).unwrap_or(rest))
            .flat_map(|rest| strip_byte(rest, *byte))
            .collect();
        rests.sort_by_key(|rest| rest.len());
        rests.dedup_by_key(|rest| rest.len());
    }
    rests.first().copied()
}

fn strip_byte(text: &str, byte: u8) -> impl Iterator<Item = &str> {
    let spellings = [
        raw(text, byte),
        percent(text, byte),
        json(text, byte),
        html(text, byte),
    ];
    spellings.into_iter().flatten()
}

fn raw(text: &str, byte: u8) -> Option<&str> {
    (text.as_bytes().first() == Some(&byte)).then(|| text.get(1..))?
}

fn percent(text: &str, byte: u8) -> Option<&str> {
    let digits = text.strip_prefix('%')?;
    // `%2520`: a proxy may have encoded the encoding.
    let digits = digits
        .strip_prefix("25")
        .filter(|d| hex(d, 2) == Some(byte.into()))
        .unwrap_or(digits);
    (hex(digits, 2)? == u32::from(byte)).then(|| digits.get(2..))?
}

fn json(text: &str, byte: u8) -> Option<&str> {
    let escape = text.strip_prefix('\\')?;
    if let Some(digits) = escape.strip_prefix('u') {
        return (hex(digits, 4)? == u32::from(byte)).then(|| digits.get(4..))?;
    }
    matches!(byte, b'"' | b'\\' | b'/').then(|| raw(escape, byte))?
}

fn html(text: &str, byte: u8) -> Option<&str> {
    let (entity, rest) = text.strip_prefix('&')?.split_once(';')?;
    let number = entity
        .strip_prefix('#')
        .and_then(|n| match n.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => n.parse().ok(),
        });
    let code = number.or(match entity {
        "amp" => Some(b'&'.into()),
        "lt" => Some(b'<'.into()),
        "gt" => Some(b'>'.into()),
        "quot" => Some(b'"'.into()),
        "apos" => Some(b'\''.into()),
        _ => None,
    });
    (code? == u32::from(byte)).then_some(rest)
}

fn hex(text: &str, digits: usize) -> Option<u32> {
    let digits = text.get(..digits)?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scrubber(key: &str) -> Scrubber {
        Scrubber::new(&SecretString::from(key))
    }

    #[test]
    fn the_key_goes_in_every_spelling() {
        let key = "ab/+\"c=&1";
        for echo in [
            "ab/+\"c=&1",
            "ab%2F%2B%22c%3D%261",
            "ab%2f%2b%22c%3d%261",
            "ab%252F%252B%2522c%253D%25261",
            r#"ab\/+\"c=&1"#,
            r#"ab\u002F\u002b\u0022c\u003d\u00261"#,
            "ab/+&quot;c=&amp;1",
            "ab/+&#34;c=&#x26;1",
            "ab/+\u{0}\"c=&1",
            "%61%62/+\"c=&1",
        ] {
            let clean = scrubber(key).clean(&format!("Bearer {echo}, sorry"), 200);
            assert_eq!(clean, "Bearer [API key], sorry", "{echo}");
        }
    }

    #[test]
    fn the_key_goes_where_it_is_wrapped_and_where_it_is_encoded() {
        let key = "hush-hush-key?>1";
        let encode = |text: String| [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)];
        let around = ["", "a", "ab", "Bearer ", ":"];
        let basic = around
            .iter()
            .flat_map(|before| encode(format!("{before}{key}: x")));
        for echo in basic.chain([
            "hush-\r\n  hush-key?>1".to_owned(),
            "hush-hush-key? >1".to_owned(),
        ]) {
            let clean = scrubber(key).clean(&format!("sent {echo} here"), 200);
            assert!(clean.contains(MASK), "{echo}: {clean}");
            let left: Vec<&str> = clean.split(MASK).flat_map(|part| part.split(' ')).collect();
            assert!(left.iter().all(|part| part.len() <= 11), "{echo}: {clean}");
        }
    }

    #[test]
    fn a_key_at_the_end_of_what_is_looked_at_does_not_show_its_beginning() {
        let key = "hush-hush";
        for before in MAX_INPUT - 12..=MAX_INPUT {
            let text = format!("{}{key}", "x".repeat(before));
            let clean = scrubber(key).clean(&text, MAX_INPUT);
            assert!(!clean.contains("hus"), "{before}");
            let hidden = format!("{}{key}", "\u{200b}".repeat(before));
            assert_eq!(scrubber(key).clean(&hidden, 200), MASK);
        }
    }

    #[test]
    fn a_text_is_one_bounded_line() {
        let clean = scrubber("hush-hush").clean("a\r\n\tb\u{1b}[31mc\u{202e}", 200);
        assert_eq!(clean, "a b[31mc");
        assert_eq!(scrubber("hush-hush").clean("äöüx", 3), "äöü…");
    }

    #[test]
    fn the_cut_comes_after_the_key() {
        let clean = scrubber("hush-hush").clean("a hush-hush", 6);
        assert_eq!(clean, "a [API…");
    }

    proptest! {
        #[test]
        fn no_surroundings_hide_the_key(key in "[!-~]{8,40}", before in ".{0,20}", after in ".{0,20}") {
            let clean = scrubber(&key).clean(&format!("{before}{key}{after}"), 4000);
            prop_assert!(!clean.contains(&key));
        }
    }
}
