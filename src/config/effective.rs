//! The values that hold, and where each comes from.

use toml::{Table, Value};

use super::known_keys::{KNOWN_KEYS, SectionKeys};
use super::loaded::LoadedConfig;
use super::overrides::{Override, Overrides};
use crate::postgres::DatabaseSettings;

/// The JSON Schema of the config, which has the default of each key.
pub const SCHEMA: &str = include_str!("../../docs/formats/config.schema.json");
/// Every key with a comment.
pub const EXAMPLE: &str = include_str!("../../config.example.toml");

/// A key of a config.
#[derive(Debug, Clone, PartialEq)]
pub struct EffectiveValue {
    pub section: &'static str,
    /// `None`: the section is absent and filled from the input's columns.
    pub key: Option<String>,
    /// `None`: it has no value.
    pub value: Option<Value>,
    pub origin: ValueOrigin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueOrigin {
    Default,
    /// The line of the config file.
    File(usize),
    /// An option or its variable.
    Option(String),
}

/// Returns every key, in the order of the example, with the value that holds.
#[must_use]
pub fn effective_values(loaded: &LoadedConfig, overrides: &Overrides) -> Vec<EffectiveValue> {
    let document = loaded.document.as_ref();
    let written: Table = document
        .and_then(|document| document.text().parse().ok())
        .unwrap_or_default();
    let defaults = defaults();
    let mut values = Vec::new();
    for section in KNOWN_KEYS {
        let written = written.get(section.name).and_then(Value::as_table);
        let keys: Vec<String> = match (section.keys, written) {
            (SectionKeys::Named(_), None) if section.name == "tags" => Vec::new(),
            (SectionKeys::Named(keys), _) => keys.iter().map(|key| (*key).to_owned()).collect(),
            (_, written) => written
                .into_iter()
                .flat_map(|t| t.keys().cloned())
                .collect(),
        };
        let is_filled = matches!(section.name, "fields" | "custom_data" | "tags");
        if written.is_none() && is_filled {
            values.push(EffectiveValue {
                section: section.name,
                key: None,
                value: None,
                origin: ValueOrigin::Default,
            });
        }
        for key in keys {
            let path = format!("{}.{key}", section.name);
            let line = || document?.place_of(&path).map(|place| place.line);
            let in_file = written.and_then(|table| table.get(&key));
            let (value, origin) = match (overrides.of_key(&path), in_file) {
                (Some(set), _) => (Some(shown(set)), ValueOrigin::Option(set.option.clone())),
                (None, Some(value)) => {
                    (Some(value.clone()), ValueOrigin::File(line().unwrap_or(1)))
                }
                (None, None) => (defaults.get(&path).cloned(), ValueOrigin::Default),
            };
            values.push(EffectiveValue {
                section: section.name,
                key: Some(key),
                value,
                origin,
            });
        }
    }
    values
}

/// The value of an option. Only that of the database's address may hold a password.
fn shown(set: &Override) -> Value {
    match (set.key, set.value.as_str()) {
        ("state.url", Some(url)) => {
            let database = DatabaseSettings {
                url: url.to_owned(),
                password_file: None,
            };
            Value::from(database.shown())
        }
        _ => set.value.clone(),
    }
}

/// The default of each key that has one, by its path.
fn defaults() -> Table {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap_or_default();
    let mut defaults = Table::new();
    let sections = schema
        .get("properties")
        .and_then(serde_json::Value::as_object);
    for (section, described) in sections.into_iter().flatten() {
        let keys = described
            .get("properties")
            .and_then(serde_json::Value::as_object);
        for (key, described) in keys.into_iter().flatten() {
            let default = described.get("default").map(Value::try_from);
            if let Some(Ok(default)) = default {
                defaults.insert(format!("{section}.{key}"), default);
            }
        }
    }
    defaults
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::super::merge::{load, parse_text};
    use super::*;
    use crate::config::Settings;

    /// A config with every default of the schema, apart from sections whose presence means something.
    fn all_defaults() -> String {
        let mut sections = Table::new();
        for (path, value) in defaults() {
            let (section, key) = path.split_once('.').unwrap();
            if section != "tags" {
                let table = sections
                    .entry(section)
                    .or_insert(Value::Table(Table::new()));
                table.as_table_mut().unwrap().insert(key.to_owned(), value);
            }
        }
        sections.to_string()
    }

    #[test]
    fn the_defaults_of_the_schema_are_those_of_the_program() {
        let mut settings = parse_text(Path::new("x.toml"), &all_defaults()).unwrap();
        assert_eq!(settings.mapping.timezone.take().as_deref(), Some("UTC"));
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn the_schema_has_every_key_and_no_other() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        let names = |value: &serde_json::Value| -> BTreeSet<String> {
            value.as_object().unwrap().keys().cloned().collect()
        };
        let sections = &schema["properties"];
        let known = KNOWN_KEYS.iter().map(|section| section.name.to_owned());
        assert_eq!(names(sections), known.collect());
        for section in KNOWN_KEYS {
            let keys = &sections[section.name]["properties"];
            match section.keys {
                SectionKeys::Named(known) => {
                    let known = known.iter().map(|key| (*key).to_owned());
                    assert_eq!(names(keys), known.collect(), "{}", section.name);
                }
                SectionKeys::Fields => {
                    let fields = crate::domain::Field::ALL.map(crate::domain::Field::name);
                    let known = fields.into_iter().chain(["id"]).map(str::to_owned);
                    assert_eq!(names(keys), known.collect());
                }
                SectionKeys::Properties => {}
            }
        }
        let rule = &schema["$defs"]["rule"]["oneOf"][1]["properties"];
        let known = super::super::known_keys::RULE_KEYS.iter();
        assert_eq!(names(rule), known.map(|key| (*key).to_owned()).collect());
    }

    #[test]
    fn each_value_says_where_it_comes_from() {
        let folder = tempfile::tempdir().unwrap();
        let text = "[limits]\nreserve = 5\nconcurrency = 2\n[fields]\nemail = { column = \"E\" }\n";
        std::fs::write(folder.path().join("hcsync.toml"), text).unwrap();
        let mut overrides = Overrides::default();
        overrides.set("limits.concurrency", Some(9));
        let loaded = load(folder.path(), &overrides).unwrap();
        let values = effective_values(&loaded, &overrides);
        let of = |section: &str, key: Option<&str>| {
            let mut found = values.iter();
            let found = found.find(|v| v.section == section && v.key.as_deref() == key);
            let found = found.unwrap_or_else(|| panic!("{section} {key:?}"));
            (
                found.value.as_ref().map(ToString::to_string),
                found.origin.clone(),
            )
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            of("limits", Some("reserve")),
            (some("5"), ValueOrigin::File(2))
        );
        assert_eq!(
            of("limits", Some("concurrency")),
            (some("9"), ValueOrigin::Option("--concurrency".to_owned()))
        );
        assert_eq!(
            of("limits", Some("settle")),
            (some("\"30s\""), ValueOrigin::Default)
        );
        assert_eq!(
            of("fields", Some("email")),
            (some("{ column = \"E\" }"), ValueOrigin::File(5))
        );
        assert_eq!(of("tags", None), (None, ValueOrigin::Default));
        assert_eq!(of("api", Some("account")), (None, ValueOrigin::Default));
    }
}
