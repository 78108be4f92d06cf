/// Whether a text is a CSS colour: a name, `#rgb`, `#rrggbb`, `rgb(…)`, `hsl(…)` and so on.
pub(super) fn is_color(text: &str) -> bool {
    // The parser also accepts hexadecimal digits without `#`, which CSS does not.
    let bare_hex =
        matches!(text.len(), 3 | 4 | 6 | 8) && text.bytes().all(|b| b.is_ascii_hexdigit());
    !bare_hex && csscolorparser::parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn css_colours_and_nothing_else() {
        for color in [
            "#ff0000",
            "#f00",
            "red",
            "RebeccaPurple",
            "rgb(255, 0, 0)",
            "hsl(120deg 50% 50%)",
        ] {
            assert!(is_color(color), "{color}");
        }
        for text in ["", "ff0000", "f00", "#ff", "redish", "rgb(1,2)"] {
            assert!(!is_color(text), "{text}");
        }
    }
}
