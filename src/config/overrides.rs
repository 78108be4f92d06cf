//! What the command line and the environment set.

use std::path::{Path, PathBuf};

use crate::plan::MissingAction;

use super::error::ConfigError;
use super::folder::config_at;
use super::settings::RunOptions;

/// Values from flags and the environment; a flag has overridden its environment variable already.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overrides {
    /// The config file.
    pub config: Option<PathBuf>,
    /// A folder of configs, of which `index` says the one to take, from 0.
    pub config_dir: Option<PathBuf>,
    pub index: Option<usize>,
    pub base_url: Option<String>,
    pub account: Option<String>,
    pub state_url: Option<String>,
    pub state_password_file: Option<PathBuf>,
    pub requests_per_minute: Option<u32>,
    pub concurrency: Option<u16>,
    pub max_change_percent: Option<f64>,
    pub max_clear_percent: Option<f64>,
    pub min_match_percent: Option<f64>,
    pub max_creates: Option<u64>,
    pub max_rejected_percent: Option<f64>,
    pub max_missing_percent: Option<f64>,
    pub missing: Option<MissingAction>,
    pub allow_delete: Option<u64>,
    pub out_dir: Option<PathBuf>,
    pub run: RunOptions,
}

impl Overrides {
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
        option,
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
