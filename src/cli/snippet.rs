//! A part of the config file, shown with the place of an error.

use std::fmt;
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
    ThemeCharacters, ThemeStyles,
};

use crate::config::{ConfigPlace, SECRET_WORDS};
use crate::report::{clean, is_hidden};

/// The part of a config that caused a failure.
#[derive(Debug)]
pub(super) enum Blame {
    /// Paths of keys, the most exact first, not looked up in the file yet.
    Keys(Vec<String>),
    /// The lines of the file, for each error.
    Lines(Vec<Snippet>),
}

/// A part of the config file, with the place of the error.
#[derive(Debug)]
pub(super) struct Snippet {
    message: String,
    label: String,
    span: std::ops::Range<usize>,
    source: NamedSource<Arc<str>>,
}

impl Snippet {
    pub(super) fn new(message: String, label: &str, place: &ConfigPlace) -> Self {
        Self {
            message: clean(&message).into_owned(),
            label: clean(label).into_owned(),
            span: place.span.clone(),
            source: NamedSource::new(clean(&place.file), visible(&masked(&place.text)).into()),
        }
    }

    /// Renders the message on the first line, and the lines of the file below it.
    pub(super) fn render(&self, colour: bool) -> String {
        let mut characters = ThemeCharacters::unicode();
        characters.error = "error:".to_owned();
        let styles = if colour {
            ThemeStyles::ansi()
        } else {
            ThemeStyles::none()
        };
        let theme = GraphicalTheme { characters, styles };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_wrap_lines(false)
            .with_urls(false)
            .without_syntax_highlighting();
        let mut text = String::new();
        match handler.render_report(&mut text, self) {
            Ok(()) => text.trim_start().trim_end().to_owned(),
            Err(_) => format!("error: {}", self.message),
        }
    }
}

/// Replaces each byte of a control character by `?`, so that byte offsets stay valid.
fn visible(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\r' | '\t' => c.to_string(),
        c if is_hidden(c) => "?".repeat(c.len_utf8()),
        c => c.to_string(),
    };
    text.chars().map(shown).collect()
}

/// Names of values that are not secret, though they contain a word of [`SECRET_WORDS`].
const HARMLESS: [&str; 2] = ["keys", "key_file"];

/// Replaces the value of each secret by `*`, byte for byte so that offsets stay valid: up to the end of its line, or of
/// the text if the value may span lines. The text need not be valid TOML.
fn masked(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n');
    for line in lines.by_ref() {
        let Some(at) = line.match_indices('=').map(|(at, _)| at + 1).find(|at| {
            let name = line.get(..at - 1).unwrap_or_default();
            is_secret(name)
        }) else {
            shown.push_str(line);
            continue;
        };
        let (name, value) = line.split_at(at);
        shown.push_str(name);
        shown.push_str(&starred(value));
        if value.contains("\"\"\"") || value.contains("'''") {
            break;
        }
    }
    lines.for_each(|line| shown.push_str(&starred(line)));
    shown
}

/// Whether the text before a `=` ends with the name of a secret.
fn is_secret(before: &str) -> bool {
    let of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let quoted = before.trim_end().trim_end_matches(['"', '\'']);
    let start = quoted.rfind(|c| !of_name(c));
    let name = start.and_then(|at| quoted.get(at..)).unwrap_or(quoted);
    let name = name.trim_matches(|c| !of_name(c)).to_lowercase();
    !HARMLESS.contains(&name.as_str()) && SECRET_WORDS.iter().any(|part| name.contains(part))
}

fn starred(text: &str) -> String {
    let star = |c: char| {
        if c.is_whitespace() {
            c.to_string()
        } else {
            "*".repeat(c.len_utf8())
        }
    };
    text.chars().map(star).collect()
}

impl fmt::Display for Snippet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Snippet {}

impl Diagnostic for Snippet {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::new_with_span(Some(self.label.clone()), self.span.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_of_a_secret_is_shown_and_places_hold() {
        for secret in [
            "key = \"s3cr\u{e9}t\"",
            "api = { account = \"a\", key = \"s3cr\u{e9}t\" }",
            "\"api_key\"='s3cr\u{e9}t'",
            "api.token = s3cr\u{e9}t",
            "key = \"\"\"\ns3cr\u{e9}t\n\"\"\"",
            "# password = s3cr\u{e9}t",
            "bearer = \"s3cr\u{e9}t\"",
            "authorization = \"s3cr\u{e9}t\"",
        ] {
            let text = format!("[api]\n{secret}\n[match]\n");
            let shown = masked(&text);
            assert!(!shown.contains("s3cr"), "{shown}");
            assert_eq!(shown.len(), text.len());
            assert_eq!(shown.lines().count(), text.lines().count());
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        let text = "keys = [\"userId\"]\nkey_file = \"/run/key\"\nname = \"a = b\"\n";
        assert_eq!(masked(text), text);
    }

    #[test]
    fn the_first_line_is_the_whole_message() {
        let long = format!("c.toml:2:1: {}", "words ".repeat(40).trim_end());
        let place = ConfigPlace {
            file: "c.toml".into(),
            line: 2,
            column: 1,
            text: "[match]\nkyes = 1\n".into(),
            span: 8..12,
        };
        let snippet = Snippet::new(long.clone(), "here", &place);
        let text = snippet.render(false);
        assert_eq!(text.lines().next(), Some(format!("error: {long}").as_str()));
        assert!(text.contains(" 2 │ kyes = 1"), "{text}");
        assert!(!text.contains('\u{1b}') && snippet.render(true).contains("\u{1b}["));
    }
}
