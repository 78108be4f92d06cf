//! Formats of texts that the documentation demands.

use isolang::Language;

/// Reads a UNIX timestamp: digits, with a minus sign before 1970.
pub(super) fn timestamp(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// Whether there is exactly one `@` with something on both sides, and no white space.
pub(super) fn is_email(text: &str) -> bool {
    let spaced = text.chars().any(char::is_whitespace);
    text.split_once('@').is_some_and(|(local, domain)| {
        !spaced && !local.is_empty() && !domain.is_empty() && !domain.contains('@')
    })
}

/// Whether it is a CSS colour. The parser also accepts hexadecimal colours without the `#` that CSS demands.
pub(super) fn is_colour(text: &str) -> bool {
    let bare_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    !bare_hex && csscolorparser::parse(text).is_ok()
}

pub(super) fn is_language(text: &str) -> bool {
    Language::from_639_1(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_kinds_of_css_colours_are_valid() {
        for colour in [
            "#f00",
            "#ff0000",
            "red",
            "rgb(255, 0, 0)",
            "hsl(0, 100%, 50%)",
            "Tomato",
        ] {
            assert!(is_colour(colour), "{colour}");
        }
    }
}
