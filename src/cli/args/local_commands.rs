//! The commands that work without the API.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::account_options::{ConfigArgs, StateArgs};
use super::options::ExamplesArgs;
use super::output_options::PlainConsoleArgs;
use super::report_options::{ChangesArg, PageArgs, ResultsArg};
use super::values::{self, Setting};

/// Shows a saved plan or a run again, without the API
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync show monday.plan
  hcsync show 20261120T031244Z-k3f9 --changes changes.csv
  hcsync show monday.plan --output json")]
pub struct ShowArgs {
    /// A plan file, or the id of a run as `runs` lists it
    #[arg(value_name = "PLAN|RUN")]
    pub target: String,

    #[command(flatten)]
    pub state: StateArgs,
    #[command(flatten)]
    pub results: ResultsArg,
    #[command(flatten)]
    pub changes: ChangesArg,
    #[command(flatten)]
    pub page: PageArgs,
    #[command(flatten)]
    pub examples: ExamplesArgs,
    #[command(flatten)]
    pub console: PlainConsoleArgs,
}

/// Lists runs: id, when, input, counts, state
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync runs
  hcsync runs --prune 90d
  hcsync runs --output json")]
pub struct RunsArgs {
    /// Remove finished runs older than this, e.g. 30d; never an unfinished one or the newest
    #[arg(long, value_name = "AGE", env = "HCSYNC_PRUNE", value_parser = values::duration)]
    pub prune: Option<Duration>,

    #[command(flatten)]
    pub state: StateArgs,
    #[command(flatten)]
    pub console: PlainConsoleArgs,
}

/// Shows each account: its last run and success, a run under way, and what can be resumed
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync status
  hcsync status --output json")]
pub struct StatusArgs {
    #[command(flatten)]
    pub state: StateArgs,
    #[command(flatten)]
    pub console: PlainConsoleArgs,
}

/// Proposes a config from the input's columns; never overwrites a file
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync init customers.csv                       to standard output
  hcsync init customers.csv -o hcsync.toml")]
pub struct InitArgs {
    /// File whose columns are examined
    #[arg(value_name = "INPUT")]
    pub input: PathBuf,

    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE", env = "HCSYNC_OUT")]
    pub out: Option<PathBuf>,

    #[command(flatten)]
    pub console: PlainConsoleArgs,
}

/// Serves a local HelpCrunch API on a loopback port, with customers in memory
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync sandbox                                  prints its URL
  hcsync sandbox --listen 127.0.0.1:8080 --customers customers.jsonl
  hcsync sandbox --set patch-custom-data=replace --faults faults.toml --seed 7")]
pub struct SandboxArgs {
    /// Loopback address to listen on; port 0: any free one
    #[arg(long, value_name = "ADDRESS", env = "HCSYNC_LISTEN", default_value = "127.0.0.1:0", value_parser = values::loopback)]
    pub listen: SocketAddr,

    /// Initial customers, JSONL or CSV as `export` writes them [default: a bundled set]
    #[arg(long, value_name = "FILE", env = "HCSYNC_CUSTOMERS")]
    pub customers: Option<PathBuf>,

    /// Requests per minute, above which it responds 429; 0: no limit
    #[arg(
        long,
        value_name = "N",
        env = "HCSYNC_REQUESTS_PER_MINUTE",
        default_value_t = 120
    )]
    pub requests_per_minute: u32,

    /// Seed of the fault schedule; the same seed gives the same faults
    #[arg(long, value_name = "N", env = "HCSYNC_SEED", default_value_t = 0)]
    pub seed: u64,

    /// Faults to inject: statuses, cut responses, delays, HTML, Retry-After (TOML)
    #[arg(long, value_name = "FILE", env = "HCSYNC_FAULTS")]
    pub faults: Option<PathBuf>,

    /// A key that gets 401; every other non-empty key is accepted
    #[arg(
        long,
        value_name = "KEY",
        env = "HCSYNC_REFUSE_KEY",
        hide_env_values = true
    )]
    pub refuse_key: Option<String>,

    /// Set a switch of undocumented behaviour; repeat it, or separate several by `;`
    #[arg(
        long = "set",
        value_name = "NAME=VALUE",
        env = "HCSYNC_SET",
        value_delimiter = ';'
    )]
    pub settings: Vec<Setting>,

    #[command(flatten)]
    pub console: PlainConsoleArgs,
}

/// Runs the built-in sample against a sandbox
///
/// It needs no account, no key and no file, and sends nothing anywhere. Exits 0 although the sample has bad rows.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Example:
  hcsync demo                                     what a sync looks like")]
pub struct DemoArgs {
    #[command(flatten)]
    pub state: StateArgs,
    #[command(flatten)]
    pub examples: ExamplesArgs,
    #[command(flatten)]
    pub console: PlainConsoleArgs,
}

/// Shows the runs of each account over time
///
/// What grew, what is wrong and since when. Only runs that could write count, as far back as `[state] keep` keeps them.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync history
  hcsync history -o history.html                  a page with plots
  hcsync history --output json")]
pub struct HistoryArgs {
    /// Write a page (.html) instead of the text
    #[arg(short, long, value_name = "FILE", env = "HCSYNC_OUT")]
    pub out: Option<PathBuf>,

    #[command(flatten)]
    pub state: StateArgs,
    #[command(flatten)]
    pub console: PlainConsoleArgs,
}

/// Sends a test to everything that the config section `[notify]` names
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Example:
  hcsync notify --test -c nightly.toml            call all of them once")]
pub struct NotifyArgs {
    /// Call the webhook, the program and the ping address once, and say how each went
    #[arg(long, env = "HCSYNC_TEST", required = true, value_parser = BoolishValueParser::new())]
    pub test: bool,

    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub console: PlainConsoleArgs,
}
