//! One struct a command: its own options and the groups that it obeys.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, value_parser};
use clap_complete::Shell;

use super::options::{
    AskArgs, BudgetArgs, ChangesArg, ConfigArgs, ConnectionArgs, ExamplesArgs, LogArgs, OutputArgs,
    ProgressArgs, ReportArgs, RowsArgs, SafetyArgs, SandboxArg, StateArgs,
};
use super::values::{self, Setting};

/// Plans the whole input, checks it against the safety limits, then applies it
///
/// At a terminal the plan is shown and asked about once before anything is written. A second sync right after
/// the first writes nothing.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync sync customers.csv
  hcsync sync --dry-run customers.csv             plan only, nothing is written
  hcsync sync --yes --max-duration 2h *.csv       unattended, within a window
  zcat dump.jsonl.gz | hcsync sync -              from standard input
  hcsync sync --sandbox customers.csv             against a sandbox, without an account")]
pub struct SyncArgs {
    /// Files to read, in this order; `-` for standard input
    #[arg(value_name = "INPUT", required = true)]
    pub inputs: Vec<PathBuf>,

    /// Stop after the plan: nothing is written remotely
    #[arg(short = 'n', long, env = "HCSYNC_DRY_RUN", value_parser = BoolishValueParser::new())]
    pub dry_run: bool,

    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub state: StateArgs,
    #[command(flatten)]
    pub connection: ConnectionArgs,
    #[command(flatten)]
    pub sandbox: SandboxArg,
    #[command(flatten)]
    pub rows: RowsArgs,
    #[command(flatten)]
    pub budget: BudgetArgs,
    #[command(flatten)]
    pub safety: SafetyArgs,
    #[command(flatten)]
    pub ask: AskArgs,
    #[command(flatten)]
    pub report: ReportArgs,
    #[command(flatten)]
    pub examples: ExamplesArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub progress: ProgressArgs,
    #[command(flatten)]
    pub log: LogArgs,
}

/// Shows what a sync would do and, with --out, saves it to be applied later
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync plan customers.csv --out monday.plan
  hcsync plan customers.csv --changes changes.csv
  hcsync plan --detailed-exitcode customers.csv   exit 6 if there is something to do
  hcsync plan customers.csv --remote-file all.jsonl
                                                  against an export, without API and key")]
pub struct PlanArgs {
    /// Files to read, in this order; `-` for standard input
    #[arg(value_name = "INPUT", required = true)]
    pub inputs: Vec<PathBuf>,

    /// Save the plan to this file, for `apply`
    #[arg(short, long, value_name = "FILE", env = "HCSYNC_OUT")]
    pub out: Option<PathBuf>,

    /// Exit 6 if there are changes; 3 if rows were rejected goes before it
    #[arg(long, env = "HCSYNC_DETAILED_EXITCODE", value_parser = BoolishValueParser::new())]
    pub detailed_exitcode: bool,

    /// Plan against this file, made by `export`, instead of the API or a sandbox; needs no key
    #[arg(long, value_name = "FILE", env = "HCSYNC_REMOTE_FILE")]
    pub remote_file: Option<PathBuf>,

    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub state: StateArgs,
    #[command(flatten)]
    pub connection: ConnectionArgs,
    #[command(flatten)]
    pub sandbox: SandboxArg,
    #[command(flatten)]
    pub rows: RowsArgs,
    #[command(flatten)]
    pub budget: BudgetArgs,
    #[command(flatten)]
    pub safety: SafetyArgs,
    #[command(flatten)]
    pub report: ReportArgs,
    #[command(flatten)]
    pub examples: ExamplesArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub progress: ProgressArgs,
    #[command(flatten)]
    pub log: LogArgs,
}

/// Shows a saved plan or a run again, without the API
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync show monday.plan
  hcsync show 20261120-031244-7f3a --changes changes.csv
  hcsync show monday.plan --output json")]
pub struct ShowArgs {
    /// A plan file, or the id of a run as `runs` lists it
    #[arg(value_name = "PLAN|RUN")]
    pub target: String,

    #[command(flatten)]
    pub state: StateArgs,
    #[command(flatten)]
    pub changes: ChangesArg,
    #[command(flatten)]
    pub examples: ExamplesArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub log: LogArgs,
}

/// Applies a saved plan, exactly it
///
/// A plan file that was changed, cut, made for another account or applied already is refused. Rows whose
/// customers changed since are not sent, but reported as stale.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync apply monday.plan
  hcsync apply monday.plan --digest \"$APPROVED\" --yes
  hcsync apply monday.plan --max-duration 2h --summary summary.json")]
pub struct ApplyArgs {
    /// The file that `plan --out` saved
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,

    /// Refuse any plan but the one with this digest
    #[arg(long, value_name = "SHA256", env = "HCSYNC_DIGEST", value_parser = values::digest)]
    pub digest: Option<String>,

    #[command(flatten)]
    pub same_account: SameAccountArg,
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub state: StateArgs,
    #[command(flatten)]
    pub connection: ConnectionArgs,
    #[command(flatten)]
    pub sandbox: SandboxArg,
    #[command(flatten)]
    pub budget: BudgetArgs,
    #[command(flatten)]
    pub safety: SafetyArgs,
    #[command(flatten)]
    pub ask: AskArgs,
    #[command(flatten)]
    pub report: ReportArgs,
    #[command(flatten)]
    pub examples: ExamplesArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub progress: ProgressArgs,
    #[command(flatten)]
    pub log: LogArgs,
}

