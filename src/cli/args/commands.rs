//! The commands that plan or write customers: for each a struct with its own options and the groups that it uses.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;
use serde::{Deserialize, Serialize};

use super::account_options::{AccountArgs, SandboxArg};
use super::option_group::overrides_of;
use super::options::{
    AskArgs, BudgetArgs, CanaryArgs, DecisionsArg, ExamplesArgs, ReadingArgs, RowsArgs, SafetyArgs,
};
use super::output_options::ConsoleArgs;
use super::report_options::ReportArgs;
use super::values;
use crate::config::Overrides;

/// Plans the whole input, checks it against the safety limits, then applies it
///
/// The plan is shown, and you are asked once before anything is written. Without a terminal to ask at, changes are sent only
/// with --yes. A second sync right after the first writes nothing.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[command(after_help = "\
Examples:
  hcsync sync customers.csv
  hcsync sync --dry-run customers.csv             plan only, nothing is written
  hcsync sync --yes --max-duration 2h *.csv       unattended, within a window
  zcat dump.jsonl.gz | hcsync sync --yes -        from standard input
  hcsync sync --sandbox customers.csv             against a sandbox, without an account")]
pub struct SyncArgs {
    /// Files to read, in this order; `-` for standard input [default: input.files, or what input.command prints]
    #[arg(value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,

    /// Stop after the plan: nothing is written remotely
    #[arg(short = 'n', long, env = "HCSYNC_DRY_RUN", value_parser = BoolishValueParser::new())]
    pub dry_run: bool,

    #[command(flatten)]
    #[serde(flatten)]
    pub planning: PlanningArgs,
    #[command(flatten)]
    #[serde(flatten)]
    pub canary: CanaryArgs,
    #[command(flatten)]
    pub ask: AskArgs,
    #[command(flatten)]
    #[serde(flatten)]
    pub console: ConsoleArgs,
}

/// The options of a command that makes a plan.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
pub struct PlanningArgs {
    #[command(flatten)]
    #[serde(flatten)]
    pub account: AccountArgs,
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
}

impl PlanningArgs {
    /// What its options say.
    pub fn overrides(&self) -> Overrides {
        overrides_of(&[
            &self.account,
            &self.sandbox,
            &self.decisions,
            &self.rows,
            &self.reading,
            &self.budget,
            &self.safety,
            &self.report,
            &self.examples,
        ])
    }
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
    /// Files to read, in this order; `-` for standard input [default: input.files, or what input.command prints]
    #[arg(value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,

    /// Save the plan to this file, for `apply`
    #[arg(short, long, value_name = "FILE", env = "HCSYNC_OUT")]
    pub out: Option<PathBuf>,

    /// Exit 6 if there are changes, unless rows were rejected (exit 3)
    #[arg(long, env = "HCSYNC_DETAILED_EXITCODE", value_parser = BoolishValueParser::new())]
    pub detailed_exitcode: bool,

    /// Plan against this file, made by `export`, instead of the API or a sandbox; needs no key
    #[arg(long, value_name = "FILE", env = "HCSYNC_REMOTE_FILE")]
    pub remote_file: Option<PathBuf>,

    #[command(flatten)]
    pub planning: PlanningArgs,
    #[command(flatten)]
    pub console: ConsoleArgs,
}

/// Applies a saved plan exactly as saved
///
/// A plan file that was changed, cut short, made for another account or applied already is refused. Rows whose
/// customers changed since are not sent; they are reported as failed (stale).
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
    pub account: AccountArgs,
    #[command(flatten)]
    pub sandbox: SandboxArg,
    #[command(flatten)]
    pub budget: BudgetArgs,
    #[command(flatten)]
    pub canary: CanaryArgs,
    #[command(flatten)]
    pub safety: SafetyArgs,
    #[command(flatten)]
    pub ask: AskArgs,
    #[command(flatten)]
    pub report: ReportArgs,
    #[command(flatten)]
    pub examples: ExamplesArgs,
    #[command(flatten)]
    pub console: ConsoleArgs,
}

impl ApplyArgs {
    /// What its options say.
    pub fn overrides(&self) -> Overrides {
        overrides_of(&[
            &self.account,
            &self.sandbox,
            &self.budget,
            &self.safety,
            &self.report,
            &self.examples,
        ])
    }
}

#[derive(Debug, Clone, Default, Args)]
pub struct SameAccountArg {
    /// The key or address is new, but the account is the same; checked against a known customer
    #[arg(long, env = "HCSYNC_SAME_ACCOUNT", value_parser = BoolishValueParser::new())]
    pub same_account: bool,
}

/// Resumes an interrupted or crashed run
///
/// Finished operations are not sent again, and failed rows are not retried.
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
    pub ask: AskArgs,
    #[command(flatten)]
    pub same_account: SameAccountArg,
    #[command(flatten)]
    pub account: AccountArgs,
    #[command(flatten)]
    pub budget: BudgetArgs,
    #[command(flatten)]
    pub report: ReportArgs,
    #[command(flatten)]
    pub console: ConsoleArgs,
}

impl ResumeArgs {
    /// What its options say.
    pub fn overrides(&self) -> Overrides {
        overrides_of(&[&self.account, &self.budget, &self.report])
    }
}
