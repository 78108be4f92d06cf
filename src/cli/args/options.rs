//! Groups of options that several commands share.
//!
//! No option uses clap's `conflicts_with`: a flag that contradicts an environment variable must not be an error, and clap
//! does not distinguish them. If two options contradict each other, the help of one says that it takes precedence. The config alone
//! is not guessed: `config::Overrides::named_config` refuses two.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, value_parser};
use serde::{Deserialize, Serialize};

use super::values::{self, PageValues};
use crate::plan::MissingAction;

pub use super::output_options::{LogArgs, OutputArgs, ProgressArgs};

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
    #[arg(long, value_name = "FILE", env = "HCSYNC_STATE_PASSWORD_FILE")]
    #[serde(skip)]
    pub state_password_file: Option<PathBuf>,
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
    /// Process only the first N rows
    #[arg(long, value_name = "N", env = "HCSYNC_LIMIT", value_parser = value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Reading HelpCrunch")]
pub struct ReadingArgs {
    /// Read all customers again instead of using the snapshot of the last reading, and save a new one
    #[arg(long, env = "HCSYNC_REFRESH", value_parser = BoolishValueParser::new())]
    pub refresh: bool,

    /// Show in the preview how the remote side could be read, what each way costs, and which was chosen
    #[arg(long, env = "HCSYNC_EXPLAIN", value_parser = BoolishValueParser::new())]
    pub explain: bool,

    /// Hold about this much in memory while planning, and what is known of the customers beyond it in a temporary file, e.g. 256MiB or 1GiB
    #[arg(long, value_name = "SIZE", env = "HCSYNC_MEMORY_LIMIT", value_parser = values::size)]
    #[serde(default)]
    pub memory_limit: Option<u64>,

    /// Send a field or property although HelpCrunch refused it before, e.g. notes or customData.plan
    #[arg(
        long = "force-field",
        value_name = "NAME",
        env = "HCSYNC_FORCE_FIELD",
        value_delimiter = ','
    )]
    #[serde(default)]
    pub force_fields: Vec<String>,
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

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Limits of this run")]
pub struct CanaryArgs {
    /// Send N customers first, read them again, and stop if anything changed that the plan does not name
    #[arg(long, value_name = "N", env = "HCSYNC_CANARY", value_parser = value_parser!(u32).range(1..))]
    #[serde(default)]
    pub canary: Option<u32>,

    /// With --canary: stop after it, resumable (exit 7)
    #[arg(long, env = "HCSYNC_PAUSE", value_parser = BoolishValueParser::new())]
    #[serde(default)]
    pub pause: bool,
}

// Each overrides the key of the same name in `[safety]` for one run; 0 switches the limit off.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Safety limits (0 switches one off)")]
pub struct SafetyArgs {
    /// Maximum percentage of matched customers that may change [default: safety.max_change_percent]
    #[arg(long, value_name = "PERCENT", env = "HCSYNC_MAX_CHANGE_PERCENT", value_parser = values::percent)]
    pub max_change_percent: Option<f64>,

    /// Maximum percentage of matched customers that may lose a value [default: safety.max_clear_percent]
    #[arg(long, value_name = "PERCENT", env = "HCSYNC_MAX_CLEAR_PERCENT", value_parser = values::percent)]
    pub max_clear_percent: Option<f64>,

    /// Minimum percentage of rows (or customers) that must match [default: safety.min_match_percent]
    #[arg(long, value_name = "PERCENT", env = "HCSYNC_MIN_MATCH_PERCENT", value_parser = values::percent)]
    pub min_match_percent: Option<f64>,

    /// Maximum number of customers that may be created [default: safety.max_creates]
    #[arg(long, value_name = "N", env = "HCSYNC_MAX_CREATES")]
    pub max_creates: Option<u64>,

    /// Maximum percentage of rows that may be rejected [default: safety.max_rejected_percent]
    #[arg(long, value_name = "PERCENT", env = "HCSYNC_MAX_REJECTED_PERCENT", value_parser = values::percent)]
    pub max_rejected_percent: Option<f64>,

    /// Maximum percentage of rows that may be gone since the last run [default: safety.max_missing_percent]
    #[arg(long, value_name = "PERCENT", env = "HCSYNC_MAX_MISSING_PERCENT", value_parser = values::percent)]
    pub max_missing_percent: Option<f64>,

    /// What happens to customers that the input no longer holds: ignore, tag, block or delete [default: sync.missing]
    #[arg(long, value_name = "ACTION", env = "HCSYNC_MISSING", value_parser = values::missing_action)]
    pub missing: Option<MissingAction>,

    /// Delete exactly N customers that the input no longer holds, with sync.missing = "delete"
    #[arg(long, value_name = "N", env = "HCSYNC_ALLOW_DELETE")]
    pub allow_delete: Option<u64>,
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Reports")]
pub struct ReportArgs {
    #[command(flatten)]
    #[serde(flatten)]
    pub results: ResultsArg,

    /// Write the rows that were rejected or failed, in the input's format, with the reason
    #[arg(long, value_name = "FILE", env = "HCSYNC_REJECTED")]
    pub rejected: Option<PathBuf>,

    #[command(flatten)]
    pub changes: ChangesArg,

    /// Write the figures of the run as JSON, however it ends
    #[arg(long, value_name = "FILE", env = "HCSYNC_SUMMARY")]
    pub summary: Option<PathBuf>,

    #[command(flatten)]
    #[serde(flatten)]
    pub page: PageArgs,

    /// Put the files of the run into a folder of its id here: a folder, or s3://, gs:// or az:// [default: output.folder]
    #[arg(long, value_name = "DIR|URL", env = "HCSYNC_OUT_DIR")]
    #[serde(default)]
    pub out_dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Reports")]
pub struct PageArgs {
    /// Write a page for people, .html (with a table of changes) or .md (short)
    #[arg(long, value_name = "FILE", env = "HCSYNC_REPORT", value_parser = values::page_file)]
    pub report: Option<PathBuf>,

    /// Values of customers in the page: none, those that change, or also rejected rows as they are
    #[arg(
        long,
        value_enum,
        value_name = "WHICH",
        env = "HCSYNC_REPORT_VALUES",
        default_value_t
    )]
    #[serde(default)]
    pub report_values: PageValues,
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
    /// Number of examples of each kind of change or problem; 0 shows no values
    #[arg(long, value_name = "N", env = "HCSYNC_EXAMPLES", default_value_t = 3)]
    pub examples: u32,
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Asking")]
pub struct AskArgs {
    /// Do not ask before writing
    #[arg(short, long, env = "HCSYNC_YES", value_parser = BoolishValueParser::new())]
    pub yes: bool,

    /// Always ask for confirmation, even with --yes; an error without a terminal
    #[arg(long, env = "HCSYNC_CONFIRM", value_parser = BoolishValueParser::new())]
    pub confirm: bool,
}
