//! Helpers for texts that several modules need: the nearest name, trimming, and bytes as hex.

use std::fmt::Write as _;

/// Returns the candidate that `name` was most likely meant to be, or `None` if none is similar enough. The first one wins
/// a tie.
///
/// Letter case, spaces and punctuation make no difference. Beyond that, names may be as many typing errors apart as
/// `max_typos` says, but their digits must be the same.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = fold(name);
    let scored = candidates
        .into_iter()
        .filter_map(|candidate| Some((typos(&name, &fold(candidate))?, candidate)));
    let nearest = scored.min_by_key(|(typos, _)| *typos);
    nearest.map(|(_, candidate)| candidate)
}

/// Letters and digits only, in lower case.
pub fn fold(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// Returns how many typing errors two folded names are apart, or `None` if they are different names.
fn typos(a: &str, b: &str) -> Option<usize> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let (a_length, b_length) = (a.chars().count(), b.chars().count());
    let max = max_typos(a_length.max(b_length));
    // Cheap checks first: an edit distance takes time that grows with the square of the length.
    if a_length.abs_diff(b_length) > max {
        return None;
    }
    // Digits tell names apart on purpose: `plan1` and `plan2` are two plans.
    let digits = |name: &str| {
        name.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    if digits(a) != digits(b) {
        return None;
    }
    Some(strsim::osa_distance(a, b)).filter(|typos| *typos <= max)
}

/// Typing errors that are tolerated in a name of this many letters.
fn max_typos(letters: usize) -> usize {
    match letters {
        0..=3 => 0,
        4..=7 => 1,
        8..=11 => 2,
        _ => 3,
    }
}

/// Trims a text. Nearly all texts begin and end with visible ASCII, which is seen at once.
pub fn trim(text: &str) -> &str {
    let is_visible = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    match is_visible(text.as_bytes().first()) && is_visible(text.as_bytes().last()) {
        true => text,
        false => text.trim(),
    }
}

/// Returns the bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_near_and_other_names_are_not() {
        let known = ["Lead", "vip", "customer", "plan1"];
        assert_eq!(nearest("Leads", known), Some("Lead"));
        assert_eq!(nearest("VIP", known), Some("vip"));
        assert_eq!(nearest("custmer", known), Some("customer"));
        assert_eq!(nearest("plan2", known), None);
        assert_eq!(nearest("vid", known), None);
        assert_eq!(nearest("churned", known), None);
    }

    #[test]
    fn texts_are_trimmed_as_the_standard_library_would() {
        let parts = [
            "", " ", "\t", "\u{a0}", "\u{2003}", "a", "é", "!", "\u{7f}", "\0",
        ];
        for first in parts {
            for last in parts {
                for text in [format!("{first}{last}"), format!("{first} x {last}")] {
                    assert_eq!(trim(&text), text.trim());
                }
            }
        }
    }

    #[test]
    fn hex_has_two_digits_for_each_byte() {
        assert_eq!(hex(&[0, 0x0a, 0xff]), "000aff");
        assert_eq!(hex(&[]), "");
    }
}
