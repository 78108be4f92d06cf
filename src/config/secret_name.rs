//! Names of keys whose values are secret.

use crate::domain::text::fold;

/// Words in names of secrets.
pub const SECRET_WORDS: [&str; 7] = [
    "key",
    "token",
    "secret",
    "password",
    "bearer",
    "authorization",
    "credential",
];

/// Whether a name sounds like that of a secret itself, and not of a file that holds it.
pub(super) fn is_secret_name(name: &str) -> bool {
    let name = fold(name);
    let is_file = name.contains("file") || name.contains("path") || name == "keys";
    !is_file && SECRET_WORDS.iter().any(|secret| name.contains(secret))
}