#[derive(Debug, Clone, Default, Args)]
pub struct SameAccountArg {
    /// The key or address is a new one of the same account; checked against a known customer
    #[arg(long, env = "HCSYNC_SAME_ACCOUNT", value_parser = BoolishValueParser::new())]
    pub same_account: bool,
}

/// Goes on with an interrupted or crashed run
///
/// What was done is not sent again, rows that failed are left alone.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync resume                                   the newest run that can be resumed
  hcsync resume 20261120-031244-7f3a
  hcsync resume --max-duration 2h")]
pub struct ResumeArgs {
    /// Id of the run [default: the newest that can be resumed]
    #[arg(value_name = "RUN")]
    pub run: Option<String>,

    #[command(flatten)]
    pub same_account: SameAccountArg,
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub state: StateArgs,
    #[command(flatten)]
    pub connection: ConnectionArgs,
    #[command(flatten)]
    pub budget: BudgetArgs,
    #[command(flatten)]
    pub report: ReportArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub progress: ProgressArgs,
    #[command(flatten)]
    pub log: LogArgs,
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
    pub output: OutputArgs,
    #[command(flatten)]
    pub log: LogArgs,
}

/// Pulls all customers, as JSONL or as CSV that can be fed back
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync export > customers.jsonl
  hcsync export -o customers.csv                  feeding it back plans nothing")]
pub struct ExportArgs {
    /// File to write, .jsonl or .csv by its ending [default: JSONL to standard output]
    #[arg(short, long, value_name = "FILE", env = "HCSYNC_OUT", value_parser = values::table_file)]
    pub out: Option<PathBuf>,

    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub state: StateArgs,
    #[command(flatten)]
    pub connection: ConnectionArgs,
    #[command(flatten)]
    pub sandbox: SandboxArg,
    #[command(flatten)]
    pub progress: ProgressArgs,
    #[command(flatten)]
    pub log: LogArgs,
}

/// Finds out how this account's API behaves where its documentation is silent
///
/// It does so with one throwaway customer, which it deletes again. What it finds is kept for the account and makes
/// later runs cheaper.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync probe
  hcsync probe --show                             what is known, without the API")]
pub struct ProbeArgs {
    /// Show what was found the last time, and send nothing
    #[arg(long, env = "HCSYNC_SHOW", value_parser = BoolishValueParser::new())]
    pub show: bool,

    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub state: StateArgs,
    #[command(flatten)]
    pub connection: ConnectionArgs,
    #[command(flatten)]
    pub sandbox: SandboxArg,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub log: LogArgs,
}

/// Validates config, input and, if there is one, the key, without writing anything
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync check                                    config and key
  hcsync check customers.csv                      and every row of the input
  hcsync check -c staging.toml customers.csv")]
pub struct CheckArgs {
    /// Files to read; `-` for standard input
    #[arg(value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,

    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub connection: ConnectionArgs,
    #[command(flatten)]
    pub sandbox: SandboxArg,
    #[command(flatten)]
    pub rows: RowsArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub log: LogArgs,
}

/// Proposes a config from the input's columns; never over an existing file
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync init customers.csv                       to standard output
  hcsync init customers.csv -o hcsync.toml")]
pub struct InitArgs {
    /// File whose columns are looked at
    #[arg(value_name = "INPUT")]
    pub input: PathBuf,

    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE", env = "HCSYNC_OUT")]
    pub out: Option<PathBuf>,

    #[command(flatten)]
    pub log: LogArgs,
}

/// Serves a local HelpCrunch API on a loopback port, with customers in memory
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync sandbox                                  prints the URL that it listens on
  hcsync sandbox --listen 127.0.0.1:8080 --customers customers.jsonl
  hcsync sandbox --set patch-custom-data=replace --faults faults.toml --seed 7")]
pub struct SandboxArgs {
    /// Loopback address to listen on; port 0: any free one
    #[arg(long, value_name = "ADDRESS", env = "HCSYNC_LISTEN", default_value = "127.0.0.1:0", value_parser = values::loopback)]
    pub listen: SocketAddr,

    /// Customers to begin with, JSONL as `export` writes it [default: a bundled set]
    #[arg(long, value_name = "FILE", env = "HCSYNC_CUSTOMERS")]
    pub customers: Option<PathBuf>,

    /// Requests a minute before it answers 429
    #[arg(long, value_name = "N", env = "HCSYNC_REQUESTS_PER_MINUTE", default_value_t = 120, value_parser = value_parser!(u32).range(1..))]
    pub requests_per_minute: u32,

    /// Seed of the fault schedule; the same seed gives the same faults
    #[arg(long, value_name = "N", env = "HCSYNC_SEED", default_value_t = 0)]
    pub seed: u64,

    /// Faults to answer with: statuses, cuts, delays, HTML, Retry-After (TOML)
    #[arg(long, value_name = "FILE", env = "HCSYNC_FAULTS")]
    pub faults: Option<PathBuf>,

    /// A key that is answered with 401; every other non-empty key is taken
    #[arg(
        long,
        value_name = "KEY",
        env = "HCSYNC_REFUSE_KEY",
        hide_env_values = true
    )]
    pub refuse_key: Option<String>,

    /// Set a switch of undocumented behaviour; may be given several times, or separated by `;`
    #[arg(
        long = "set",
        value_name = "NAME=VALUE",
        env = "HCSYNC_SET",
        value_delimiter = ';'
    )]
    pub settings: Vec<Setting>,

    #[command(flatten)]
    pub log: LogArgs,
}

/// Prints shell completions
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync completions bash > ~/.local/share/bash-completion/completions/hcsync
  hcsync completions fish > ~/.config/fish/completions/hcsync.fish")]
pub struct CompletionsArgs {
    /// The shell to complete in
    pub shell: Shell,
}
