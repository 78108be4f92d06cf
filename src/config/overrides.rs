//! What the command line and the environment set.

use std::path::PathBuf;

use crate::plan::MissingAction;

use super::settings::RunOptions;

/// Values from flags and the environment; a flag has overridden its environment variable already.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overrides {
    /// The config file.
    pub config: Option<PathBuf>,
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
    pub run: RunOptions,
}
