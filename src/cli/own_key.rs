//! Refuses an API key in the config or an option: those are shown in messages, stored in the state folder, and often
//! committed.

use std::path::Path;

use secrecy::ExposeSecret as _;

use crate::config::{ConfigError, Document, KeySources, Overrides, find_key};

use super::diagnostics::config_failure;
use super::exit::{Exit, Failure};

/// Shorter texts may be ordinary words.
const MIN_KEY_LENGTH: usize = 8;
/// A key of this length is found anywhere in a text: it does not occur by chance.
const MIN_UNIQUE_LENGTH: usize = 20;

/// Refuses a config or options that contain the key. The failure names the line, and not the key.
pub(super) fn refuse_own_key(
    document: Option<&Document>,
    overrides: &Overrides,
    key_file: Option<&Path>,
) -> Result<(), Failure> {
    let Some(key) = own_key(key_file) else {
        return Ok(());
    };
    if let Some(document) = document
        && let Some(line) = document
            .text()
            .lines()
            .position(|line| contains_key(line, &key))
    {
        let file = document.path().display();
        return Err(refusal(&format!("{file}:{}", line + 1)));
    }
    if contains_key(&format!("{overrides:?}"), &key) {
        return Err(refusal("an option or its variable"));
    }
    Ok(())
}

/// The failure of an invalid config, without its lines if they contain the key.
pub(super) fn config_failure_without_key(error: &ConfigError) -> Failure {
    // The error includes the text of the file.
    let shows = |key: &String| contains_key(&format!("{error:?}"), key);
    match own_key(None).filter(shows) {
        Some(_) => refusal("the config"),
        None => config_failure(error),
    }
}

/// Whether the text contains the key. A short key may be part of a longer word, such as a file name, and counts only as
/// a whole value or as the name of a config key.
fn contains_key(text: &str, key: &str) -> bool {
    let is_name = |line: &str| {
        let rest = line.trim_start().strip_prefix(key);
        rest.is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    let is_value = || [format!("\"{key}\""), format!("'{key}'")].map(|value| text.contains(&value));
    (key.len() >= MIN_UNIQUE_LENGTH && text.contains(key))
        || is_value().contains(&true)
        || text.lines().any(is_name)
}

/// The key, if it can be read; an invalid one is reported where it is needed.
fn own_key(key_file: Option<&Path>) -> Option<String> {
    let environment = |name: &str| std::env::var_os(name);
    let sources = KeySources {
        environment: &environment,
        key_file,
    };
    let key = find_key(&sources).ok()?.key.expose_secret().to_owned();
    (key.len() >= MIN_KEY_LENGTH).then_some(key)
}

fn refusal(place: &str) -> Failure {
    let failure = Failure::new(
        Exit::Usage,
        "config",
        format!("{place} contains the API key"),
    );
    failure.hint(
        "remove it: put the key into HELPCRUNCH_API_KEY, or into a file of its own that api.key_file names. api.account is \
         a name of your choice",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_key_within_a_longer_word_is_none() {
        assert!(contains_key("account = \"test-key\"", "test-key"));
        assert!(contains_key("test-key = 1", "test-key"));
        assert!(!contains_key(
            "key_file = \"/run/test-key.txt\"",
            "test-key"
        ));
        assert!(!contains_key("contest-key", "test-key"));
        assert!(!contains_key(
            "account = \"the test-key account\"",
            "test-key"
        ));
        let long = "AbCdEfGhIjKlMnOpQrStUv";
        assert!(contains_key(&format!("x{long}y"), long));
    }
}
