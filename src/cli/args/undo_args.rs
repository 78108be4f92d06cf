use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::commands::{ApplyArgs, SameAccountArg};
use super::connection_options::{ConnectionArgs, SandboxArg};
use super::options::{
    AskArgs, BudgetArgs, CanaryArgs, ConfigArgs, ExamplesArgs, LogArgs, OutputArgs, ProgressArgs,
    ReportArgs, SafetyArgs, StateArgs,
};

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
    pub config: ConfigArgs,
    #[command(flatten)]
    pub state: StateArgs,
    #[command(flatten)]
    pub connection: ConnectionArgs,
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

impl UndoArgs {
    /// The arguments that apply the plan of the undo.
    pub fn to_apply(&self, plan: PathBuf) -> ApplyArgs {
        let args = self.clone();
        ApplyArgs {
            plan,
            digest: None,
            same_account: args.same_account,
            config: args.config,
            state: args.state,
            connection: args.connection,
            sandbox: SandboxArg::default(),
            budget: args.budget,
            canary: CanaryArgs::default(),
            safety: args.safety,
            ask: args.ask,
            report: args.report,
            examples: args.examples,
            output: args.output,
            progress: args.progress,
            log: args.log,
        }
    }
}
