//! `hcsync runs`: lists the runs of the state directory, and removes old ones.

use std::time::{Duration, SystemTime};

use crate::cli::args::{RunsArgs, When};
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure, chain};
use crate::cli::session::{named_state_dir, state_failure};
use crate::cli::shell::{path_option, quoted};
use crate::journal::{ListedRun, Pruned, RunDir, RunMeta, RunState, StateDir};
use crate::report::{RunEntry, RunsList, render_runs, write_runs};

pub(in crate::cli) fn run(args: &RunsArgs) -> Exit {
    let console = Console::new(args.output.output, When::Never, &args.log);
    match list(args, &console) {
        Ok(exit) => exit,
        Err(failure) => {
            console.fail(&failure);
            failure.exit
        }
    }
}

fn list(args: &RunsArgs, console: &Console) -> Result<Exit, Failure> {
    let state = named_state_dir(args.state.state_dir.as_deref())?;
    let pruned = match args.prune {
        Some(age) => Some(prune(&state, age).map_err(|e| state_failure(&e))?),
        None => None,
    };
    let runs = state.list_runs().map_err(|e| state_failure(&e))?;
    let resume = |meta: &RunMeta| resume_command(meta, args.state.state_dir.as_deref());
    let failed: Vec<String> = pruned
        .iter()
        .flat_map(|p| &p.failed)
        .map(|e| chain(e))
        .collect();
    let list = RunsList {
        folder: state.runs().display().to_string(),
        runs: runs.iter().map(|run| entry(run, resume)).collect(),
        removed: pruned.map(|p| p.removed.iter().map(ToString::to_string).collect()),
        not_removed: failed,
    };
    if console.is_json() {
        let mut json = Vec::new();
        if write_runs(&mut json, &list).is_ok() {
            console.print(&String::from_utf8_lossy(&json));
        }
    } else {
        console.print(&render_runs(&list, console.view()));
    }
    Ok(if list.not_removed.is_empty() {
        Exit::Done
    } else {
        Exit::NotFinished
    })
}

fn entry(run: &ListedRun, resume: impl Fn(&RunMeta) -> String) -> RunEntry {
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
    RunEntry {
        run_id: meta.run_id.to_string(),
        created_at: Some(meta.created_at.clone()),
        ended_at: meta.ended_at.clone(),
        command: Some(meta.command.clone()),
        dry_run: meta.dry_run,
        state: state_name(&meta.state).to_owned(),
        superseded_by: match &meta.state {
            RunState::Superseded { by } => Some(by.to_string()),
            _ => None,
        },
        exit_code: meta.exit_code,
        inputs: meta.inputs.iter().map(|i| i.path.clone()).collect(),
        counts: meta.counts.clone(),
        resume: meta.is_resumable().then(|| resume(meta)),
        problem: None,
        path,
    }
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

/// The command that goes on with a run, in any folder.
pub(super) fn resume_command(meta: &RunMeta, state_dir: Option<&std::path::Path>) -> String {
    let dir = state_dir.map(|dir| format!(" {}", path_option("--state-dir", dir)));
    let config = meta.config.pointer("/started/config/config");
    let config = config.and_then(|path| path.as_str());
    let config = config.map(|path| format!(" --config {}", quoted(path)));
    format!(
        "hcsync resume {}{}{}",
        meta.run_id,
        config.unwrap_or_default(),
        dir.unwrap_or_default()
    )
}

fn prune(state: &StateDir, age: Duration) -> Result<Pruned, crate::journal::StateError> {
    let now = jiff::Timestamp::try_from(SystemTime::now()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    state.prune_runs(now, age)
}

/// `[state] keep`: removes finished runs that are older, at the end of the run in `run`. What goes wrong is said in
/// the log and changes no exit code: the work of the run itself is done.
pub(in crate::cli) fn prune_old(run: &RunDir, keep: Duration) {
    let Some(root) = run.path().parent().and_then(std::path::Path::parent) else {
        return;
    };
    let pruned = match prune(&StateDir::at(root), keep) {
        Ok(pruned) => pruned,
        Err(error) => {
            tracing::warn!(error = chain(&error), "old runs could not be looked for");
            return;
        }
    };
    for id in &pruned.removed {
        tracing::info!(run = %id, "an old run was removed, as state.keep says");
    }
    for error in &pruned.failed {
        tracing::warn!(error = chain(error), "an old run could not be removed");
    }
}
