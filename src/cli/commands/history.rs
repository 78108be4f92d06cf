//! `hcsync history`: the runs of each account over time, from their summaries.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use crate::cli::args::HistoryArgs;
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure, OrFail as _};
use crate::cli::overlap::FilesInUse;
use crate::cli::shared_state::{refreshed_state_dir, state_config_of};
use crate::journal::StateDir;
use crate::platform::{AtomicFile, read_file};
use crate::postgres::PulledRuns;
use crate::report::{
    AccountHistory, HistoryReport, Summary, account_history_headline, render_account_history,
    write_account_history, write_history_page,
};

pub(in crate::cli) async fn run(args: &HistoryArgs) -> Exit {
    let console = Console::from(&args.console);
    console.exit_code(history(args, &console).await.map(|()| Exit::Done))
}

async fn history(args: &HistoryArgs, console: &Console) -> Result<(), Failure> {
    let report = report(args).await?;
    if let Some(path) = &args.out {
        FilesInUse::default().writes("--out", path)?;
        write_page(path, &report, console)?;
        console.say(&format!("history written: {}", path.display()));
        return Ok(());
    }
    console.print_result(
        |out| write_account_history(out, &report),
        || account_history_headline(&report),
        |view| render_account_history(&report, view),
    );
    Ok(())
}

async fn report(args: &HistoryArgs) -> Result<HistoryReport, Failure> {
    let config = state_config_of(&args.state)?;
    let state_dir = args.state.state_dir.as_deref();
    let state = refreshed_state_dir(state_dir, &config, PulledRuns::Facts).await?;
    history_of(&state)
}

/// The runs in a state directory that could write, by account.
pub(super) fn history_of(state: &StateDir) -> Result<HistoryReport, Failure> {
    let mut runs = state.list_runs()?;
    runs.reverse();
    let mut unreadable = Vec::new();
    let mut accounts: BTreeMap<String, Vec<Summary>> = BTreeMap::new();
    for run in runs {
        // A run without a summary is under way, or was killed.
        let Some(bytes) = read_file(&run.dir.summary()).or_not_finished("run")? else {
            continue;
        };
        let Ok(summary) = serde_json::from_slice::<Summary>(&bytes) else {
            unreadable.push(run.name);
            continue;
        };
        let target = summary.target.as_ref();
        let id = target
            .filter(|t| !t.sandbox && !summary.dry_run)
            .and_then(|t| t.account_id.clone());
        if let Some(id) = id {
            accounts.entry(id).or_default().push(summary);
        }
    }
    let accounts = accounts.into_iter();
    let accounts = accounts.map(|(id, runs)| AccountHistory::new(id, runs));
    Ok(HistoryReport {
        folder: state.runs().display().to_string(),
        accounts: accounts.collect(),
        unreadable,
    })
}

pub(super) fn write_page(
    path: &Path,
    report: &HistoryReport,
    console: &Console,
) -> Result<(), Failure> {
    let mut file = AtomicFile::create_output(path).or_usage("output")?;
    let written = write_history_page(&mut file, report, console.view());
    written
        .and_then(|()| file.flush())
        .or_not_finished("output")?;
    file.commit().or_not_finished("output")
}
