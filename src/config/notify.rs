use std::path::PathBuf;

use serde::Deserialize;

use super::duration;
use crate::notify::{Condition, WebhookFormat};

/// `[notify]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotifyConfig {
    /// When the webhook and the program are called.
    pub when: Vec<ConditionText>,
    /// A file with the address of the webhook; likewise of the ping.
    pub webhook_file: Option<PathBuf>,
    pub webhook_format: WebhookFormat,
    /// A program and its arguments; empty: none.
    pub command: Vec<String>,
    pub ping_file: Option<PathBuf>,
}

impl Default for NotifyConfig {
    fn default() -> Self {
        let when = [
            Condition::Failed,
            Condition::Refused,
            Condition::InDoubt,
            Condition::Recovered,
        ];
        Self {
            when: when.map(ConditionText).to_vec(),
            webhook_file: None,
            webhook_format: WebhookFormat::default(),
            command: Vec::new(),
            ping_file: None,
        }
    }
}

/// A condition that is read from a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ConditionText(pub Condition);

impl TryFrom<String> for ConditionText {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Condition::parse(&text, duration::parse).map(Self)
    }
}

/// `[metrics]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    /// A file for the textfile collector of Prometheus' node exporter.
    pub textfile: Option<PathBuf>,
}

/// `[output]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutputConfig {
    /// The folder, here or in an object store, that gets the files of each run.
    pub folder: Option<PathBuf>,
}
