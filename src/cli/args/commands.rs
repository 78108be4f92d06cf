//! The commands that speak with the API, a struct each: its own options and the groups that it obeys.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;
use serde::{Deserialize, Serialize};

use super::options::{
    AskArgs, BudgetArgs, ConfigArgs, ConnectionArgs, DecisionsArg, ExamplesArgs, LogArgs,
    OutputArgs, ProgressArgs, ReadingArgs, ReportArgs, RowsArgs, SafetyArgs, SandboxArg, StateArgs,
};
use super::values;

/// Plans the whole input, checks it against the safety limits, then applies it
///
/// At a terminal the plan is shown and asked about once before anything is written. A second sync right after
/// the first writes nothing.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
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
    pub decisions: DecisionsArg,
    #[command(flatten)]
    pub rows: RowsArgs,
    #[command(flatten)]
    pub reading: ReadingArgs,
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
    pub decisions: DecisionsArg,
    #[command(flatten)]
    pub rows: RowsArgs,
    #[command(flatten)]
    pub reading: ReadingArgs,
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
  hcsync resume 20261120T031244Z-k3f9
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
    pub output: OutputArgs,
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
    pub ask: AskArgs,
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
    pub state: StateArgs,
    #[command(flatten)]
    pub connection: ConnectionArgs,
    #[command(flatten)]
    pub sandbox: SandboxArg,
    #[command(flatten)]
    pub rows: RowsArgs,
    #[command(flatten)]
    pub examples: ExamplesArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub log: LogArgs,
}
