//! Groups of options that several commands share.
//!
//! None conflicts with another: a contradiction between a flag and a variable of the environment must not be an
//! error, and clap does not tell the two apart. Where two options contradict each other, one says that it goes first.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, value_parser};
use serde::{Deserialize, Serialize};

use super::values::{self, LogFormat, OutputFormat, When};

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Config and state")]
pub struct ConfigArgs {
    /// Config file [default: hcsync.toml in the current folder, if it is there]
    #[arg(short, long, value_name = "FILE", env = "HCSYNC_CONFIG")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Config and state")]
pub struct StateArgs {
    /// Folder of runs, snapshots and locks [default: the platform's state directory]
    #[arg(long, value_name = "DIR", env = "HCSYNC_STATE_DIR")]
    pub state_dir: Option<PathBuf>,
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

    /// Requests a minute, of the whole account [default: limits.requests_per_minute, else 120]
    ///
    /// 0 means no limit, and is taken for a loopback host only.
    #[arg(long, value_name = "N", env = "HCSYNC_REQUESTS_PER_MINUTE")]
    pub requests_per_minute: Option<u32>,

    /// Requests on their way at one time, 1 to 64 [default: limits.concurrency, else 4]
    #[arg(long, value_name = "N", env = "HCSYNC_CONCURRENCY", value_parser = value_parser!(u16).range(1..=64))]
    pub concurrency: Option<u16>,
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Connection")]
pub struct SandboxArg {
    /// Use an in-process sandbox with bundled customers instead of the real API; needs no key
    ///
    /// It goes before --base-url and --account, and allows 6000 requests a minute, unless --requests-per-minute says otherwise.
    #[arg(long, env = "HCSYNC_SANDBOX", value_parser = BoolishValueParser::new())]
    pub sandbox: bool,
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Config and state")]
pub struct DecisionsArg {
    /// Decide rows that match several customers as this file says: the ambiguous.csv of an earlier run, filled in
    #[arg(long, value_name = "FILE", env = "HCSYNC_DECISIONS")]
    pub decisions: Option<PathBuf>,
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Limits of this run")]
pub struct RowsArgs {
    /// Take the first N rows only
    #[arg(long, value_name = "N", env = "HCSYNC_LIMIT", value_parser = value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Reading HelpCrunch")]
pub struct ReadingArgs {
    /// Read all customers afresh, whatever the snapshot of the last reading holds, and keep a new one
    #[arg(long, env = "HCSYNC_REFRESH", value_parser = BoolishValueParser::new())]
    pub refresh: bool,

    /// Show in the preview how the remote side could be read, what each way costs, and which was taken
    #[arg(long, env = "HCSYNC_EXPLAIN", value_parser = BoolishValueParser::new())]
    pub explain: bool,
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Limits of this run")]
pub struct BudgetArgs {
    /// Stop, resumable, after N requests (exit 7)
    #[arg(long, value_name = "N", env = "HCSYNC_MAX_REQUESTS", value_parser = value_parser!(u64).range(1..))]
    pub max_requests: Option<u64>,

    /// Stop, resumable, after this long, e.g. 30m or 2h (exit 7)
    #[arg(long, value_name = "TIME", env = "HCSYNC_MAX_DURATION", value_parser = values::budget)]
    pub max_duration: Option<Duration>,
}

// Each goes before its namesake in `[safety]`, for one run; 0 switches the limit off.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Safety limits (0 switches one off)")]
pub struct SafetyArgs {
    /// Most of the matched customers that may change [default: safety.max_change_percent]
    #[arg(long, value_name = "PERCENT", env = "HCSYNC_MAX_CHANGE_PERCENT", value_parser = values::percent)]
    pub max_change_percent: Option<f64>,

    /// Most of the matched customers that may lose a value [default: safety.max_clear_percent]
    #[arg(long, value_name = "PERCENT", env = "HCSYNC_MAX_CLEAR_PERCENT", value_parser = values::percent)]
    pub max_clear_percent: Option<f64>,

    /// Least share of rows or customers that must match [default: safety.min_match_percent]
    #[arg(long, value_name = "PERCENT", env = "HCSYNC_MIN_MATCH_PERCENT", value_parser = values::percent)]
    pub min_match_percent: Option<f64>,

    /// Most customers that may be created [default: safety.max_creates]
    #[arg(long, value_name = "N", env = "HCSYNC_MAX_CREATES")]
    pub max_creates: Option<u64>,
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Reports")]
pub struct ReportArgs {
    #[command(flatten)]
    #[serde(flatten)]
    pub results: ResultsArg,

    /// Write the rows that were not done, in the input's own format, with the reason
    #[arg(long, value_name = "FILE", env = "HCSYNC_REJECTED")]
    pub rejected: Option<PathBuf>,

    #[command(flatten)]
    pub changes: ChangesArg,

    /// Write the figures of the run as JSON, whatever its end
    #[arg(long, value_name = "FILE", env = "HCSYNC_SUMMARY")]
    pub summary: Option<PathBuf>,
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Reports")]
pub struct ResultsArg {
    /// Write the result of each row; .csv or .jsonl
    #[arg(long, value_name = "FILE", env = "HCSYNC_RESULTS", value_parser = values::table_file)]
    pub results: Option<PathBuf>,
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Reports")]
pub struct ChangesArg {
    /// Write a line for each changed field, old and new; .csv or .jsonl
    #[arg(long, value_name = "FILE", env = "HCSYNC_CHANGES", value_parser = values::table_file)]
    pub changes: Option<PathBuf>,
}

#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Output")]
pub struct ExamplesArgs {
    /// Examples of each kind of change or problem; 0: none, so that no value is shown
    #[arg(long, value_name = "N", env = "HCSYNC_EXAMPLES", default_value_t = 3)]
    pub examples: u32,
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Asking")]
pub struct AskArgs {
    /// Do not ask before writing
    #[arg(short, long, env = "HCSYNC_YES", value_parser = BoolishValueParser::new())]
    pub yes: bool,

    /// Demand the question, also with --yes; without a terminal that is an error
    #[arg(long, env = "HCSYNC_CONFIRM", value_parser = BoolishValueParser::new())]
    pub confirm: bool,
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// What goes to standard output
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        env = "HCSYNC_OUTPUT",
        default_value_t
    )]
    pub output: OutputFormat,
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Output")]
pub struct ProgressArgs {
    /// Show a progress bar; without one, a line a minute goes to the log
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        env = "HCSYNC_PROGRESS",
        default_value_t
    )]
    pub progress: When,
}

// Logs go to standard error and never hold a value of a customer.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Output")]
pub struct LogArgs {
    /// How log lines are written
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        env = "HCSYNC_LOG_FORMAT",
        default_value_t
    )]
    pub log_format: LogFormat,

    /// Log more; twice: each request
    #[arg(short, long, action = ArgAction::Count, env = "HCSYNC_VERBOSE")]
    pub verbose: u8,

    /// Log less; twice: errors only; takes back a --verbose
    #[arg(short, long, action = ArgAction::Count, env = "HCSYNC_QUIET")]
    pub quiet: u8,

    /// Colour; NO_COLOR is honoured
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        env = "HCSYNC_COLOR",
        default_value_t
    )]
    pub color: When,
}

impl LogArgs {
    /// How much is logged: 0 as usual, more for each `-v`, less for each `-q`.
    #[must_use]
    pub fn verbosity(&self) -> i16 {
        i16::from(self.verbose) - i16::from(self.quiet)
    }
}
