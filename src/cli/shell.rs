//! Shell commands that messages suggest.

use std::path::{MAIN_SEPARATOR, Path};

use crate::objects::has_scheme;

/// Quotes a word for a shell, if it needs that.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=".contains(c) || c == MAIN_SEPARATOR;
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// An option with an absolute path, so that it works in any folder.
pub(super) fn path_option(option: &str, path: &Path) -> String {
    let absolute = match has_scheme(path) {
        true => path.to_owned(),
        false => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    };
    format!("{option} {}", quoted(&absolute.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_take_apart_is_quoted() {
        assert_eq!(quoted("a/b-c.csv"), "a/b-c.csv");
        assert_eq!(quoted("my file"), "'my file'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
        let is_plain = MAIN_SEPARATOR == '\\';
        assert_eq!(quoted("a\\b") == "a\\b", is_plain);
    }

    #[test]
    fn a_path_is_whole() {
        let here = std::env::current_dir().unwrap();
        let option = path_option("--config", Path::new("a.toml"));
        assert!(option.starts_with("--config "));
        assert!(option.contains(&here.join("a.toml").display().to_string()));
    }
}
