use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::domain::text::hex;
use crate::mapping::MappingSettings;
use crate::plan::{Duplicates, MatchSettings, MissingSettings, SafetySettings, SyncMode};

use super::duration;
use super::input::InputConfig;
use super::notify::{MetricsConfig, NotifyConfig, OutputConfig};
use super::state::StateConfig;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// The settings of a run. Flags override environment variables, which override the config file, which overrides defaults.
/// Paths from a config file are resolved; those from the command line are as the user wrote them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    pub api: ApiConfig,
    pub limits: LimitsConfig,
    pub input: InputConfig,
    pub mapping: MappingSettings,
    pub matching: MatchSettings,
    pub duplicates: Duplicates,
    pub sync_mode: SyncMode,
    pub missing: MissingSettings,
    pub remote: RemoteConfig,
    /// `Some` limits were set by the user.
    pub safety: SafetySettings,
    pub state: StateConfig,
    pub notify: NotifyConfig,
    pub metrics: MetricsConfig,
    pub output: OutputConfig,
    pub run: RunOptions,
}

impl Settings {
    /// SHA-256, in hex, of the settings that decide what a plan of a given input and remote side holds. Rates, safety
    /// limits, paths, the account and its key have no part in it. For comparing plans: the program never reads it back.
    #[must_use]
    pub fn config_sha256(&self) -> String {
        // A new setting has to be sorted in here: the compiler asks for it.
        let Self {
            input,
            mapping,
            matching,
            duplicates,
            sync_mode,
            missing,
            run: RunOptions { limit, .. },
            api: _,
            limits: _,
            remote: _,
            safety: _,
            state: _,
            notify: _,
            metrics: _,
            output: _,
        } = self;
        let input = InputConfig {
            files: Vec::new(),
            ..input.clone()
        };
        let relevant = (
            input, mapping, matching, duplicates, sync_mode, missing, limit,
        );
        hex(&Sha256::digest(format!("{relevant:?}")))
    }
}

/// `[api]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiConfig {
    /// Without a slash at its end; `https`, or `http` to a loopback host.
    pub base_url: String,
    pub account: Option<String>,
    /// Whether other configs are for the same account, and that is meant.
    pub shares_account: bool,
    pub key_file: Option<PathBuf>,
    /// The address of a customer's page in HelpCrunch, with `{id}`.
    pub customer_url: Option<String>,
    /// For one request.
    #[serde(deserialize_with = "duration::deserialize")]
    pub timeout: Duration,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            base_url: "https://api.helpcrunch.com/v1".to_owned(),
            account: None,
            shares_account: false,
            key_file: None,
            customer_url: None,
            timeout: Duration::from_secs(30),
        }
    }
}

/// `[limits]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// 0: no limit, for a loopback host only.
    pub requests_per_minute: u32,
    /// Of these, left for others; always less than all.
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

/// How existing customers are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RemoteStrategy {
    /// With the fewest requests.
    #[default]
    Auto,
    /// All customers.
    List,
    /// The customers of the input, searched by their keys.
    Lookup,
    /// The customers of the last complete reading.
    Snapshot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BatchMode {
    /// Once a probe has shown that it is safe.
    #[default]
    Auto,
    /// Also where it is not safe: then customers are written as a whole.
    Whole,
    Off,
}

