//! The API key in a config or an option: what stands there is shown, kept in the state folder, and committed with the file.

use std::path::Path;

use secrecy::ExposeSecret as _;

use crate::config::{ConfigError, Document, KeySources, Overrides, find_key};

use super::diagnostics::config_failure;
use super::exit::{Exit, Failure};

/// Shorter texts are words, and no keys.
const SHORTEST: usize = 8;
/// No other text holds a key of this length by chance.
const UNMISTAKABLE: usize = 20;

/// Refuses a config or options that hold the key, wherever it stands in them.
///
/// # Errors
/// With the line, and without the key.
pub(super) fn refuse_own_key(
    document: Option<&Document>,
    overrides: &Overrides,
    key_file: Option<&Path>,
) -> Result<(), Failure> {
    let Some(key) = own_key(key_file) else {
        return Ok(());
    };
    if let Some(document) = document
        && let Some(line) = document.text().lines().position(|line| holds(line, &key))
    {
        let file = document.path().display();
        return Err(refusal(&format!("{file}:{}", line + 1)));
    }
    if holds(&format!("{overrides:?}"), &key) {
        return Err(refusal("an option or its variable"));
    }
    Ok(())
}

/// The failure of a config that cannot be used, without the lines of one that holds the key.
pub(super) fn config_failure_without_key(error: &ConfigError) -> Failure {
    // The text of the file is part of the error.
    let shows = |key: &String| holds(&format!("{error:?}"), key);
    match own_key(None).filter(shows) {
        Some(_) => refusal("the config"),
        None => config_failure(error),
    }
}

/// Whether the key stands in the text. A short one may be part of a longer word, such as a file's name, and counts only
/// as a whole value or as the name of a config key.
fn holds(text: &str, key: &str) -> bool {
    let is_name = |line: &str| {
        let rest = line.trim_start().strip_prefix(key);
        rest.is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    let is_value = || [format!("\"{key}\""), format!("'{key}'")].map(|value| text.contains(&value));
    (key.len() >= UNMISTAKABLE && text.contains(key))
        || is_value().contains(&true)
        || text.lines().any(is_name)
}

/// A key that is malformed or unreadable is reported where it is needed.
fn own_key(key_file: Option<&Path>) -> Option<String> {
    let environment = |name: &str| std::env::var_os(name);
    let sources = KeySources {
        environment: &environment,
        key_file,
    };
    let key = find_key(&sources).ok()?.key.expose_secret().to_owned();
    (key.len() >= SHORTEST).then_some(key)
}

fn refusal(place: &str) -> Failure {
    let failure = Failure::new(Exit::Usage, "config", format!("{place} holds the API key"));
    failure.hint(
        "take it out: the key belongs into HELPCRUNCH_API_KEY or a file of its own that api.key_file names, and \
         api.account is a name of your choice",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_key_within_a_longer_word_is_none() {
        assert!(holds("account = \"test-key\"", "test-key"));
        assert!(holds("test-key = 1", "test-key"));
        assert!(!holds("key_file = \"/run/test-key.txt\"", "test-key"));
        assert!(!holds("contest-key", "test-key"));
        assert!(!holds("account = \"the test-key account\"", "test-key"));
        let long = "AbCdEfGhIjKlMnOpQrStUv";
        assert!(holds(&format!("x{long}y"), long));
    }
}
