//! Every key that a config may hold, and the nearest to one that it may not.

use crate::domain::Field;

/// A section of a config and the keys that it takes.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    pub name: &'static str,
    pub keys: Keys,
}

#[derive(Debug, Clone, Copy)]
pub enum Keys {
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
pub const KNOWN_KEYS: &[Section] = &[
    named("api", &["base_url", "account", "key_file", "timeout"]),
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
        ],
    ),
    named("match", &["keys", "on_ambiguous", "on_conflict"]),
    Section {
        name: "fields",
        keys: Keys::Fields,
    },
    Section {
        name: "custom_data",
        keys: Keys::Properties,
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
    named("rows", &["empty_cells", "duplicates"]),
    named("sync", &["mode"]),
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
            "max_failures",
            "max_consecutive_errors",
            "tolerated_rows",
        ],
    ),
    named("state", &["keep"]),
];

const fn named(name: &'static str, keys: &'static [&'static str]) -> Section {
    Section {
        name,
        keys: Keys::Named(keys),
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

/// What a path of keys is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Known,
    Unknown {
        advice: String,
    },
    /// Unknown, and its name says that its value is secret.
    Secret,
}

/// Judges the last key of a path from the root, all before it being known.
pub(super) fn judge(path: &[&str]) -> Verdict {
    match path {
        [section] => judge_section(section),
        [section, key] => judge_key(section, key),
        ["fields" | "custom_data", _, key] if !RULE_KEYS.contains(key) => Verdict::Unknown {
            advice: advice(key, RULE_KEYS.to_vec(), None),
        },
        // Deeper tables are lists of the user's own names, or of the wrong type, which reading them will say.
        _ => Verdict::Known,
    }
}

fn judge_section(name: &str) -> Verdict {
    let sections: Vec<_> = KNOWN_KEYS.iter().map(|section| section.name).collect();
    if sections.contains(&name) {
        return Verdict::Known;
    }
    if is_secret_name(name) {
        return Verdict::Secret;
    }
    Verdict::Unknown {
        advice: advice(name, sections, elsewhere(name)),
    }
}

fn judge_key(section: &str, key: &str) -> Verdict {
    let keys = KNOWN_KEYS.iter().find(|known| known.name == section);
    let known = match keys.map(|section| section.keys) {
        Some(Keys::Named(keys)) => keys.to_vec(),
        Some(Keys::Fields) => field_names(),
        // A section that is not known was reported; what is left to find in it is a key.
        None if is_secret_name(key) => return Verdict::Secret,
        Some(Keys::Properties) | None => return Verdict::Known,
    };
    if known.contains(&key) {
        return Verdict::Known;
    }
    let mistyped = known.iter().any(|known| distance(key, known) <= 1);
    if section != "fields" && !mistyped && is_secret_name(key) {
        return Verdict::Secret;
    }
    Verdict::Unknown {
        advice: advice(key, known, elsewhere(key)),
    }
}

/// The nearest of `known`; else one of another section; else all that are known.
fn advice(key: &str, known: Vec<&str>, elsewhere: Option<String>) -> String {
    let near = nearest(key, known.iter().copied()).map(str::to_owned);
    match near.or(elsewhere) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// A key of any section that is all but the same.
fn elsewhere(key: &str) -> Option<String> {
    let pairs = KNOWN_KEYS.iter().flat_map(|section| match section.keys {
        Keys::Named(keys) => keys.iter().map(|key| (section.name, *key)).collect(),
        Keys::Fields | Keys::Properties => Vec::new(),
    });
    let near = pairs.filter(|(_, known)| distance(key, known) <= 1);
    near.min_by_key(|(_, known)| distance(key, known))
        .map(|(section, known)| format!("{section}.{known}"))
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.map(|known| (distance(name, known), known));
    near.filter(|(distance, known)| *distance <= (known.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Mistypings apart, whatever the case and however the words are joined.
fn distance(a: &str, b: &str) -> usize {
    strsim::damerau_levenshtein(&letters(a), &letters(b))
}

fn letters(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// Parts of the names that people give to secrets.
pub const SECRET_WORDS: [&str; 7] = [
    "key",
    "token",
    "secret",
    "password",
    "bearer",
    "authorization",
    "credential",
];

/// Whether a name is one that people give to a secret itself, not to a file that holds it.
fn is_secret_name(name: &str) -> bool {
    let name = letters(name);
    let place = name.contains("file") || name.contains("path") || name == "keys";
    !place && SECRET_WORDS.iter().any(|secret| name.contains(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice_for(path: &[&str]) -> String {
        match judge(path) {
            Verdict::Unknown { advice } => advice,
            other => panic!("{path:?}: {other:?}"),
        }
    }

    #[test]
    fn every_known_key_is_known() {
        for section in KNOWN_KEYS {
            assert_eq!(judge(&[section.name]), Verdict::Known);
            if let Keys::Named(keys) = section.keys {
                for key in keys {
                    assert_eq!(judge(&[section.name, key]), Verdict::Known);
                }
            }
        }
        assert_eq!(judge(&["fields", "userId"]), Verdict::Known);
        assert_eq!(judge(&["fields", "id"]), Verdict::Known);
        assert_eq!(judge(&["custom_data", "api token"]), Verdict::Known);
        assert_eq!(judge(&["custom_data", "plan", "overwrite"]), Verdict::Known);
        assert_eq!(
            judge(&["fields", "locale", "map", "English"]),
            Verdict::Known
        );
        assert_eq!(judge(&["tags", "colors", "vip"]), Verdict::Known);
    }

    #[test]
    fn every_key_with_a_letter_missing_doubled_or_swapped_is_answered_with_itself() {
        for section in KNOWN_KEYS {
            let Keys::Named(keys) = section.keys else {
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
        assert_eq!(advice_for(&["state", "colour"]), "known here: keep");
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
            assert_eq!(judge(secret), Verdict::Secret, "{secret:?}");
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
