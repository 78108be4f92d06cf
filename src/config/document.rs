use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, ConfigPlace, ConfigProblem};
use super::known_keys::{self, KeyVerdict};
use super::text;

/// A config file that is valid TOML, with the position of each key. The default is an empty one.
#[derive(Debug, Clone, Default)]
pub struct Document {
    name: String,
    path: PathBuf,
    text: Arc<str>,
    entries: Vec<KeyEntry>,
}

/// A key of the file.
#[derive(Debug, Clone)]
struct KeyEntry {
    /// Keys from the root.
    path: Vec<String>,
    key: Range<usize>,
    value: Range<usize>,
    is_table: bool,
    /// The value itself, if it is a text.
    string: Option<String>,
}

impl Document {
    /// Parses a file's bytes. Messages name it as `path` does.
    ///
    /// # Errors
    /// It is not text or not TOML, or holds a key that looks like a secret.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let text = text::decode(bytes).map_err(|bad| {
            let end = bad.before.len();
            in_file(&name, &bad.before, end..end, ConfigProblem::NotText)
        })?;
        let entries = entries_of(&text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            in_file(
                &name,
                &text,
                span,
                ConfigProblem::Syntax(error.message().to_owned()),
            )
        })?;
        let document = Self {
            name,
            path: path.to_owned(),
            text: text.into(),
            entries,
        };
        document.check_secrets()?;
        Ok(document)
    }

    /// As the user named it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Entries whose path matches `pattern`, in which `*` is any one key: path, and value if that is a text.
    pub(super) fn find<'a>(
        &'a self,
        pattern: &'a str,
    ) -> impl Iterator<Item = (String, Option<&'a str>)> + 'a {
        let matches = move |entry: &&KeyEntry| {
            let mut keys = entry.path.iter();
            let mut parts = pattern.split('.');
            parts
                .by_ref()
                .all(|part| keys.next().is_some_and(|key| part == "*" || part == key))
                && keys.next().is_none()
        };
        let matching = self.entries.iter().filter(matches);
        matching.map(|entry| (entry.path.join("."), entry.string.as_deref()))
    }

    /// The position of the value at this path of keys, such as `fields.email.column`.
    #[must_use]
    pub fn place_of(&self, path: &str) -> Option<ConfigPlace> {
        let entry = self.entry_at(path)?;
        Some(ConfigPlace::new(
            &self.name,
            &self.text,
            entry.value.clone(),
        ))
    }

    /// An error about the value at this path of keys, or about the whole file if the path is not in it.
    pub(super) fn error_at(&self, path: &str, problem: ConfigProblem) -> ConfigError {
        let span = self
            .entry_at(path)
            .map_or(0..0, |entry| entry.value.clone());
        in_file(&self.name, &self.text, span, problem)
    }

    fn entry_at(&self, path: &str) -> Option<&KeyEntry> {
        let mut entries = self.entries.iter();
        entries.find(|entry| entry.path.join(".") == path)
    }

    /// The bytes of the value at this path of keys.
    pub(super) fn span_of(&self, path: &[String]) -> Range<usize> {
        let entry = self.entries.iter().find(|entry| entry.path == path);
        entry.map_or(0..0, |entry| entry.value.clone())
    }

    /// An error about the value at these bytes and its key.
    pub(super) fn value_error(&self, span: Range<usize>, message: String) -> ConfigError {
        let around = |entry: &&KeyEntry| {
            let holds = |range: &Range<usize>| range.start <= span.start && span.end <= range.end;
            holds(&entry.value) || holds(&entry.key)
        };
        let deepest = self
            .entries
            .iter()
            .filter(around)
            .max_by_key(|entry| entry.path.len());
        let key = deepest.map_or_else(String::new, |entry| entry.path.join("."));
        in_file(
            &self.name,
            &self.text,
            span,
            ConfigProblem::Value { key, message },
        )
    }

    /// The errors of unknown keys.
    pub(super) fn unknown_keys(&self) -> Vec<ConfigError> {
        let entries = self.entries.iter();
        let errors = entries.filter_map(|entry| match entry.verdict() {
            KeyVerdict::Unknown { advice } => {
                let key = entry.path.join(".");
                Some(self.key_error(entry, ConfigProblem::UnknownKey { key, advice }))
            }
            KeyVerdict::Known | KeyVerdict::Secret => None,
        });
        // Keys below an unknown section are not judged.
        errors.collect()
    }

    /// The paths of the keys with a value of their own: `limits.settle`, `fields.email`, `fields.email.column`. A section that
    /// is not a table is one too.
    pub(super) fn value_paths(&self) -> impl Iterator<Item = &[String]> {
        let entries = self.entries.iter().filter(|entry| {
            let section = entry.path.first().map_or("", String::as_str);
            let is_known = entry.verdict() == KeyVerdict::Known
                && known_keys::judge(&[section]) == KeyVerdict::Known;
            let in_rule = matches!(section, "fields" | "custom_data");
            let is_value = match entry.path.len() {
                1 => !entry.is_table,
                2 => !(in_rule && entry.is_table),
                3 => in_rule,
                _ => false,
            };
            is_known && is_value
        });
        entries.map(|entry| entry.path.as_slice())
    }

    /// A secret is an error of its own: others would hide it.
    fn check_secrets(&self) -> Result<(), ConfigError> {
        let secret = |entry: &&KeyEntry| entry.verdict() == KeyVerdict::Secret;
        match self.entries.iter().find(secret) {
            Some(entry) => {
                let key = entry.path.join(".");
                Err(self.key_error(entry, ConfigProblem::InlineKey { key }))
            }
            None => Ok(()),
        }
    }

    fn key_error(&self, entry: &KeyEntry, problem: ConfigProblem) -> ConfigError {
        in_file(&self.name, &self.text, entry.key.clone(), problem)
    }
}

