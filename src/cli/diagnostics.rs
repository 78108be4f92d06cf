//! Errors in a config file, with the lines around them.

use std::fmt;
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
    ThemeCharacters, ThemeStyles,
};

use crate::config::{ConfigError, Document, Place, Problem};

use super::exit::Failure;

/// The text around an error and the place in it that is to blame.
#[derive(Debug)]
pub(super) struct Snippet {
    message: String,
    label: String,
    span: std::ops::Range<usize>,
    source: NamedSource<Arc<str>>,
}

impl Snippet {
    fn new(message: String, label: &str, place: &Place) -> Self {
        Self {
            message,
            label: label.to_owned(),
            span: place.span.clone(),
            source: NamedSource::new(&place.file, masked(&place.text).into()),
        }
    }

    /// The message, complete on the first line, and below it the lines of the file.
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

/// The text with what stands behind the name of a secret starred out, byte for byte, so that places in it hold.
fn masked(text: &str) -> String {
    text.split_inclusive('\n').map(masked_line).collect()
}

fn masked_line(line: &str) -> String {
    let Some(at) = line.find('=') else {
        return line.to_owned();
    };
    let (name, value) = line.split_at(at + 1);
    let name_of = name.trim_end_matches('=').trim().to_lowercase();
    let secret = ["key", "token", "secret", "password"];
    let harmless = ["keys", "key_file"];
    let is_secret = secret.iter().any(|word| name_of.contains(word));
    if !is_secret || harmless.contains(&name_of.as_str()) {
        return line.to_owned();
    }
    let star = |c: char| {
        if c.is_whitespace() {
            c.to_string()
        } else {
            "*".repeat(c.len_utf8())
        }
    };
    name.chars()
        .map(String::from)
        .chain(value.chars().map(star))
        .collect()
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

/// The failure of a config that cannot be used.
pub(super) fn config_failure(error: &ConfigError) -> Failure {
    let mut failure = Failure {
        reason: "config",
        ..Failure::usage(error)
    };
    if let ConfigError::InFile { place, problem } = error {
        let snippet = Snippet::new(failure.message.clone(), label(problem), place);
        failure.snippet = Some(Box::new(snippet));
        failure.hint = Some(help(problem).to_owned());
    }
    failure
}

/// The failure with the lines of the config that it blames, where it blames some that are there.
pub(super) fn at_config(mut failure: Failure, document: Option<&Document>) -> Failure {
    if failure.snippet.is_some() {
        return failure;
    }
    let place_of = |path: &String| document?.place_of(path);
    let Some(place) = failure.blames.iter().find_map(place_of) else {
        return failure;
    };
    let message = format!("{place}: {}", failure.message);
    failure.snippet = Some(Box::new(Snippet::new(message, "this value", &place)));
    failure
}

fn label(problem: &Problem) -> &'static str {
    match problem {
        Problem::NotText => "from here on",
        Problem::Syntax(_) => "here",
        Problem::UnknownKey { .. } => "not a key that hcsync knows",
        Problem::InlineKey { .. } => "a key does not belong here",
        Problem::Value { .. } => "this value",
        Problem::NotBuilt { .. } => "not available",
    }
}

fn help(problem: &Problem) -> &'static str {
    match problem {
        Problem::NotText => "save the file as UTF-8",
        Problem::Syntax(_) => "the file is TOML: key = \"value\" under a [section]",
        Problem::UnknownKey { .. } | Problem::Value { .. } => {
            "config.example.toml shows every key with its default"
        }
        Problem::InlineKey { .. } => "set HELPCRUNCH_API_KEY, or name a file with api.key_file",
        Problem::NotBuilt { .. } => "leave it out, or give it another value",
    }
}
