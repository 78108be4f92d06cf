//! Rewrites serde's messages about Rust types for a user who writes a config.

use super::error::mask_secrets;

/// Rewrites a message of serde or toml into the end of a sentence whose subject is the key: what the value must be, and is.
pub(super) fn of_value(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let sentence = wrong_value(first)
        .or_else(|| wrong_word(first))
        .or_else(|| other_kind(first))
        .or_else(|| our_own(first))
        .unwrap_or_else(|| format!("is wrong: {first}"));
    mask_secrets(&sentence)
}

/// `invalid type: integer `30`, expected a string`
fn wrong_value(message: &str) -> Option<String> {
    let rest = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))?;
    let (found, expected) = rest.rsplit_once(", expected ")?;
    Some(format!("must be {}, not {}", kind(expected), shown(found)))
}

/// `unknown variant `x`, expected one of `a`, `b``
fn wrong_word(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown variant ")?;
    let (found, expected) = rest.split_once(", expected ")?;
    let expected = expected.strip_prefix("one of ").unwrap_or(expected);
    let several = expected.contains("` ") || expected.contains("`, ");
    let choice = if several { "one of " } else { "" };
    Some(format!("must be {choice}{expected}, not {found}"))
}

/// `wanted string or table`: toml's message if a word was expected.
fn other_kind(message: &str) -> Option<String> {
    (message == "wanted string or table").then(|| "must be a text".to_owned())
}

/// Messages of this module's own types are complete already.
fn our_own(message: &str) -> Option<String> {
    message.starts_with("must be ").then(|| message.to_owned())
}

fn kind(expected: &str) -> String {
    let plain = match expected {
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" => "a whole number, 0 or more",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a character" => "one character",
        "a string" | "path string" => "a text",
        "a sequence" => "a list",
        "a map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other => other,
    };
    plain.to_owned()
}

fn shown(found: &str) -> String {
    match found.split_once(' ') {
        Some(("integer" | "boolean", value)) => value.to_owned(),
        Some(("floating", value)) => value.trim_start_matches("point ").to_owned(),
        Some(("string", value)) => value.to_owned(),
        _ if found == "sequence" => "a list".to_owned(),
        _ if found == "map" => "a table".to_owned(),
        _ => found.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_described_in_plain_words() {
        for (serde, ours) in [
            (
                "invalid type: string \"4\", expected u16",
                "must be a whole number from 0 to 65535, not \"4\"",
            ),
            (
                "invalid value: integer `-1`, expected u64",
                "must be a whole number, 0 or more, not `-1`",
            ),
            (
                "invalid type: integer `30`, expected a string",
                "must be a text, not `30`",
            ),
            (
                "invalid type: sequence, expected struct ApiConfig",
                "must be a table, not a list",
            ),
            (
                "invalid type: map, expected a sequence",
                "must be a list, not a table",
            ),
            (
                "invalid type: floating point `1.5`, expected u64",
                "must be a whole number, 0 or more, not `1.5`",
            ),
            (
                "unknown variant `x`, expected one of `a`, `b`, `c`",
                "must be one of `a`, `b`, `c`, not `x`",
            ),
            (
                "unknown variant `x`, expected `a` or `b`",
                "must be one of `a` or `b`, not `x`",
            ),
            ("wanted string or table", "must be a text"),
            ("something else\nin `x`", "is wrong: something else"),
        ] {
            assert_eq!(of_value(serde), ours);
        }
    }

    #[test]
    fn a_key_in_the_wrong_place_is_not_repeated() {
        let message =
            "invalid value: string \"NmQyZTY4ZDk0MTRhNGY5OTg5\", expected a length of time";
        assert_eq!(
            of_value(message),
            "must be a length of time, not \"************************\""
        );
    }
}
