use std::fmt;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use super::KeyError;

/// Errors in settings. Each message is one complete line. If a config file is wrong, it begins with `file:line:column`, and
/// [`ConfigError::place`] returns the text around it.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The cause is part of the message and not a source, or it would be shown twice.
    #[error("cannot read the config file {}: {cause}", file.display())]
    Unreadable { file: PathBuf, cause: io::Error },
    #[error("{place}: {problem}")]
    InFile {
        place: Box<ConfigPlace>,
        problem: ConfigProblem,
    },
    /// Everything that is wrong with a file, in its order; at least two.
    #[error("{}", several(.0))]
    Several(Vec<ConfigError>),
    /// A value of a flag or an environment variable.
    #[error("{option} {message}")]
    Option {
        /// As it is written on the command line.
        option: String,
        message: String,
    },
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl ConfigError {
    #[must_use]
    pub fn place(&self) -> Option<&ConfigPlace> {
        match self {
            Self::InFile { place, .. } => Some(place),
            Self::Several(errors) => errors.first().and_then(Self::place),
            Self::Unreadable { .. } | Self::Option { .. } | Self::Key(_) => None,
        }
    }
}

impl ConfigError {
    /// One error for all of them, in the order of the file; `None` if there are none.
    pub(super) fn of(mut errors: Vec<Self>) -> Option<Self> {
        errors.sort_by_key(|error| error.place().map(|place| (place.line, place.column)));
        match errors.len() {
            0 | 1 => errors.pop(),
            _ => Some(Self::Several(errors)),
        }
    }
}

fn several(errors: &[ConfigError]) -> String {
    let messages: Vec<_> = errors.iter().map(ToString::to_string).collect();
    messages.join("; ")
}

/// Where the password of the state database belongs.
pub(super) const PASSWORD_RULE: &str = "must not hold the password: put that into a file that state.password_file names, into PGPASSWORD or into ~/.pgpass";

/// What is wrong at a position in a config file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigProblem {
    #[error("this is not UTF-8 or UTF-16 text; save the file as UTF-8")]
    NotText,
    #[error("this is not TOML: {0}")]
    Syntax(String),
    #[error("unknown key `{key}`; {advice}")]
    UnknownKey { key: String, advice: String },
    #[error(
        "`{key}` looks like an API key, which does not belong in a config file; put it into the environment as \
         HELPCRUNCH_API_KEY, or into a file of its own that api.key_file names, and replace a key that was shared \
         with this file"
    )]
    InlineKey { key: String },
    #[error("`{key}` {PASSWORD_RULE}")]
    InlinePassword { key: String },
    #[error("`{key}` {message}")]
    Value { key: String, message: String },
}

/// A position in a config file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigPlace {
    /// As the user named it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// The whole file, safe to show: everything that may be an API key is masked, byte for byte.
    pub text: Arc<str>,
    /// Bytes of `text`.
    pub span: Range<usize>,
}

impl ConfigPlace {
    /// A position in `text`; a span beyond its end means its end.
    pub(super) fn new(file: &str, text: &str, span: Range<usize>) -> Self {
        let start = boundary_before(text, span.start);
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let in_line = before.get(line_start..).unwrap_or_default();
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: in_line.chars().count() + 1,
            text: mask_secrets(&mask_passwords(text)).into(),
            span: start..boundary_before(text, span.end).max(start),
        }
    }
}

/// The last character boundary at or before `byte`.
fn boundary_before(text: &str, byte: usize) -> usize {
    (0..=byte.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

impl fmt::Display for ConfigPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Replaces the passwords of URLs by the same number of `*`.
fn mask_passwords(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        masked.push_str(before);
        masked.push_str("://");
        let end = after.find(|c: char| c.is_whitespace() || "'\"/".contains(c));
        let authority = after.get(..end.unwrap_or(after.len())).unwrap_or_default();
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        let password = user.and_then(|user| user.split_once(':'));
        rest = after;
        if let Some((user, password)) = password {
            masked.push_str(user);
            masked.push(':');
            masked.push_str(&"*".repeat(password.len()));
            rest = after
                .get(user.len() + 1 + password.len()..)
                .unwrap_or_default();
        }
    }
    masked + rest
}

/// Minimum length of a run of token characters that counts as a secret. API keys are far longer, words are shorter.
const MIN_SECRET_LEN: usize = 20;

/// Replaces everything that may be an API key by the same number of `*`, so that spans stay valid. An error is shown with
/// the lines around it, which may hold a key.
pub(super) fn mask_secrets(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_token) {
        let (other, from_token) = rest.split_at(start);
        let end = from_token
            .find(|c| !is_token(c))
            .unwrap_or(from_token.len());
        let (token, after) = from_token.split_at(end);
        masked.push_str(other);
        if is_secret(token) {
            masked.extend(std::iter::repeat_n('*', token.len()));
        } else {
            masked.push_str(token);
        }
        rest = after;
    }
    masked.push_str(rest);
    masked
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '_' | '-')
}

/// Whether a text looks like an API key: one run of token characters with letters of both cases and digits.
pub(super) fn looks_like_key(text: &str) -> bool {
    let key = text.trim_end_matches('=');
    is_secret(key)
        && key.chars().all(is_token)
        && key.bytes().any(|b| b.is_ascii_uppercase())
        && key.bytes().any(|b| b.is_ascii_lowercase())
}

fn is_secret(token: &str) -> bool {
    let digits = token.bytes().filter(u8::is_ascii_digit).count();
    token.len() >= MIN_SECRET_LEN && digits >= 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let text = "a = 1\nім'я = 2\n";
        let at = |byte| ConfigPlace::new("x.toml", text, byte..byte + 1).to_string();
        assert_eq!(at(0), "x.toml:1:1");
        assert_eq!(at(6), "x.toml:2:1");
        assert_eq!(at(text.find('2').unwrap()), "x.toml:2:8");
        assert_eq!(at(text.len()), "x.toml:3:1");
        assert_eq!(at(10_000), "x.toml:3:1");
    }

    #[test]
    fn what_may_be_a_key_is_masked() {
        let key = "NmQyZTY4ZDk0MTRhNGY5OTg5ZDEyM2I0NTY3ODkwMTI";
        let text =
            format!("[api]\nkey = \"{key}\" # 30s\nbase_url = \"https://api.helpcrunch.com/v1\"\n");
        let masked = mask_secrets(&text);
        assert!(!masked.contains("NmQy"), "{masked}");
        assert_eq!(masked, text.replace(key, &"*".repeat(key.len())));
        assert_eq!(
            mask_secrets("snapshot_max_age_of_the_listing"),
            "snapshot_max_age_of_the_listing"
        );
    }

    proptest! {
        #[test]
        fn masking_keeps_every_offset(text in "[a-z0-9= \\n\"ї/_-]{0,80}") {
            let masked = mask_secrets(&text);
            prop_assert_eq!(masked.len(), text.len());
            let breaks = |t: &str| t.match_indices('\n').map(|(at, _)| at).collect::<Vec<_>>();
            prop_assert_eq!(breaks(&masked), breaks(&text));
        }
    }
}
