use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The meaning of a piece of text, which decides how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Heading,
    Good,
    Warn,
    Bad,
    Dim,
}

/// Adds colour to text, or nothing if colour is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paint {
    colour: bool,
}

impl Paint {
    pub(super) fn new(colour: bool) -> Self {
        Self { colour }
    }

    /// The text in its style. An empty text stays empty.
    pub(super) fn paint(self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Plain => "",
            Style::Heading => "1",
            Style::Good => "32",
            Style::Warn => "33",
            Style::Bad => "31",
            Style::Dim => "2",
        };
        if !self.colour || code.is_empty() || text.trim().is_empty() {
            return text.to_owned();
        }
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Returns the width of a text in a terminal, in columns.
pub(super) fn text_width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Whether a character moves the cursor, changes the text direction or is invisible, so that it could make a terminal show
/// something that is not there. Joiners are not hidden: scripts and emoji need them.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Returns the text with every hidden character escaped: `\n`, `\t`, `\r`, else `\u{1b}`.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_hidden(c) {
            clean.extend(c.escape_default());
        } else {
            clean.push(c);
        }
    }
    Cow::Owned(clean)
}

/// Shortens a text to `width` columns by cutting off its end.
pub(super) fn shorten_end(text: &str, width: usize) -> Cow<'_, str> {
    if fits(text, width) {
        return Cow::Borrowed(text);
    }
    if width == 0 {
        return Cow::Borrowed("");
    }
    let head = text.get(..head_end(text, width - 1)).unwrap_or_default();
    Cow::Owned(format!("{}…", head.trim_end()))
}

/// Shortens a text to `width` columns by cutting off its start, since paths differ at the end.
pub(super) fn shorten_start(text: &str, width: usize) -> Cow<'_, str> {
    if fits(text, width) {
        return Cow::Borrowed(text);
    }
    if width == 0 {
        return Cow::Borrowed("");
    }
    let tail = text.get(tail_start(text, width - 1)..).unwrap_or_default();
    Cow::Owned(format!("…{}", tail.trim_start()))
}

/// Shortens a text to `width` columns by cutting out its middle.
pub(super) fn shorten_middle(text: &str, width: usize) -> Cow<'_, str> {
    if fits(text, width) {
        return Cow::Borrowed(text);
    }
    if width < 3 {
        return shorten_end(text, width);
    }
    let tail = (width - 1) / 2;
    let head = width - 1 - tail;
    let head = text.get(..head_end(text, head)).unwrap_or_default();
    let tail = text.get(tail_start(text, tail)..).unwrap_or_default();
    Cow::Owned(format!("{head}…{tail}"))
}

/// Characters that are examined per column. More combining marks on one letter are not a real text.
const CHARS_PER_COLUMN: usize = 8;

/// Returns an upper limit of the columns that a character adds to a text: the emoji selector widens the one before it.
fn max_columns(c: char) -> usize {
    if c == '\u{fe0f}' {
        return 1;
    }
    UnicodeWidthChar::width(c).unwrap_or(1)
}

fn fits(text: &str, width: usize) -> bool {
    let max_chars = width.saturating_mul(CHARS_PER_COLUMN);
    text.chars().nth(max_chars).is_none() && text_width(text) <= width
}

/// Byte index after the longest start that fits into `width` columns.
fn head_end(text: &str, width: usize) -> usize {
    within(
        text.char_indices().map(|(at, c)| (at + c.len_utf8(), c)),
        width,
    )
    .unwrap_or(0)
}

/// Byte index of the longest end that fits into `width` columns.
fn tail_start(text: &str, width: usize) -> usize {
    within(text.char_indices().rev(), width).unwrap_or(text.len())
}

fn within(chars: impl Iterator<Item = (usize, char)>, width: usize) -> Option<usize> {
    let mut used = 0;
    chars
        .take(width.saturating_mul(CHARS_PER_COLUMN))
        .take_while(|(_, c)| {
            used += max_columns(*c);
            used <= width
        })
        .last()
        .map(|(at, _)| at)
}

/// Returns the spaces that pad a text to `width` columns.
pub(super) fn padding(text: &str, width: usize) -> String {
    " ".repeat(width.saturating_sub(text_width(text)))
}

/// Wraps a text at spaces into lines of up to `width` columns. A word that is too long is shortened.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let word = shorten_end(word, width);
        if !line.is_empty() && text_width(&line) + 1 + text_width(&word) > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// A count with thousands separators: `1,234,567`.
