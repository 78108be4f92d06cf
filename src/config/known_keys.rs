//! Every key that a config may hold, and the nearest known key to an unknown one.

use super::state::STATE_KEYS;
use crate::domain::Field;
use crate::domain::text::{fold, nearest};

use super::secret_name::is_secret_name;

/// A section of a config and its keys.
#[derive(Debug, Clone, Copy)]
pub struct ConfigSection {
    pub name: &'static str,
    pub keys: SectionKeys,
}

#[derive(Debug, Clone, Copy)]
pub enum SectionKeys {
    Named(&'static [&'static str]),
    /// Names of customer fields, each with a column or a rule.
    Fields,
    /// Names that the account defines, each with a column or a rule.
    Properties,
}

/// The keys of a rule in `[fields]` and `[custom_data]`.
pub(super) const RULE_KEYS: &[&str] = &[
    "column",
    "template",
    "type",
    "format",
    "timezone",
    "decimal",
    "thousands",
    "true_values",
    "false_values",
    "region",
    "case",
    "map",
    "default",
    "overwrite",
    "on_invalid",
];

/// All sections, in the order in which the example config has them.
pub const KNOWN_KEYS: &[ConfigSection] = &[
    named(
        "api",
        &[
            "base_url",
            "account",
            "shares_account",
            "key_file",
            "customer_url",
            "timeout",
        ],
    ),
    named(
        "limits",
        &[
            "requests_per_minute",
            "reserve",
            "concurrency",
            "max_attempts",
            "max_retry_wait",
            "settle",
            "max_outage",
        ],
    ),
    named(
        "input",
        &[
            "format",
            "delimiter",
            "quote",
            "encoding",
            "null_values",
            "repair",
            "header",
            "columns",
            "sheet",
            "trim",
            "skip_lines",
            "timezone",
            "files",
            "command",
        ],
    ),
    named("match", &["keys", "on_ambiguous", "on_conflict"]),
    ConfigSection {
        name: "fields",
        keys: SectionKeys::Fields,
    },
    ConfigSection {
        name: "custom_data",
        keys: SectionKeys::Properties,
    },
    named(
        "tags",
        &[
            "column",
            "separator",
            "always",
            "remove_column",
            "mode",
            "managed",
            "colors",
        ],
    ),
    named("rows", &["empty_cells", "duplicates", "where"]),
    named("sync", &["mode", "missing", "missing_tag", "scope"]),
    named(
        "remote",
        &["strategy", "snapshot_max_age", "recheck_after", "batch"],
    ),
    named(
        "safety",
        &[
            "max_change_percent",
            "max_clear_percent",
            "min_match_percent",
            "max_creates",
            "max_rejected_percent",
            "max_missing_percent",
            "max_failures",
            "max_consecutive_errors",
            "tolerated_rows",
        ],
    ),
    named("state", STATE_KEYS),
    named(
        "notify",
        &[
            "when",
            "webhook_file",
            "webhook_format",
            "command",
            "ping_file",
        ],
    ),
    named("metrics", &["textfile"]),
    named("output", &["folder"]),
];

const fn named(name: &'static str, keys: &'static [&'static str]) -> ConfigSection {
    ConfigSection {
        name,
        keys: SectionKeys::Named(keys),
    }
}

/// `id` is not writable, but may be mapped as a match key.
fn field_names() -> Vec<&'static str> {
    Field::ALL
        .into_iter()
        .map(Field::name)
        .chain(["id"])
        .collect()
}

/// Whether a path of keys is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeyVerdict {
    Known,
    Unknown {
        advice: String,
    },
    /// Unknown, and its name says that its value is secret.
    Secret,
}

/// Judges the last key of a path from the root; the keys before it are known.
pub(super) fn judge(path: &[&str]) -> KeyVerdict {
    match path {
        [section] => judge_section(section),
        [section, key] => judge_key(section, key),
        ["fields" | "custom_data", _, key] if !RULE_KEYS.contains(key) => KeyVerdict::Unknown {
            advice: advice(key, RULE_KEYS.to_vec(), None),
        },
        // Deeper tables hold the user's own names, or have the wrong type, which deserializing will report.
        _ => KeyVerdict::Known,
    }
}

fn judge_section(name: &str) -> KeyVerdict {
    let sections: Vec<_> = KNOWN_KEYS.iter().map(|section| section.name).collect();
    if sections.contains(&name) {
        return KeyVerdict::Known;
    }
    if is_secret_name(name) {
        return KeyVerdict::Secret;
    }
    KeyVerdict::Unknown {
        advice: advice(name, sections, elsewhere(name)),
    }
}

fn judge_key(section: &str, key: &str) -> KeyVerdict {
    let keys = KNOWN_KEYS.iter().find(|known| known.name == section);
    let known = match keys.map(|section| section.keys) {
        Some(SectionKeys::Named(keys)) => keys.to_vec(),
        Some(SectionKeys::Fields) => field_names(),
        // The unknown section is reported already, but an API key in it must be found.
        None if is_secret_name(key) => return KeyVerdict::Secret,
        Some(SectionKeys::Properties) | None => return KeyVerdict::Known,
    };
    if known.contains(&key) {
        return KeyVerdict::Known;
    }
    let mistyped = known.iter().any(|known| distance(key, known) <= 1);
    if section != "fields" && !mistyped && is_secret_name(key) {
        return KeyVerdict::Secret;
    }
    KeyVerdict::Unknown {
        advice: advice(key, known, elsewhere(key)),
    }
}

