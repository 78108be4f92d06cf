//! `hcsync demo`: syncs the built-in sample against the in-process sandbox.

use std::io::Write as _;

use tempfile::NamedTempFile;

use crate::cli::args::{
    AccountArgs, AskArgs, CanaryArgs, ConfigArgs, ConsoleArgs, DemoArgs, PlanningArgs,
    ProgressArgs, SandboxArg, SyncArgs, When,
};
use crate::cli::command_runner::CommandRunner;
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure, OrFail as _};
use crate::cli::inputs::Inputs;
use crate::cli::session::Session;

use super::sync::sync;

const SAMPLE: &str = include_str!("../../../sample-data/customers.csv");

pub(in crate::cli) async fn run(args: &DemoArgs) -> Exit {
    let console = Console::new(args.console.output.output, When::Auto, &args.console.log);
    let work = async |session: &mut Session| demo(session, args).await;
    CommandRunner::new("demo", console).run(work).await
}

async fn demo(session: &mut Session, args: &DemoArgs) -> Result<Exit, Failure> {
    session.console.say(
        "demo: 300 made-up rows against 200 made-up customers, in a sandbox within this process; nothing leaves this machine",
    );
    let mut sample = NamedTempFile::new().or_not_finished("input")?;
    sample
        .write_all(SAMPLE.as_bytes())
        .or_not_finished("input")?;
    // A config that lies in the current folder is made for other columns.
    let config = tempfile::Builder::new()
        .prefix("demo-")
        .suffix(".toml")
        .tempfile();
    let config = config.or_not_finished("config")?;
    let inputs = Inputs::of_spool("customers.csv".to_owned(), sample);
    let sync_args = sync_args(args, config.path().to_owned());
    let exit = Box::pin(sync(session, &sync_args, Some(inputs))).await?;
    session.console.say(
        "some rows of the sample are bad on purpose; next: `hcsync sync --sandbox FILE` tries your own file in the same way",
    );
    Ok(match exit {
        Exit::RowProblems => Exit::Done,
        exit => exit,
    })
}

/// The arguments of a sync against the sandbox, whatever the variables of options say.
fn sync_args(args: &DemoArgs, config: std::path::PathBuf) -> SyncArgs {
    let planning = PlanningArgs {
        account: AccountArgs {
            config: ConfigArgs {
                config: Some(config),
                ..ConfigArgs::default()
            },
            state: args.state.clone(),
            ..AccountArgs::default()
        },
        sandbox: SandboxArg {
            sandbox: true,
            ..SandboxArg::default()
        },
        examples: args.examples.clone(),
        decisions: Default::default(),
        rows: Default::default(),
        reading: Default::default(),
        budget: Default::default(),
        safety: Default::default(),
        report: Default::default(),
    };
    SyncArgs {
        inputs: Vec::new(),
        dry_run: false,
        planning,
        canary: CanaryArgs::default(),
        ask: AskArgs {
            yes: true,
            confirm: false,
        },
        console: ConsoleArgs {
            output: args.console.output.clone(),
            progress: ProgressArgs::default(),
            log: args.console.log.clone(),
        },
    }
}
