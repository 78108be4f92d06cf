use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::mapping::MappingSettings;
use crate::plan::{Duplicates, MatchSettings, SafetySettings, SyncMode};

use super::duration;
use super::input::InputConfig;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// What holds for a run: flag, environment, config file and default, in this order. Paths that came from a config
/// file are relative to it no more; those from the command line are as they were given.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    pub api: ApiConfig,
    pub limits: LimitsConfig,
    pub input: InputConfig,
    pub mapping: MappingSettings,
    pub matching: MatchSettings,
    pub duplicates: Duplicates,
    pub sync_mode: SyncMode,
    pub remote: RemoteConfig,
    /// A limit that is `Some` was set by the user.
    pub safety: SafetySettings,
    pub state: StateConfig,
    pub run: RunOptions,
}

/// `[api]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiConfig {
    /// Without a slash at its end; `https`, or `http` to a loopback host.
    pub base_url: String,
    pub account: Option<String>,
    pub key_file: Option<PathBuf>,
    /// Of one request.
    #[serde(deserialize_with = "duration::deserialize")]
    pub timeout: Duration,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            base_url: "https://api.helpcrunch.com/v1".to_owned(),
            account: None,
            key_file: None,
            timeout: Duration::from_secs(30),
        }
    }
}

/// `[limits]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// 0: no limit, with a loopback host only.
    pub requests_per_minute: u32,
    /// Of these, left to others; always fewer than all.
    pub reserve: u32,
    /// At least 1.
    pub concurrency: u16,
    /// Per operation, at least 1.
    pub max_attempts: u32,
    #[serde(deserialize_with = "duration::deserialize")]
    pub max_retry_wait: Duration,
    #[serde(deserialize_with = "duration::deserialize")]
    pub settle: Duration,
    #[serde(deserialize_with = "duration::deserialize")]
    pub max_outage: Duration,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            requests_per_minute: 120,
            reserve: 0,
            concurrency: 4,
            max_attempts: 8,
            max_retry_wait: Duration::from_secs(5 * MINUTE),
            settle: Duration::from_secs(30),
            max_outage: Duration::from_secs(15 * MINUTE),
        }
    }
}

/// `[remote]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RemoteConfig {
    pub strategy: RemoteStrategy,
    #[serde(deserialize_with = "duration::deserialize")]
    pub snapshot_max_age: Duration,
    #[serde(deserialize_with = "duration::deserialize")]
    pub recheck_after: Duration,
    pub batch: BatchMode,
}

impl Default for RemoteConfig {
    fn default() -> Self {
        Self {
            strategy: RemoteStrategy::default(),
            snapshot_max_age: Duration::from_secs(20 * HOUR),
            recheck_after: Duration::from_secs(30 * MINUTE),
            batch: BatchMode::default(),
        }
    }
}

/// How it is found out what HelpCrunch holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RemoteStrategy {
    /// The cheapest in requests.
    #[default]
    Auto,
    /// All customers.
    List,
    /// The input's keys, by search.
    Lookup,
    /// The last reading.
    Snapshot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BatchMode {
    /// Once a probe has shown that it is safe.
    #[default]
    Auto,
    Off,
}

/// `[state]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StateConfig {
    /// Finished runs older than this are removed.
    #[serde(deserialize_with = "duration::deserialize")]
    pub keep: Duration,
}

impl Default for StateConfig {
    fn default() -> Self {
        Self {
            keep: Duration::from_secs(30 * DAY),
        }
    }
}

/// What only the command line and the environment say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunOptions {
    /// Against an in-process sandbox.
    pub sandbox: bool,
    /// The first rows only.
    pub limit: Option<u64>,
    /// Read all customers, whatever is known of them.
    pub refresh: bool,
    /// Tell how the remote side could be read, and what each way costs.
    pub explain: bool,
    pub max_requests: Option<u64>,
    pub max_duration: Option<Duration>,
    /// Of each kind of change; `None` where the command shows none.
    pub examples: Option<u32>,
    /// `None`: the platform's state directory.
    pub state_dir: Option<PathBuf>,
    /// What was decided about ambiguous rows.
    pub decisions: Option<PathBuf>,
    pub results: Option<PathBuf>,
    pub rejected: Option<PathBuf>,
    pub changes: Option<PathBuf>,
    pub summary: Option<PathBuf>,
}
