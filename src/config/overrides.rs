//! What the command line and the environment set.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::error::ConfigError;
use super::folder::config_at;
use super::settings::RunOptions;

/// High, so that a first try against the in-process sandbox ends in seconds.
const SANDBOX_REQUESTS_PER_MINUTE: u32 = 6_000;

/// Values from flags and the environment; a flag has overridden its environment variable already.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overrides {
    /// The config file.
    pub config: Option<PathBuf>,
    /// A folder of configs, of which `index` says the one to take, from 0.
    pub config_dir: Option<PathBuf>,
    pub index: Option<usize>,
    /// Keys of the file that options override.
    pub values: Vec<Override>,
    pub run: RunOptions,
}

/// An option that overrides a key of the config file.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// Such as `safety.max_creates`.
    pub key: &'static str,
    /// As it is written on the command line.
    pub option: String,
    pub value: Value,
}

impl Override {
    /// A config that has this value alone.
    pub(super) fn table(&self) -> Table {
        let (section, key) = self.key.split_once('.').unwrap_or((self.key, ""));
        let section_table = Table::from_iter([(key.to_owned(), self.value.clone())]);
        Table::from_iter([(section.to_owned(), Value::Table(section_table))])
    }

    pub(super) fn error(&self, message: String) -> ConfigError {
        ConfigError::Option {
            option: self.option.clone(),
            message,
        }
    }
}

impl Overrides {
    /// Overrides a key of the file, if the option that has its name has a value.
    pub fn set(&mut self, key: &'static str, value: Option<impl Into<Value>>) {
        let (_, name) = key.split_once('.').unwrap_or(("", key));
        let option = format!("--{}", name.replace('_', "-"));
        self.set_as(&option, key, value);
    }

    /// The same with an option of another name.
    pub fn set_as(&mut self, option: &str, key: &'static str, value: Option<impl Into<Value>>) {
        self.values.extend(value.map(|value| Override {
            key,
            option: option.to_owned(),
            value: value.into(),
        }));
    }

    /// The option that overrides this key of the file.
    #[must_use]
    pub fn of_key(&self, key: &str) -> Option<&Override> {
        self.values.iter().find(|value| value.key == key)
    }

    /// What lies over the file, the last on top: options, and below them what goes with the sandbox.
    pub(super) fn layer(&self) -> Vec<Override> {
        let mut below = Self::default();
        if self.run.sandbox {
            below.set(
                "limits.requests_per_minute",
                Some(SANDBOX_REQUESTS_PER_MINUTE),
            );
            below.set("limits.reserve", Some(0));
        }
        if self.run.sandbox && self.run.customers.is_none() {
            // The bundled customers have nothing to do with the rows of the user.
            below.set("safety.min_match_percent", Some(0.0));
        }
        below.values.extend_from_slice(&self.values);
        below.values
    }

    /// The config file that is named, by itself or as one of a folder. `None` if none is.
    ///
    /// # Errors
    /// The options contradict each other, or the folder does not have the config.
    pub fn named_config(&self, current: &Path) -> Result<Option<PathBuf>, ConfigError> {
        let (folder, index) = match (&self.config, &self.config_dir, self.index) {
            (config, None, None) => return Ok(config.clone()),
            (None, Some(folder), Some(index)) => (folder, index),
            (None, Some(_), None) => return Err(error("--config-dir", NO_INDEX)),
            (None, None, Some(_)) => return Err(error("--index", NO_FOLDER)),
            (Some(_), Some(_), _) => return Err(error("--config-dir", TWO_CONFIGS)),
            (Some(_), None, Some(_)) => return Err(error("--index", TWO_CONFIGS)),
        };
        config_at(current, folder, index).map(Some)
    }

    /// Whether a config file is named at all.
    #[must_use]
    pub fn is_config_named(&self) -> bool {
        self.config.is_some() || self.config_dir.is_some() || self.index.is_some()
    }
}

const NO_INDEX: &str = "names a folder of configs, and --index (or HCSYNC_INDEX) says which of them to take, from 0: give both, or \
    name one config with --config";
const NO_FOLDER: &str = "takes a config of the folder that --config-dir (or HCSYNC_CONFIG_DIR) names: give both, or name one config \
    with --config";
const TWO_CONFIGS: &str = "takes a config of a folder, and --config names one, so that it is not clear which account is meant: leave \
    one of them out. The variables HCSYNC_CONFIG, HCSYNC_CONFIG_DIR and HCSYNC_INDEX count as well";

fn error(option: &'static str, message: &str) -> ConfigError {
    ConfigError::Option {
        option: option.to_owned(),
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(config: Option<&str>, folder: Option<&str>, index: Option<usize>) -> String {
        let current = tempfile::tempdir().unwrap();
        std::fs::create_dir(current.path().join("accounts")).unwrap();
        std::fs::write(current.path().join("accounts/a.toml"), "").unwrap();
        let overrides = Overrides {
            config: config.map(Into::into),
            config_dir: folder.map(Into::into),
            index,
            ..Overrides::default()
        };
        match overrides.named_config(current.path()) {
            Ok(named) => named.map_or("none".to_owned(), |named| named.display().to_string()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_config_is_named_by_itself_or_as_one_of_a_folder_and_never_both() {
        let folder = Some("accounts");
        assert_eq!(named(None, None, None), "none");
        assert_eq!(named(Some("c.toml"), None, None), "c.toml");
        assert_eq!(named(None, folder, Some(0)), "accounts/a.toml");
        for (config, folder, index, said) in [
            (None, folder, None, "--config-dir names a folder of configs"),
            (None, None, Some(0), "--index takes a config of the folder"),
            (
                Some("c"),
                folder,
                Some(0),
                "--config-dir takes a config of a folder, and --config",
            ),
            (
                Some("c"),
                folder,
                None,
                "--config-dir takes a config of a folder, and --config",
            ),
            (
                Some("c"),
                None,
                Some(0),
                "--index takes a config of a folder, and --config",
            ),
            (None, folder, Some(1), "--index 1 is beyond"),
        ] {
            let error = named(config, folder, index);
            assert!(error.starts_with(said), "{error}");
        }
    }
}
