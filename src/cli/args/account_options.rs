//! Options that say which config is used, where the state is kept, which API is used, and how fast.

use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::{Args, value_parser};
use serde::{Deserialize, Serialize};

use super::option_group::OptionGroup;
use super::values;
use crate::config::Overrides;

/// What a command about an account needs: its config, its state, its API.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
pub struct AccountArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub state: StateArgs,
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

impl OptionGroup for AccountArgs {
    fn apply(&self, overrides: &mut Overrides) {
        self.config.apply(overrides);
        self.state.apply(overrides);
        self.connection.apply(overrides);
    }
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Config and state")]
pub struct ConfigArgs {
    /// Config file [default: hcsync.toml in the current folder, if it exists]
    #[arg(short, long, value_name = "FILE", env = "HCSYNC_CONFIG")]
    pub config: Option<PathBuf>,

    /// Folder of configs (*.toml), one for each account; --index says which one to take
    #[arg(long, value_name = "DIR", env = "HCSYNC_CONFIG_DIR")]
    #[serde(default)]
    pub config_dir: Option<PathBuf>,

    /// Take the N-th config of --config-dir by name, counting from 0
    #[arg(long, value_name = "N", env = "HCSYNC_INDEX")]
    #[serde(default)]
    pub index: Option<usize>,
}

impl OptionGroup for ConfigArgs {
    fn apply(&self, overrides: &mut Overrides) {
        let Self {
            config,
            config_dir,
            index,
        } = self.clone();
        overrides.config = config;
        overrides.config_dir = config_dir;
        overrides.index = index;
    }
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Config and state")]
pub struct StateArgs {
    /// Folder of runs, snapshots and locks [default: the platform's state directory]
    #[arg(long, value_name = "DIR", env = "HCSYNC_STATE_DIR")]
    pub state_dir: Option<PathBuf>,

    /// PostgreSQL database that keeps the state for several machines, as postgres://user@host/database [default: state.url]
    ///
    /// The state folder is then a working copy. The password comes from --state-password-file, PGPASSWORD or ~/.pgpass.
    #[arg(
        long,
        value_name = "URL",
        env = "HCSYNC_STATE_URL",
        hide_env_values = true
    )]
    #[serde(skip)]
    pub state_url: Option<String>,

    /// File with nothing but the database's password [default: state.password_file]
    #[arg(long, value_name = "FILE", env = "HCSYNC_STATE_PASSWORD_FILE", value_parser = values::utf8_path())]
    #[serde(skip)]
    pub state_password_file: Option<PathBuf>,
}

impl OptionGroup for StateArgs {
    fn apply(&self, overrides: &mut Overrides) {
        let Self {
            state_dir,
            state_url,
            state_password_file,
        } = self.clone();
        overrides.run.state_dir = state_dir;
        overrides.set_as("--state-url", "state.url", state_url);
        overrides.set_as(
            "--state-password-file",
            "state.password_file",
            state_password_file.as_deref().and_then(Path::to_str),
        );
    }
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// Address of the API [default: api.base_url, else HelpCrunch's own]
    #[arg(long, value_name = "URL", env = "HCSYNC_BASE_URL")]
    pub base_url: Option<String>,

    /// Your name for the account behind the key; state is kept under it [default: api.account]
    #[arg(long, value_name = "NAME", env = "HCSYNC_ACCOUNT")]
    pub account: Option<String>,

    /// Requests per minute, for the whole account [default: limits.requests_per_minute, else 120]
    ///
    /// 0 means no limit, and is accepted for a loopback host only.
    #[arg(long, value_name = "N", env = "HCSYNC_REQUESTS_PER_MINUTE")]
    pub requests_per_minute: Option<u32>,

    /// Requests in flight at the same time, 1 to 64 [default: limits.concurrency, else 4]
    #[arg(long, value_name = "N", env = "HCSYNC_CONCURRENCY", value_parser = value_parser!(u16).range(1..=64))]
    pub concurrency: Option<u16>,
}

impl OptionGroup for ConnectionArgs {
    fn apply(&self, overrides: &mut Overrides) {
        let Self {
            base_url,
            account,
            requests_per_minute,
            concurrency,
        } = self.clone();
        let concurrency = concurrency.map(u32::from);
        overrides.set("api.base_url", base_url);
        overrides.set("api.account", account);
        overrides.set("limits.requests_per_minute", requests_per_minute);
        overrides.set("limits.concurrency", concurrency);
    }
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Connection")]
pub struct SandboxArg {
    /// Use an in-process sandbox with bundled customers instead of the real API; needs no key
    ///
    /// Overrides --base-url and --account. Allows 6000 requests per minute unless --requests-per-minute is given.
    #[arg(long, env = "HCSYNC_SANDBOX", value_parser = BoolishValueParser::new())]
    pub sandbox: bool,

    /// Customers that the sandbox starts with, JSONL or CSV as `export` writes them [default: a bundled set]
    #[arg(long, value_name = "FILE", env = "HCSYNC_CUSTOMERS")]
    #[serde(default)]
    pub customers: Option<PathBuf>,
}

impl OptionGroup for SandboxArg {
    fn apply(&self, overrides: &mut Overrides) {
        let Self { sandbox, customers } = self.clone();
        overrides.run.sandbox = sandbox;
        overrides.run.customers = customers;
    }
}
