//! Reads a config file, and lays the options over it.

use serde::Deserialize as _;
use toml::{Table, Value};

use super::check::check_values;
use super::document::Document;
use super::error::ConfigError;
use super::file::FileConfig;
use super::layers::Layers;
use super::wording;

impl FileConfig {
    /// Reads a document.
    ///
    /// # Errors
    /// All unknown keys, wrong types, and values out of range.
    pub(super) fn from_document(document: &Document) -> Result<Self, ConfigError> {
        let (table, mut errors) = Self::read(document);
        let config = Self::deserialize(table).unwrap_or_default();
        errors.extend(check_values(&config, Layers::of(document)));
        ConfigError::of(errors).map_or(Ok(config), Err)
    }

    /// Reads a document, and lays the options over it.
    ///
    /// # Errors
    /// All that is wrong with the document, else with the options.
    pub(super) fn from_layers(layers: Layers<'_>) -> Result<Self, ConfigError> {
        Self::from_document(layers.document)?;
        let config = Self::sound(layers)?;
        ConfigError::of(check_values(&config, layers)).map_or(Ok(config), Err)
    }

    /// The values of a document that can be read, with the options laid over them. No value is checked.
    ///
    /// # Errors
    /// An option has a value of a wrong type.
    pub(super) fn sound(layers: Layers<'_>) -> Result<Self, ConfigError> {
        let (mut table, _) = Self::read(layers.document);
        let mut config = Self::deserialize(table.clone()).unwrap_or_default();
        for option in layers.options {
            merge(&mut table, option.table());
            config = Self::deserialize(table.clone())
                .map_err(|error| option.error(wording::of_value(error.message())))?;
        }
        Ok(config)
    }

    /// The values that can be read, and errors about the others. The parser stops at the first wrong type, so that after one each
    /// value is read by itself.
    fn read(document: &Document) -> (Table, Vec<ConfigError>) {
        let mut errors = document.unknown_keys();
        let root: Table = document.text().parse().unwrap_or_default();
        let error = match toml::from_str::<Self>(document.text()) {
            Ok(_) => return (root, errors),
            Err(error) => error,
        };
        let first = document.value_error(
            error.span().unwrap_or_default(),
            wording::of_value(error.message()),
        );
        let mut sound = Table::new();
        let mut wrong = Vec::new();
        for path in document.value_paths() {
            let single = match single(&root, path) {
                Some(single) => single,
                None => continue,
            };
            match Self::deserialize(single.clone()) {
                Ok(_) => merge(&mut sound, single),
                Err(error) => {
                    let message = wording::of_value(error.message());
                    wrong.push(document.value_error(document.span_of(path), message));
                }
            }
        }
        // Unknown keys are among the errors already.
        let is_value = !error.message().starts_with("unknown field");
        match wrong.first_mut() {
            // The place of the first one is exact, also within a list.
            Some(same) if is_value => *same = first,
            Some(_) => {}
            None if errors.is_empty() => wrong.push(first),
            None => {}
        }
        errors.append(&mut wrong);
        (sound, errors)
    }
}

/// A table that holds the value at this path alone.
fn single(root: &Table, path: &[String]) -> Option<Table> {
    let (key, deeper) = path.split_first()?;
    let value = root.get(key)?;
    let value = match deeper {
        [] => value.clone(),
        deeper => single(value.as_table()?, deeper)?.into(),
    };
    Some(Table::from_iter([(key.clone(), value)]))
}

/// Adds the values of another table, table by table.
fn merge(into: &mut Table, other: Table) {
    for (key, value) in other {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(into)), Value::Table(value)) => merge(into, value),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}