impl KeyEntry {
    fn verdict(&self) -> KeyVerdict {
        let path: Vec<_> = self.path.iter().map(String::as_str).collect();
        known_keys::judge(&path)
    }
}

fn in_file(name: &str, text: &str, span: Range<usize>, problem: ConfigProblem) -> ConfigError {
    ConfigError::InFile {
        place: Box::new(ConfigPlace::new(name, text, span)),
        problem,
    }
}

fn entries_of(text: &str) -> Result<Vec<KeyEntry>, toml::de::Error> {
    let root = DeTable::parse(text)?;
    let mut entries = Vec::new();
    collect(root.get_ref(), &[], &mut entries);
    Ok(entries)
}

/// The recursion is bounded: the parser refuses tables that are nested too deeply.
fn collect(table: &DeTable<'_>, parents: &[String], entries: &mut Vec<KeyEntry>) {
    for (key, value) in table {
        let path = [parents, &[key.get_ref().to_string()]].concat();
        entries.push(entry(path.clone(), key.span(), value));
        match value.get_ref() {
            DeValue::Table(table) => collect(table, &path, entries),
            DeValue::Array(items) => {
                for item in items.iter() {
                    if let DeValue::Table(table) = item.get_ref() {
                        collect(table, &path, entries);
                    }
                }
            }
            _ => {}
        }
    }
}

fn entry(path: Vec<String>, key: Range<usize>, value: &Spanned<DeValue<'_>>) -> KeyEntry {
    KeyEntry {
        path,
        key,
        value: value.span(),
        is_table: matches!(value.get_ref(), DeValue::Table(_)),
        string: value.get_ref().as_str().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Document, ConfigError> {
        Document::parse(Path::new("hcsync.toml"), text.as_bytes())
    }

    fn refusal(text: &str) -> String {
        match parse(text) {
            Ok(document) => document.unknown_keys().remove(0).to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn unknown_keys_are_located_and_answered_with_the_nearest() {
        assert_eq!(
            refusal("[api]\n\n[limits]\n  concurency = 4\n"),
            "hcsync.toml:4:3: unknown key `limits.concurency`; did you mean `concurrency`?"
        );
        assert_eq!(
            refusal("[limts]\nconcurrency = 4\n"),
            "hcsync.toml:1:2: unknown key `limts`; did you mean `limits`?"
        );
        assert_eq!(
            refusal("limits = { max_atempts = 1 }"),
            "hcsync.toml:1:12: unknown key `limits.max_atempts`; did you mean `max_attempts`?"
        );
        assert_eq!(
            refusal("[fields]\nphone = { column = \"P\", overwite = \"always\" }"),
            "hcsync.toml:2:25: unknown key `fields.phone.overwite`; did you mean `overwrite`?"
        );
        assert_eq!(
            refusal("[[limits]]\nconcurency = 4\n"),
            "hcsync.toml:2:1: unknown key `limits.concurency`; did you mean `concurrency`?"
        );
    }

    #[test]
    fn an_inline_key_is_refused_and_shown_nowhere() {
        let key = "NmQyZTY4ZDk0MTRhNGY5OTg5ZDEyM2I0NTY3ODkwMTI";
        for text in [
            format!("[limts]\na = 1\n[api]\nkey = \"{key}\"\n"),
            format!("api.api_key = \"{key}\"\n"),
            format!("[api]\ntoken = \"{key}\"\n"),
            format!("[headers]\nAuthorization = \"Bearer {key}\"\n"),
        ] {
            let error = parse(&text).unwrap_err();
            let message = error.to_string();
            assert!(
                message.contains("HELPCRUNCH_API_KEY") && message.contains("api.key_file"),
                "{message}"
            );
            assert!(!format!("{message} {error:?}").contains(key), "{error:?}");
        }
        let syntax = parse(&format!("[api]\nkey = \"{key}\"\nbase_url = \n")).unwrap_err();
        assert!(!format!("{syntax:?}").contains(key), "{syntax:?}");
    }

    #[test]
    fn what_is_not_toml_is_located() {
        let message = refusal("[api]\ntimeout = 30s\n");
        assert!(message.starts_with("hcsync.toml:2:"), "{message}");
        assert!(message.contains("this is not TOML: "), "{message}");
        let twice = refusal("[api]\ntimeout = \"1s\"\ntimeout = \"2s\"\n");
        assert!(twice.starts_with("hcsync.toml:3:1: "), "{twice}");
    }

    #[test]
    fn what_is_not_text_is_located() {
        let bytes = b"[api]\naccount = \"\xE9\"\n";
        let error = Document::parse(Path::new("x.toml"), bytes).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("x.toml:2:12: this is not UTF-8"),
            "{error}"
        );
    }

    #[test]
    fn patterns_find_texts() {
        let document =
            parse("[fields]\nemail.column = \"A\"\nname = { column = \"B\" }\n").unwrap();
        let found: Vec<_> = document.find("fields.*.column").collect();
        assert_eq!(
            found,
            [
                ("fields.email.column".to_owned(), Some("A")),
                ("fields.name.column".to_owned(), Some("B"))
            ]
        );
        assert_eq!(document.find("fields").count(), 1);
        assert_eq!(document.find("fields.*.column.x").count(), 0);
    }
}
