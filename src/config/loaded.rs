use std::path::{Path, PathBuf};

use super::document::Document;
use super::error::ConfigError;
use super::merge::DEFAULT_FILE;
use super::redirection::refuse_found_command;
use super::settings::Settings;

/// Settings, and the config file that they are from.
#[derive(Debug, Clone)]
pub struct LoadedConfig {
    pub settings: Settings,
    /// `None` if there was none and none was named.
    pub document: Option<Document>,
    /// Whether the user named the config file, and it was not only found.
    pub is_named: bool,
    /// The folder that its name starts from.
    pub(super) folder: PathBuf,
}

impl LoadedConfig {
    /// The path of the config file, as it was named.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.document.as_ref().map(Document::path)
    }

    /// The folder of the config file, or the current one: relative paths of the config start here.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        let file = self
            .folder
            .join(self.file().unwrap_or(Path::new(DEFAULT_FILE)));
        file.parent().unwrap_or(&self.folder).to_owned()
    }

    /// Why `[input] command` must not be run, if that is so.
    #[must_use]
    pub fn command_refusal(&self) -> Option<ConfigError> {
        let document = self.document.as_ref().filter(|_| !self.is_named)?;
        Some(refuse_found_command(document, &self.settings.input.command))
    }
}