pub fn human_count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `1,234 rows`.
pub fn plural(count: u64, one: &str, many: &str) -> String {
    let word = if count == 1 { one } else { many };
    format!("{} {word}", human_count(count))
}

/// A duration in its two largest units: `under 1 s`, `45 s`, `10 min 24 s`, `3 h 5 min`, `2 d 4 h`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float casts saturate, and a negative duration is shown as 0"
)]
pub fn human_duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    let units = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    let Some(first) = units.iter().position(|(_, size)| whole >= *size) else {
        return "under 1 s".to_owned();
    };
    let mut rest = whole;
    let mut text = String::new();
    for (unit, size) in units.iter().skip(first).take(2) {
        let (count, left) = (rest / size, rest % size);
        rest = left;
        if count > 0 {
            let gap = if text.is_empty() { "" } else { " " };
            // Writing to a `String` cannot fail.
            let _ = write!(text, "{gap}{} {unit}", human_count(count));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_and_durations_read_well() {
        assert_eq!(human_count(0), "0");
        assert_eq!(human_count(999), "999");
        assert_eq!(human_count(1_000), "1,000");
        assert_eq!(human_count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(plural(1, "row", "rows"), "1 row");
        assert_eq!(plural(1_234, "row", "rows"), "1,234 rows");
        for (seconds, text) in [
            (0.0, "under 1 s"),
            (f64::NAN, "under 1 s"),
            (-3.0, "under 1 s"),
            (0.4, "under 1 s"),
            (45.2, "45 s"),
            (59.7, "1 min"),
            (624.0, "10 min 24 s"),
            (3_600.0, "1 h"),
            (11_100.0, "3 h 5 min"),
            (187_200.0, "2 d 4 h"),
        ] {
            assert_eq!(human_duration(seconds), text, "{seconds}");
        }
        assert!(human_duration(f64::INFINITY).ends_with(" h"));
    }

    #[test]
    fn hidden_characters_are_escaped() {
        let nasty = "a\u{1b}[31m\u{9b}b\u{202e}c\nd\u{200b}\u{e0041}\u{7f}";
        let clean = clean(nasty);
        assert!(!clean.chars().any(is_hidden), "{clean}");
        assert_eq!(
            clean,
            "a\\u{1b}[31m\\u{9b}b\\u{202e}c\\nd\\u{200b}\\u{e0041}\\u{7f}"
        );
        assert_eq!(super::clean("👩‍👩‍👧 naïve"), "👩‍👩‍👧 naïve");
    }

    #[test]
    fn texts_are_shortened_where_it_matters_least() {
        assert_eq!(shorten_end("abcdef", 4), "abc…");
        assert_eq!(shorten_start("abcdef", 4), "…def");
        assert_eq!(shorten_middle("abcdefgh", 5), "ab…gh");
        assert_eq!(shorten_end("abcd", 4), "abcd");
        assert_eq!(shorten_end("日本語", 4), "日…");
        assert_eq!(shorten_end("abc", 0), "");
        let prank = format!("a{}", "\u{301}".repeat(10_000));
        assert!(shorten_end(&prank, 10).len() < 300);
    }

    #[test]
    fn paint_is_all_or_nothing() {
        assert_eq!(Paint::new(false).paint(Style::Bad, "x"), "x");
        assert_eq!(
            Paint::new(true).paint(Style::Bad, "x"),
            "\u{1b}[31mx\u{1b}[0m"
        );
        assert_eq!(Paint::new(true).paint(Style::Bad, ""), "");
    }

    proptest! {
        #[test]
        fn shortened_text_fits(text in "\\PC{0,60}", width in 0_usize..50) {
            for short in [shorten_end(&text, width), shorten_start(&text, width), shorten_middle(&text, width)] {
                prop_assert!(text_width(&short) <= width, "{short:?}");
            }
        }

        #[test]
        fn wrapping_loses_no_word_that_fits(text in "[a-zé日 ]{0,80}", width in 1_usize..40) {
            let lines = wrap(&text, width);
            for line in &lines {
                prop_assert!(text_width(line) <= width, "{line:?}");
            }
            let words: Vec<_> = text.split(' ').filter(|w| !w.is_empty()).map(|w| shorten_end(w, width)).collect();
            prop_assert_eq!(lines.join(" "), words.join(" "));
        }

        #[test]
        fn separators_do_not_change_the_count(count: u64) {
            prop_assert_eq!(human_count(count).replace(',', ""), count.to_string());
        }
    }
}
