use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// What stands where the key stood.
const MASK: &str = "[API key]";

/// Shorter keys are not looked for: no account has such a one, and every other word would be masked.
const SHORTEST: usize = 4;

/// How much of a server's text is looked at, and the most of it that is passed on.
const LOOKED_AT: usize = 4096;

/// Makes a text of the server fit to be shown: no control characters, no API key in any spelling that servers
/// echo it in, and bounded.
#[derive(Clone)]
pub struct Scrubber {
    key: SecretString,
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
        Self {
            key: SecretString::from(key),
        }
    }

    /// The text on one line, without the key, cut to `longest` characters.
    #[must_use]
    pub fn clean(&self, text: &str, longest: usize) -> String {
        // Controls go first, so that none of them can split the key and fall out afterwards.
        let plain = one_line(text);
        let masked = self.mask(&plain);
        if masked.chars().count() <= longest {
            return masked;
        }
        let mut cut: String = masked.chars().take(longest).collect();
        cut.push('…');
        cut
    }

    fn mask(&self, text: &str) -> String {
        let key = self.key.expose_secret().as_bytes();
        if key.len() < SHORTEST {
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
        masked
    }
}

fn one_line(text: &str) -> String {
    let bounded = text.chars().take(LOOKED_AT);
    let kept: String = bounded
        .filter(|c| !is_invisible(*c))
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Controls but for white space, and the marks that turn the direction of text or take no room.
fn is_invisible(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// What follows the key where `text` starts with it, each of its bytes in whichever spelling. All readings are
/// followed at once: `&amp;` may be an `&`, or the `&` of a key that goes on with `amp;`.
fn strip_key<'a>(text: &'a str, key: &[u8]) -> Option<&'a str> {
    let mut rests = vec![text];
    for byte in key {
        rests = rests
            .iter()
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
