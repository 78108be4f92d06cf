//! The config file and the options that lie over it.

use super::document::Document;
use super::error::{ConfigError, ConfigProblem, PASSWORD_RULE};
use super::overrides::Override;

/// A config file, and the options that override its keys: of two for one key, the last one holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layers<'a> {
    pub document: &'a Document,
    pub options: &'a [Override],
}

impl<'a> Layers<'a> {
    /// The file alone.
    pub(super) const fn of(document: &'a Document) -> Self {
        Self {
            document,
            options: &[],
        }
    }

    /// The option that overrides this key.
    pub(super) fn option(&self, key: &str) -> Option<&'a Override> {
        self.options.iter().rfind(|option| option.key == key)
    }

    /// An error about the value of this key, which names what set it: the option, or the place in the file.
    pub(super) fn error(&self, key: &str, problem: ConfigProblem) -> ConfigError {
        let Some(option) = self.option(key) else {
            return self.document.error_at(key, problem);
        };
        option.error(match problem {
            ConfigProblem::Value { message, .. } => message,
            ConfigProblem::InlinePassword { .. } => PASSWORD_RULE.to_owned(),
            other => other.to_string(),
        })
    }
}
