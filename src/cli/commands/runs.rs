//! `hcsync runs`: lists the runs of the state directory, and removes old ones.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::cli::args::{RunsArgs, StateArgs};
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure, chain};
use crate::cli::reports::{RunReport, input_names};
use crate::cli::resume_command::resume_command_of;
use crate::cli::run_status::{LockHolders, status_of};
use crate::cli::saved_settings::SavedSettings;
use crate::cli::shared_state::{open_database, refreshed_state_dir, state_config_of};
use crate::config::StateConfig;
use crate::domain::RunId;
use crate::journal::{
    AccountId, ListedRun, Pruned, RunDir, RunMeta, RunState, StateDir, StateError,
};
use crate::postgres::{PulledRuns, remove_runs};
use crate::report::{RunEntry, RunStatus, RunsList, render_runs, runs_headline, write_runs};

pub(in crate::cli) async fn run(args: &RunsArgs) -> Exit {
    let console = Console::from(&args.console);
    console.exit_code(list(args, &console).await)
}

async fn list(args: &RunsArgs, console: &Console) -> Result<Exit, Failure> {
    let config = state_config_of(&args.state)?;
    let state_dir = args.state.state_dir.as_deref();
    let state = refreshed_state_dir(state_dir, &config, PulledRuns::Facts).await?;
    let pruned = args.prune.map(|age| prune(&state, age, 0)).transpose()?;
    if let Some(pruned) = &pruned
        && let Some(database) = open_database(&config).await?
    {
        remove_runs(&database, &pruned.removed).await?;
    }
    let failed = pruned.iter().flat_map(|p| &p.failed);
    let not_removed: Vec<String> = failed.map(|e| chain(e)).collect();
    let runs = state.list_runs()?;
    let holders = LockHolders::find(&state)?.with_leases(&config).await?;
    let organizations = organizations(&state)?;
    let list = RunsList {
        folder: state.runs().display().to_string(),
        runs: runs
            .iter()
            .map(|run| {
                let account = run
                    .meta
                    .as_ref()
                    .ok()
                    .and_then(|meta| meta.account.as_ref());
                RunEntry {
                    organization: account.and_then(|id| organizations.get(id).cloned()),
                    ..entry(run, &holders, &args.state)
                }
            })
            .collect(),
        removed: pruned.map(|p| p.removed.iter().map(ToString::to_string).collect()),
        not_removed,
    };
    console.print_result(
        |out| write_runs(out, &list),
        || runs_headline(&list),
        |view| render_runs(&list, view),
    );
    Ok(if list.not_removed.is_empty() {
        Exit::Done
    } else {
        Exit::NotFinished
    })
}

/// What HelpCrunch calls the accounts that have runs here.
fn organizations(state: &StateDir) -> Result<HashMap<AccountId, String>, Failure> {
    let mut names = HashMap::new();
    for id in state.list_accounts()? {
        if let Some(found) = state
            .account(&id)
            .read()?
            .and_then(|meta| meta.organization)
        {
            names.insert(id, found.name);
        }
    }
    Ok(names)
}

pub(super) fn entry(run: &ListedRun, holders: &LockHolders, state: &StateArgs) -> RunEntry {
    let path = run.dir.path().display().to_string();
    let meta = match &run.meta {
        Ok(meta) => meta,
        Err(error) => {
            return RunEntry {
                run_id: run.name.clone(),
                state: "unreadable".to_owned(),
                problem: Some(chain(error)),
                path,
                ..RunEntry::default()
            };
        }
    };
    let status = status_of(run, meta, holders);
    RunEntry {
        run_id: meta.run_id.to_string(),
        status: Some(status),
        created_at: Some(meta.created_at.clone()),
        ended_at: meta.ended_at.clone(),
        command: Some(meta.command.clone()),
        organization: None,
        dry_run: meta.dry_run,
        state: state_name(&meta.state).to_owned(),
        superseded_by: match &meta.state {
            RunState::Superseded { by } => Some(by.to_string()),
            _ => None,
        },
        undoes: SavedSettings::of_run(meta)
            .ok()
            .and_then(|saved| Some(saved.undoes?.to_string())),
        exit_code: meta.exit_code,
        inputs: meta.inputs.iter().map(|i| i.path.clone()).collect(),
        counts: counts(run, meta, status),
        resume: meta
            .is_resumable()
            .then_some(())
            .filter(|()| status != RunStatus::Running)
            .map(|()| resume_command_of(meta, state)),
        problem: None,
        path,
    }
}

/// The run's figures. Those of an interrupted one are what its journal shows: it had no time to note them.
fn counts(run: &ListedRun, meta: &RunMeta, status: RunStatus) -> serde_json::Value {
    if status != RunStatus::Interrupted {
        return meta.counts.clone();
    }
    let report = RunReport {
        dir: &run.dir,
        sources: &input_names(meta),
        dialects: &[],
        dry_run: false,
        rows: None,
        all_rows: None,
    };
    let counted = report.tally().map(|tally| tally.counts());
    counted.map_or_else(
        |_| meta.counts.clone(),
        |counts| serde_json::to_value(counts).unwrap_or_default(),
    )
}

pub(super) fn state_name(state: &RunState) -> &'static str {
    match state {
        RunState::Planning => "planning",
        RunState::Planned => "planned",
        RunState::Applying => "applying",
        RunState::Stopped => "stopped",
        RunState::Finished => "finished",
        RunState::Superseded { .. } => "superseded",
    }
}

fn prune(state: &StateDir, age: Duration, max_bytes: u64) -> Result<Pruned, StateError> {
    let now = jiff::Timestamp::try_from(SystemTime::now()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    state.prune_runs(now, age, max_bytes)
}

/// Removes finished runs older than `[state] keep`, and the oldest ones beyond `keep_bytes`, from the state directory that
/// `run` is in. Returns the removed runs. Errors are only logged: the work of the command is done.
pub(in crate::cli) fn prune_old(run: &RunDir, state: &StateConfig) -> Vec<RunId> {
    let Some(root) = run.path().parent().and_then(Path::parent) else {
        return Vec::new();
    };
    let pruned = match prune(&StateDir::at(root), state.keep, state.keep_bytes) {
        Ok(pruned) => pruned,
        Err(error) => {
            tracing::warn!(error = chain(&error), "could not look for old runs");
            return Vec::new();
        }
    };
    for id in &pruned.removed {
        tracing::info!(run = %id, "an old run was removed, as state.keep and keep_bytes say");
    }
    for error in &pruned.failed {
        tracing::warn!(error = chain(error), "could not remove an old run");
    }
    pruned.removed
}
