//! Finds the run to resume, and reads what it saved.

use std::fs::File;
use std::io::BufReader;

use crate::cli::exit::{Exit, Failure, OrFail as _, chain};
use crate::cli::saved_settings::SavedSettings;
use crate::cli::session::Session;
use crate::config::{LoadedConfig, Overrides, Settings};
use crate::domain::RunId;
use crate::journal::{Recovered, RunDir, RunMeta, RunState, StateDir, recover_file};
use crate::plan::codec::{LaneReader, VerifiedPlan, verify};
use crate::platform::open_file;
use crate::report::EstimateFacts;

/// Returns the run with this id, or the newest run that can be resumed.
pub(super) fn find(state: &StateDir, id: Option<&str>) -> Result<(RunDir, RunMeta), Failure> {
    let Some(id) = id else {
        let mut runs = state.open_runs(None)?.into_iter();
        return runs.find(|(_, meta)| meta.is_resumable()).ok_or_else(|| {
            Failure::usage("no interrupted run to resume").hint("`hcsync runs` lists all runs")
        });
    };
    let id = RunId::new(id).map_err(Failure::usage)?;
    let dir = state.run(&id).or_usage("usage");
    let dir = dir.map_err(|failure| failure.hint("`hcsync runs` lists all runs"))?;
    let meta = dir.read_meta()?;
    let refuse = |message: String| Err(Failure::usage(format!("run {id} {message}")));
    match &meta.state {
        RunState::Superseded { by } => {
            refuse(format!("cannot be resumed: run {by} took its place"))
        }
        RunState::Finished => refuse("is finished: there is nothing to resume".into()),
        _ if meta.dry_run => refuse("writes nothing: there is nothing to resume".into()),
        _ if meta.is_resumable() => Ok((dir, meta)),
        _ => refuse(format!(
            "was interrupted before it sent anything: run the {} again",
            meta.command
        )),
    }
}

/// Loads the config that is named now, or the one that the run was started with, even if that file does not exist any
/// more.
pub(super) fn load(
    session: &mut Session,
    mut overrides: Overrides,
    saved: &SavedSettings,
) -> Result<LoadedConfig, Failure> {
    let then = saved.config_file.as_deref().zip(saved.config.as_deref());
    let (Some((file, text)), false) = (then, overrides.is_config_named()) else {
        return session.load(&overrides);
    };
    if file.is_file() {
        overrides.config = Some(file.to_owned());
        return session.load(&overrides);
    }
    session.load_saved(file, text, &overrides)
}

/// Uses the run's address, account and limits, unless options override them.
pub(super) fn apply_run_settings(
    settings: &mut Settings,
    overrides: &Overrides,
    meta: &RunMeta,
    saved: &SavedSettings,
) {
    let is_free = |key| overrides.of_key(key).is_none();
    if is_free("api.base_url") {
        settings.api.base_url.clone_from(&meta.base_url);
    }
    if is_free("api.account") {
        settings.api.account.clone_from(&saved.account_name);
    }
    if is_free("limits.requests_per_minute") {
        settings.limits.requests_per_minute = saved.requests_per_minute;
    }
    if is_free("limits.concurrency") {
        settings.limits.concurrency = saved.concurrency;
    }
}

/// Checks the run's plan, and fills in the summary, which is about the whole run and not only its last part.
pub(super) fn summarize_plan(
    session: &mut Session,
    dir: &RunDir,
    meta: &RunMeta,
    saved: &SavedSettings,
) -> Result<(), Failure> {
    let plan = verified_plan(dir, meta)?;
    let rows = meta.inputs.iter().filter_map(|input| input.rows).sum();
    let rows = match meta.has_saved_plan() {
        true => lane_count(dir).unwrap_or(rows),
        false => rows,
    };
    let bytes = meta.inputs.iter().filter_map(|input| input.bytes).sum();
    session.set_input(rows, bytes);
    session.summary.plan_digest.clone_from(&meta.plan_digest);
    session.summary.estimate = EstimateFacts {
        requests: saved.estimate.0,
        duration_s: saved.estimate.1,
    };
    session.summary.planned = plan.end.counts;
    session.summary.remote = plan.header.remote;
    Ok(())
}

fn verified_plan(dir: &RunDir, meta: &RunMeta) -> Result<VerifiedPlan, Failure> {
    let unusable = |why: String| {
        let message = format!("run {}: its plan cannot be used: {why}", meta.run_id);
        Failure::new(Exit::Usage, "bad_plan", message).hint(
            "restore the run's plan.jsonl from a copy, or start a new run, which settles what this one left in doubt",
        )
    };
    let file = open_file(&dir.plan()).map_err(|e| unusable(chain(&e)))?;
    let plan = verify(BufReader::new(file)).map_err(|e| unusable(chain(&e)))?;
    match &meta.plan_digest {
        Some(digest) if *digest != plan.end.sha256 => {
            Err(unusable("it is not the plan that was approved".to_owned()))
        }
        _ => Ok(plan),
    }
}

/// The number of rows of the plan that have an operation.
pub(super) fn lane_count(dir: &RunDir) -> Result<u64, Failure> {
    let plan = open_file(&dir.plan()).or_not_finished("state")?;
    let reader = BufReader::<File>::with_capacity(1 << 18, plan);
    let lanes = LaneReader::new(reader).or_not_finished("state")?;
    Ok(lanes.filter(Result::is_ok).count() as u64)
}

/// The state of the run's journal, or `None` if it has no journal yet.
pub(super) fn recovered(dir: &RunDir) -> Result<Option<Recovered>, Failure> {
    let journal = dir.journal();
    let recovered = journal.exists().then(|| recover_file(&journal));
    recovered.transpose().or_not_finished("journal")
}
