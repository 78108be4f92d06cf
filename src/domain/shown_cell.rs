//! Cells in messages: how a bad cell is quoted, and how to leave it out where values must not appear.

use std::borrow::Cow;

/// In characters.
const MAX_SHOWN: usize = 40;

const OPEN: char = '“';
const CLOSE: char = '”';

/// Whether a character takes no space: zero-width characters, soft hyphens and text direction marks.
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{feff}')
}

/// Returns a cell's text, shortened, with every character escaped that is invisible or looks like a plain space.
pub fn visible(text: &str) -> String {
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == MAX_SHOWN {
            shown.push('…');
            break;
        }
        let is_odd_space = c.is_whitespace() && c != ' ';
        if c.is_control() || is_invisible(c) || is_odd_space || matches!(c, OPEN | CLOSE) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Whether two names look the same: invisible characters, outer blanks and the kind of space make no difference.
pub fn looks_like(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() {
        return a.trim() == b.trim();
    }
    let plain = |name: &str| {
        let seen = name.chars().filter(|c| !is_invisible(*c));
        let seen = seen.map(|c| if c.is_whitespace() { ' ' } else { c });
        seen.collect::<String>().trim().to_owned()
    };
    plain(a) == plain(b)
}

/// Returns a cell's [visible] text in quotes, for a message.
pub fn quoted_cell(text: &str) -> String {
    format!("{OPEN}{}{CLOSE}", visible(text))
}

/// Returns a message without the cells that it quotes.
pub fn without_cells(message: &str) -> Cow<'_, str> {
    if !message.contains(OPEN) {
        return Cow::Borrowed(message);
    }
    let mut text = String::with_capacity(message.len());
    let mut is_cell = false;
    for c in message.chars() {
        if c == CLOSE && is_cell {
            is_cell = false;
            text.push('…');
        }
        if !is_cell {
            text.push(c);
        }
        is_cell |= c == OPEN;
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_look_alike_whatever_their_invisible_characters() {
        for (a, b) in [
            ("E\u{200b}mail", "Email"),
            ("\u{feff}Full\u{a0}name ", "Full name"),
            (" a", "a"),
        ] {
            assert!(looks_like(a, b), "{a:?} {b:?}");
        }
        assert!(!looks_like("E mail", "Email"));
        assert!(!looks_like("email", "Email"));
    }

    #[test]
    fn invisible_characters_are_escaped() {
        assert_eq!(visible("u1\u{200b}"), "u1\\u{200b}");
        assert_eq!(visible("a\u{a0}b c\n”"), "a\\u{a0}b c\\u{a}\\u{201d}");
        assert_eq!(visible(&"é".repeat(50)), format!("{}…", "é".repeat(40)));
    }

    #[test]
    fn cells_are_left_out_of_messages() {
        let message = format!("is {} or {}: x", quoted_cell("a”b"), quoted_cell("c"));
        assert_eq!(without_cells(&message), "is “…” or “…”: x");
        assert_eq!(without_cells("plain"), "plain");
    }

    proptest! {
        #[test]
        fn no_part_of_a_cell_is_left(cell in any::<String>(), other in "[a-z ]{0,20}") {
            let message = format!("{other}{}{other}", quoted_cell(&cell));
            prop_assert_eq!(without_cells(&message), format!("{other}“…”{other}"));
        }
    }
}