/// Settings that only the command line and the environment have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunOptions {
    /// Against an in-process sandbox.
    pub sandbox: bool,
    /// The customers of that sandbox; `None`: the bundled ones.
    pub customers: Option<PathBuf>,
    /// The first rows only.
    pub limit: Option<u64>,
    /// Read all customers again, ignoring the snapshot.
    pub refresh: bool,
    /// Show how the remote side could be read, and what each way costs.
    pub explain: bool,
    /// About how many bytes of memory a plan may take; `None`: any number.
    pub memory_limit: Option<u64>,
    /// Fields and properties that are sent although the account is known to refuse them.
    pub force_fields: Vec<String>,
    pub max_requests: Option<u64>,
    pub max_duration: Option<Duration>,
    /// For each kind of change; `None` if the command shows none.
    pub examples: Option<u32>,
    /// The number of missing customers that this run may delete.
    pub allow_delete: Option<u64>,
    /// `None`: the platform's state directory.
    pub state_dir: Option<PathBuf>,
    /// A file of decisions about ambiguous rows.
    pub decisions: Option<PathBuf>,
    pub results: Option<PathBuf>,
    pub rejected: Option<PathBuf>,
    pub changes: Option<PathBuf>,
    pub summary: Option<PathBuf>,
    pub page: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::super::document::Document;
    use super::super::file::FileConfig;
    use super::*;

    fn settings(text: &str) -> Settings {
        let document = Document::parse(Path::new("x.toml"), text.as_bytes()).unwrap();
        FileConfig::from_document(&document)
            .unwrap()
            .into_settings()
    }

    #[test]
    fn the_hash_is_the_same_at_every_call_and_a_sha256() {
        let hash = Settings::default().config_sha256();
        assert_eq!(hash, settings("").config_sha256());
        assert_eq!(hash.len(), 64);
        assert!(hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
    }

    #[test]
    fn every_setting_that_matters_to_the_plan_changes_the_hash() {
        let texts = [
            "",
            "input.format = \"csv\"",
            "input.delimiter = \";\"",
            "input.quote = \"none\"",
            "input.quote = \"'\"",
            "input.encoding = \"utf-8\"",
            "input.null_values = [\"-\"]",
            "input.repair = \"fix\"",
            "input.header = false",
            "input.columns = [\"a\"]",
            "input.sheet = \"One\"",
            "input.trim = false",
            "input.skip_lines = 1",
            "match.keys = [\"email\"]",
            "match.on_ambiguous = \"skip\"",
            "match.on_conflict = \"create\"",
            "[fields]",
            "[fields]\nname = \"A\"",
            "[fields]\nname = { template = \"A\" }",
            "[fields]\nname = { column = \"A\", type = \"text\" }",
            "[fields]\nname = { column = \"A\", format = \"x\" }",
            "[fields]\nname = { column = \"A\", timezone = \"UTC\" }",
            "[fields]\nname = { column = \"A\", decimal = \",\" }",
            "[fields]\nname = { column = \"A\", thousands = \",\" }",
            "[fields]\nname = { column = \"A\", true_values = [\"ja\"] }",
            "[fields]\nname = { column = \"A\", false_values = [\"ja\"] }",
            "[fields]\nname = { column = \"A\", region = \"UA\" }",
            "[fields]\nname = { column = \"A\", case = \"lower\" }",
            "[fields]\nname = { column = \"A\", map = { a = \"b\" } }",
            "[fields]\nname = { column = \"A\", default = \"b\" }",
            "[fields]\nname = { column = \"A\", overwrite = \"if_empty\" }",
            "[fields]\nname = { column = \"A\", on_invalid = \"skip\" }",
            "[custom_data]",
            "[custom_data]\nname = \"A\"",
            "[tags]",
            "[tags]\ncolumn = \"A\"",
            "[tags]\nseparator = \",\"",
            "[tags]\nalways = [\"A\"]",
            "[tags]\nremove_column = \"A\"",
            "[tags]\nmode = \"exact\"",
            "[tags]\nmanaged = [\"ours\"]",
            "[tags]\nmanaged = \"ours\"",
            "[tags]\ncolors = { A = \"red\" }",
            "rows.empty_cells = \"clear\"",
            "rows.duplicates = \"last\"",
            "rows.where = \"a == 'b'\"",
            "input.timezone = \"Europe/Kyiv\"",
            "input.command = [\"cat\", \"x\"]",
            "sync.mode = \"create\"",
            "sync.missing = \"tag\"",
            "sync.missing_tag = \"gone\"",
            "sync.scope = \"blocked\"",
        ];
        let mut hashes: BTreeSet<_> = texts
            .iter()
            .map(|text| settings(text).config_sha256())
            .collect();
        let mut limited = Settings::default();
        limited.run.limit = Some(1);
        hashes.insert(limited.config_sha256());
        assert_eq!(hashes.len(), texts.len() + 1);
    }

    #[test]
    fn what_does_not_matter_to_the_plan_does_not_change_the_hash() {
        for text in [
            "api.account = \"x\"",
            "api.key_file = \"key.txt\"",
            "api.shares_account = true",
            "input.files = [\"a.csv\"]",
            "api.base_url = \"https://other.example\"",
            "limits.concurrency = 9",
            "safety.max_creates = 9",
            "remote.batch = \"off\"",
            "state.keep = \"1d\"",
            "state.keep_bytes = 1",
            "state.url = \"postgres://u@db/d\"",
            "notify.when = [\"always\"]",
            "metrics.textfile = \"x.prom\"",
            "output.folder = \"s3://crm/runs\"",
            "# nothing",
        ] {
            assert_eq!(
                settings(text).config_sha256(),
                Settings::default().config_sha256(),
                "{text}"
            );
        }
        let one = settings("[fields]\nname = \"A\"\nemail = \"B\"");
        let other = settings("[fields]\nemail = { column = \"B\" }\nname = \"A\"");
        assert_eq!(one.config_sha256(), other.config_sha256());
    }
}
