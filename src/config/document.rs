use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Place, Problem};
use super::known_keys::{self, Verdict};
use super::text;

/// A config file that is TOML and holds no key that is unknown. Knows where each of its keys stands.
#[derive(Debug, Clone)]
pub struct Document {
    name: String,
    path: PathBuf,
    text: Arc<str>,
    entries: Vec<Entry>,
}

/// A key of the file, in the order of the file.
#[derive(Debug, Clone)]
struct Entry {
    /// From the root.
    path: Vec<String>,
    key: Range<usize>,
    value: Range<usize>,
    /// The value itself, if it is a text.
    string: Option<String>,
}

impl Document {
    /// Reads a file's bytes. Messages name it as `path` does.
    ///
    /// # Errors
    /// It is not text or not TOML, or holds an unknown key or one that looks like a secret.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let text = text::decode(bytes).map_err(|bad| {
            let end = bad.before.len();
            in_file(&name, &bad.before, end..end, Problem::NotText)
        })?;
        let entries = entries_of(&text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            in_file(
                &name,
                &text,
                span,
                Problem::Syntax(error.message().to_owned()),
            )
        })?;
        let document = Self {
            name,
            path: path.to_owned(),
            text: text.into(),
            entries,
        };
        document.check_keys()?;
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

    /// Texts in the file that stand at a path which `pattern` fits, where `*` is any one key: path and value.
    pub(super) fn find<'a>(
        &'a self,
        pattern: &'a str,
    ) -> impl Iterator<Item = (String, Option<&'a str>)> + 'a {
        let fits = move |entry: &&Entry| {
            let mut keys = entry.path.iter();
            let mut parts = pattern.split('.');
            parts
                .by_ref()
                .all(|part| keys.next().is_some_and(|key| part == "*" || part == key))
                && keys.next().is_none()
        };
        let found = self.entries.iter().filter(fits);
        found.map(|entry| (entry.path.join("."), entry.string.as_deref()))
    }

    /// Where the value at this path of keys stands, such as `fields.email.column`.
    #[must_use]
    pub fn place_of(&self, path: &str) -> Option<Place> {
        let mut entries = self.entries.iter();
        let entry = entries.find(|entry| entry.path.join(".") == path)?;
        Some(Place::new(&self.name, &self.text, entry.value.clone()))
    }

    /// An error about the value at this path of keys; about the file as a whole, if the path is not in it.
    pub(super) fn error_at(&self, path: &str, problem: Problem) -> ConfigError {
        let entry = self
            .entries
            .iter()
            .find(|entry| entry.path.join(".") == path);
        let span = entry.map_or(0..0, |entry| entry.value.clone());
        in_file(&self.name, &self.text, span, problem)
    }

    /// An error about the value at these bytes, and the key that it belongs to.
    pub(super) fn value_error(&self, span: Range<usize>, message: String) -> ConfigError {
        let around = |entry: &&Entry| {
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
            Problem::Value { key, message },
        )
    }

    /// Secrets first: an error about another key would leave it standing, and unnoticed.
    fn check_keys(&self) -> Result<(), ConfigError> {
        let judged: Vec<_> = self
            .entries
            .iter()
            .map(|entry| (entry, entry.verdict()))
            .collect();
        for (entry, verdict) in &judged {
            if *verdict == Verdict::Secret {
                let key = entry.path.join(".");
                return Err(self.key_error(entry, Problem::InlineKey { key }));
            }
        }
        for (entry, verdict) in judged {
            if let Verdict::Unknown { advice } = verdict {
                let key = entry.path.join(".");
                return Err(self.key_error(entry, Problem::UnknownKey { key, advice }));
            }
        }
        Ok(())
    }

    fn key_error(&self, entry: &Entry, problem: Problem) -> ConfigError {
        in_file(&self.name, &self.text, entry.key.clone(), problem)
    }
}

impl Entry {
    fn verdict(&self) -> Verdict {
        let path: Vec<_> = self.path.iter().map(String::as_str).collect();
        known_keys::judge(&path)
    }
}

fn in_file(name: &str, text: &str, span: Range<usize>, problem: Problem) -> ConfigError {
    ConfigError::InFile {
        place: Box::new(Place::new(name, text, span)),
        problem,
    }
}

fn entries_of(text: &str) -> Result<Vec<Entry>, toml::de::Error> {
    let root = DeTable::parse(text)?;
    let mut entries = Vec::new();
    collect(root.get_ref(), &[], &mut entries);
    Ok(entries)
}

/// Recursion ends: the parser refuses tables that are nested without measure.
fn collect(table: &DeTable<'_>, parents: &[String], entries: &mut Vec<Entry>) {
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

fn entry(path: Vec<String>, key: Range<usize>, value: &Spanned<DeValue<'_>>) -> Entry {
    Entry {
        path,
        key,
        value: value.span(),
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
        parse(text).unwrap_err().to_string()
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
        let document = parse("[fields]\na.column = \"A\"\nname = { column = \"B\" }\n");
        assert!(document.is_err());
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
