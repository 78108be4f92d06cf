use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::account_options::{AccountArgs, SandboxArg};
use super::commands::{ApplyArgs, SameAccountArg};
use super::option_group::overrides_of;
use super::options::{AskArgs, BudgetArgs, CanaryArgs, ExamplesArgs, SafetyArgs};
use super::output_options::ConsoleArgs;
use super::report_options::ReportArgs;
use crate::config::Overrides;

/// Takes a run back where its changes were not edited since
///
/// Each field, property and tag that the run changed goes back to what it was, if the customer still has what the run wrote.
/// What was edited since stays, and is listed. Customers that the run created get a tag, unless --delete-created is given.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync undo 20261120T031244Z-k3f9                ask, then take it back
  hcsync undo 20261120T031244Z-k3f9 --delete-created
                                                  and delete the customers that it created
  hcsync undo 20261120T031244Z-k3f9 --out undo.plan
                                                  only make the plan, for `apply`")]
pub struct UndoArgs {
    /// Id of the run; `hcsync runs` lists them
    #[arg(value_name = "RUN")]
    pub run: String,

    /// Save the plan to this file, for `apply`, and send nothing
    #[arg(short, long, value_name = "FILE", env = "HCSYNC_OUT")]
    pub out: Option<PathBuf>,

    /// Delete the customers that the run created and that were not edited or used since; the others get the tag
    #[arg(long, env = "HCSYNC_DELETE_CREATED", value_parser = BoolishValueParser::new())]
    pub delete_created: bool,

    #[command(flatten)]
    pub same_account: SameAccountArg,
    #[command(flatten)]
    pub account: AccountArgs,
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
    pub console: ConsoleArgs,
}

impl UndoArgs {
    /// What its options say.
    pub fn overrides(&self) -> Overrides {
        overrides_of(&[
            &self.account,
            &self.budget,
            &self.safety,
            &self.report,
            &self.examples,
        ])
    }

    /// The arguments that apply the plan of the undo.
    pub fn to_apply(&self, plan: PathBuf) -> ApplyArgs {
        let args = self.clone();
        ApplyArgs {
            plan,
            digest: None,
            same_account: args.same_account,
            account: args.account,
            sandbox: SandboxArg::default(),
            budget: args.budget,
            canary: CanaryArgs::default(),
            safety: args.safety,
            ask: args.ask,
            report: args.report,
            examples: args.examples,
            console: args.console,
        }
    }
}