/// Suggests the nearest of `known`, else a key of another section, else lists all of `known`.
fn advice(key: &str, known: Vec<&str>, elsewhere: Option<String>) -> String {
    // A short key with one typo is far from itself in proportion.
    let typo = || {
        known
            .iter()
            .copied()
            .find(|known| distance(key, known) <= 1)
    };
    let near = nearest(key, known.iter().copied()).or_else(typo);
    match near.map(str::to_owned).or(elsewhere) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// A key of any section that differs by at most one typo.
fn elsewhere(key: &str) -> Option<String> {
    let pairs = KNOWN_KEYS.iter().flat_map(|section| match section.keys {
        SectionKeys::Named(keys) => keys.iter().map(|key| (section.name, *key)).collect(),
        SectionKeys::Fields | SectionKeys::Properties => Vec::new(),
    });
    let near = pairs.filter(|(_, known)| distance(key, known) <= 1);
    near.min_by_key(|(_, known)| distance(key, known))
        .map(|(section, known)| format!("{section}.{known}"))
}

/// The number of typos between two names, ignoring case and punctuation.
fn distance(a: &str, b: &str) -> usize {
    strsim::damerau_levenshtein(&fold(a), &fold(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice_for(path: &[&str]) -> String {
        match judge(path) {
            KeyVerdict::Unknown { advice } => advice,
            other => panic!("{path:?}: {other:?}"),
        }
    }

    #[test]
    fn every_known_key_is_known() {
        for section in KNOWN_KEYS {
            assert_eq!(judge(&[section.name]), KeyVerdict::Known);
            if let SectionKeys::Named(keys) = section.keys {
                for key in keys {
                    assert_eq!(judge(&[section.name, key]), KeyVerdict::Known);
                }
            }
        }
        assert_eq!(judge(&["fields", "userId"]), KeyVerdict::Known);
        assert_eq!(judge(&["fields", "id"]), KeyVerdict::Known);
        assert_eq!(judge(&["custom_data", "api token"]), KeyVerdict::Known);
        assert_eq!(
            judge(&["custom_data", "plan", "overwrite"]),
            KeyVerdict::Known
        );
        assert_eq!(
            judge(&["fields", "locale", "map", "English"]),
            KeyVerdict::Known
        );
        assert_eq!(judge(&["tags", "colors", "vip"]), KeyVerdict::Known);
    }

    #[test]
    fn every_key_with_a_letter_missing_doubled_or_swapped_is_answered_with_itself() {
        for section in KNOWN_KEYS {
            let SectionKeys::Named(keys) = section.keys else {
                continue;
            };
            for key in keys {
                let (head, tail) = key.split_at(key.len() / 2);
                for typo in [
                    format!("{head}{}", &tail[1..]),
                    format!("{head}{}{tail}", &tail[..1]),
                    key.to_uppercase(),
                ] {
                    let expected = format!("did you mean `{key}`?");
                    assert_eq!(advice_for(&[section.name, &typo]), expected);
                }
            }
        }
    }

    #[test]
    fn the_nearest_key_is_named_wherever_it_is() {
        assert_eq!(advice_for(&["limit"]), "did you mean `limits`?");
        assert_eq!(advice_for(&["customData"]), "did you mean `custom_data`?");
        assert_eq!(
            advice_for(&["limits", "concurency"]),
            "did you mean `concurrency`?"
        );
        assert_eq!(
            advice_for(&["limits", "maxAttempts"]),
            "did you mean `max_attempts`?"
        );
        assert_eq!(
            advice_for(&["api", "concurrency"]),
            "did you mean `limits.concurrency`?"
        );
        assert_eq!(
            advice_for(&["concurrency"]),
            "did you mean `limits.concurrency`?"
        );
        assert_eq!(advice_for(&["fields", "E-mail"]), "did you mean `email`?");
        assert_eq!(
            advice_for(&["fields", "name", "colum"]),
            "did you mean `column`?"
        );
        assert_eq!(
            advice_for(&["state", "colour"]),
            "known here: keep, keep_bytes, url, password_file, lease"
        );
    }

    #[test]
    fn names_of_secrets_are_told_from_names_of_files() {
        for secret in [
            &["api", "key"][..],
            &["api", "api_key"],
            &["api", "token"],
            &["apiKey"],
            &["api", "HELPCRUNCH_API_KEY"],
            &["headers", "Authorization"],
            &["limits", "secret"],
        ] {
            assert_eq!(judge(secret), KeyVerdict::Secret, "{secret:?}");
        }
        assert_eq!(advice_for(&["api", "keyfile"]), "did you mean `key_file`?");
        assert_eq!(advice_for(&["match", "key"]), "did you mean `keys`?");
        assert_eq!(advice_for(&["api", "keys"]), "did you mean `match.keys`?");
        assert_eq!(
            advice_for(&["match", "key_path"]),
            "known here: keys, on_ambiguous, on_conflict"
        );
    }
}
