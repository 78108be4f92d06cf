//! `hcsync resume`: goes on with an interrupted or crashed run.

use std::path::Path;

use crate::cli::account::PlannedFor;
use crate::cli::all_rows::{all_rows, settings_of};
use crate::cli::args::{ReportArgs, ResumeArgs, StateArgs, SyncArgs};
use crate::cli::attached::{Attached, Known};
use crate::cli::beginning::Beginning;
use crate::cli::connection::Target;
use crate::cli::console::Console;
use crate::cli::exit::{Cause, Exit, Failure, chain};
use crate::cli::inputs::Inputs;
use crate::cli::kept::KeptSettings;
use crate::cli::overlap::FilesInUse;
use crate::cli::planning::{meaning, schema_failure};
use crate::cli::probed::{email_case, settle};
use crate::cli::remembered::learn;
use crate::cli::reports::{ReportOf, Wanted, rows_of};
use crate::cli::sending::{EndOf, Order, end, send};
use crate::cli::session::{Session, named_state_dir, state_failure};
use crate::cli::shell::path_option;
use crate::cli::starting_over::anew;
use crate::cli::superseding::wait_out;
use crate::config::{Loaded, Overrides, Settings};
use crate::domain::{Columns, RunId};
use crate::journal::{Recovered, RunDir, RunMeta, RunState, StateDir, recover_file};
use crate::run::freshness::{Freshness, Refresher};
use crate::run::memory::Memory;

use super::sync::sync;

pub(in crate::cli) async fn run(args: &ResumeArgs) -> Exit {
    let console = Console::new(args.output.output, args.progress.progress, &args.log);
    let files = FilesInUse::of(&[], args.config.config.as_deref());
    let work = async |session: &mut Session| resume(session, args).await;
    Beginning::new("resume", console)
        .reports(Ok(files), &args.report)
        .run(work)
        .await
}

/// The command that goes on with a run, in any folder: with the config file that was used, and the reports where they were to be
/// written.
pub(super) fn command(
    meta: &RunMeta,
    config: Option<&Path>,
    state: &StateArgs,
    report: &ReportArgs,
) -> String {
    let mut command = format!("hcsync resume {}", meta.run_id);
    // A config that came through a pipe is gone; the run has kept it.
    let config = config.filter(|file| file.is_file());
    let options = [
        ("--config", config),
        ("--state-dir", state.state_dir.as_deref()),
        ("--results", report.results.results.as_deref()),
        ("--rejected", report.rejected.as_deref()),
        ("--changes", report.changes.changes.as_deref()),
        ("--summary", report.summary.as_deref()),
    ];
    for (option, path) in options {
        if let Some(path) = path {
            command.push(' ');
            command.push_str(&path_option(option, path));
        }
    }
    command
}

async fn resume(session: &mut Session, args: &ResumeArgs) -> Result<Exit, Failure> {
    let overrides = Overrides::from(args);
    let state = named_state_dir(overrides.run.state_dir.as_deref())?;
    let (dir, mut meta) = find(&state, args.run.as_deref())?;
    let inputs = meta.inputs.iter().map(|input| input.path.as_str());
    session.keep_apart(FilesInUse::of_inputs(inputs), &args.report)?;
    session.summary.run_id = Some(meta.run_id.clone());
    let kept = KeptSettings::of_run(&meta)?;
    if !meta.has_agreement() {
        return start_over(session, args, &dir, &meta, &kept).await;
    }
    let loaded = load(session, overrides.clone(), &kept)?;
    let config = loaded.file().map(Path::to_owned);
    let mut settings = loaded.settings;
    let wanted = Wanted::of(&settings);
    wanted.check().map_err(Failure::output)?;
    go_by_run(&mut settings, &overrides, &meta, &kept);
    let target = Target::find(&settings, &session.console).await?;
    let at = Attached::to_write(session, &settings, target)?;
    at.admit_key().await?;
    let planned_for = PlannedFor {
        account: meta.account.as_ref(),
        key: None,
    };
    at.admit_plan(planned_for, args.same_account.same_account)
        .await?;

    tell_plan(session, &dir, &meta, &kept)?;
    // Before anything is sent: what cannot be read must not keep the end from being reported.
    let all_rows = match &wanted.results {
        Some(_) => all_rows(&session.console, &dir, &meta, &kept)?,
        None => None,
    };
    // From here on the run's summary is this command's.
    session.run = Some(dir.clone());
    // What the run wrote before it was interrupted, as it was planned then.
    learn(&dir, &meta, &at.account, false)?;
    let mut known = at.known(session)?;
    at.recall_recent(session, &settings, &mut known)?;
    let Known {
        memory,
        probed,
        snapshot,
        ..
    } = known;
    let refresher = refresher(&meta, &kept, memory)?.with_email_case(email_case(&probed));
    let recovered = recovered(&dir)?;
    if recovered.is_none() {
        // It came to its sending: what it sent is read again, once search shows it.
        let settle = settle(&settings, &probed);
        wait_out(session, &dir.meta(), settle).await?;
    }
    let lanes = lanes(&dir)?;
    let order = Order {
        settings: &settings,
        at: &at,
        refresher: &refresher,
        columns: kept.attributes.clone(),
        // How old the reading is by now is not known for certain: everything is read again.
        read_at: None,
        snapshot,
        recovered: recovered.as_ref(),
        probed: &probed,
        digest: meta.plan_digest.clone().unwrap_or_default(),
        witness: None,
        lanes: lanes.saturating_sub(recovered.as_ref().map_or(0, |r| r.finished_rows() as u64)),
        seconds: kept.estimate.1,
    };
    let goes_on = command(&meta, config.as_deref(), &args.state, &args.report);
    let sent = send(session, &dir, &mut meta, order).await;
    at.keep_learned(session);
    let sent = sent.map_err(|failure| failure.or_next(&goes_on))?;
    let sources: Vec<String> = meta.inputs.iter().map(|input| input.path.clone()).collect();
    let end_of = EndOf {
        report: ReportOf {
            dir: &dir,
            sources: &sources,
            dialects: &kept.dialects,
            dry_run: false,
            rows: rows_of(&meta),
            all_rows: all_rows.as_ref(),
        },
        wanted: &wanted,
        settings: &settings,
        at: &at,
        witness: None,
        resume: Some(goes_on.clone()),
    };
    let ended = end(session, &mut meta, sent, end_of).await;
    ended.map_err(|failure| failure.or_next(&goes_on))
}

/// Without a config that is named now, a run goes on with the one that it was started with, wherever that is.
fn load(
    session: &mut Session,
    mut overrides: Overrides,
    kept: &KeptSettings,
) -> Result<Loaded, Failure> {
    let then = kept.config_file.as_deref().zip(kept.config.as_deref());
    let (Some((file, text)), None) = (then, &overrides.config) else {
        return session.load(&overrides);
    };
    if file.is_file() {
        overrides.config = Some(file.to_owned());
        return session.load(&overrides);
    }
    session.load_kept(file, text, &overrides)
}

/// What the run's journal adds up to; nothing where it has none yet.
fn recovered(dir: &RunDir) -> Result<Option<Recovered>, Failure> {
    let journal = dir.journal();
    if !journal.exists() {
        return Ok(None);
    }
    recover_file(&journal)
        .map(Some)
        .map_err(|e| Failure::from_error(Exit::NotFinished, "journal", &e))
}

/// The run that was named, or the newest that can be gone on with.
fn find(state: &StateDir, named: Option<&str>) -> Result<(RunDir, RunMeta), Failure> {
    let Some(name) = named else {
        let newest = state
            .open_runs(None)
            .map_err(|e| state_failure(&e))?
            .into_iter()
            .find(|(_, meta)| meta.is_resumable());
        return newest.ok_or_else(|| {
            Failure::usage("there is no run that can be gone on with").hint("hcsync runs lists all")
        });
    };
    let id = RunId::new(name).map_err(Failure::usage)?;
    let dir = state
        .run(&id)
        .map_err(|e| Failure::from_error(Exit::Usage, "usage", &e).hint("hcsync runs lists all"))?;
    let meta = dir.read_meta().map_err(|e| state_failure(&e))?;
    let refuse = |message: String| Err(Failure::usage(format!("run {id} {message}")));
    match &meta.state {
        RunState::Superseded { by } => {
            refuse(format!("cannot be gone on with: run {by} took its place"))
        }
        RunState::Finished => refuse("is finished: there is nothing to go on with".into()),
        _ if meta.dry_run => {
            refuse("was not to write anything: there is nothing to go on with".into())
        }
        _ if meta.is_resumable() => Ok((dir, meta)),
        _ => refuse(format!(
            "was interrupted before it sent anything: run the {} again",
            meta.command
        )),
    }
}

/// Plans a sync anew that was interrupted before its plan was made and agreed to: as it was started, but for what is
/// said now.
async fn start_over(
    session: &mut Session,
    args: &ResumeArgs,
    dir: &RunDir,
    meta: &RunMeta,
    kept: &KeptSettings,
) -> Result<Exit, Failure> {
    let started = kept.started.clone().unwrap_or_default();
    let then: SyncArgs = serde_json::from_value(started).map_err(|e| {
        Failure::new(
            Exit::NotFinished,
            "state",
            format!(
                "run {}: how it was started cannot be read: {e}",
                meta.run_id
            ),
        )
    })?;
    let inputs = Inputs::of_run(dir, meta, &then.inputs)?;
    let anew = anew(then, args, meta, kept);
    let names = meta.inputs.iter().map(|input| input.path.as_str());
    session.keep_apart(FilesInUse::of_inputs(names), &anew.report)?;
    Box::pin(sync(session, &anew, Some(inputs))).await
}

/// A run goes on where and as it was started; what is said now goes before.
fn go_by_run(settings: &mut Settings, overrides: &Overrides, meta: &RunMeta, kept: &KeptSettings) {
    if overrides.base_url.is_none() {
        settings.api.base_url.clone_from(&meta.base_url);
    }
    if overrides.account.is_none() {
        settings.api.account.clone_from(&kept.account_name);
    }
    if overrides.requests_per_minute.is_none() {
        settings.limits.requests_per_minute = kept.requests_per_minute;
    }
    if overrides.concurrency.is_none() {
        settings.limits.concurrency = kept.concurrency;
    }
}

/// The rules that the run was planned by, from the config that it was started with.
fn refresher(meta: &RunMeta, kept: &KeptSettings, memory: Memory) -> Result<Refresher, Failure> {
    let then = settings_of(kept)?;
    if meta.command == "apply" {
        return Ok(super::apply::refresher(then.matching, memory));
    }
    let columns = kept.columns();
    let columns: Vec<&Columns> = columns.iter().collect();
    let (_, rules) = meaning(&then, &columns).map_err(|e| schema_failure(&e))?;
    let rules = rules.refresh_rules(kept.creates_are_limited);
    Ok(Refresher::new(Freshness::PlanAnew, rules, memory))
}

/// The summary tells of the whole run, not of its last part alone. A plan that is not what it was is not gone on with.
fn tell_plan(
    session: &mut Session,
    dir: &RunDir,
    meta: &RunMeta,
    kept: &KeptSettings,
) -> Result<(), Failure> {
    let unusable = |why: String| {
        let message = format!("run {}: its plan cannot be used: {why}", meta.run_id);
        Failure::new(Exit::Usage, "bad_plan", message).hint(
            "restore the run's plan.jsonl from a copy, or start a new run, which settles what this one left in doubt",
        )
    };
    let plan = crate::platform::open_file(&dir.plan()).map_err(|e| unusable(chain(&e)))?;
    let verified = crate::plan::codec::verify(std::io::BufReader::new(plan))
        .map_err(|e| unusable(chain(&e)))?;
    if meta
        .plan_digest
        .as_ref()
        .is_some_and(|digest| *digest != verified.end.sha256)
    {
        return Err(unusable("it is not the one that was agreed to".to_owned()));
    }
    let rows = meta.inputs.iter().filter_map(|input| input.rows).sum();
    let rows = if meta.command == "apply" {
        lanes(dir).unwrap_or(rows)
    } else {
        rows
    };
    session.read_input(
        rows,
        meta.inputs.iter().filter_map(|input| input.bytes).sum(),
    );
    session.summary.plan_digest.clone_from(&meta.plan_digest);
    session.summary.estimate = crate::report::EstimateFacts {
        requests: kept.estimate.0,
        duration_s: kept.estimate.1,
    };
    session.summary.planned = verified.end.counts;
    session.summary.remote = verified.header.remote;
    Ok(())
}

/// Rows of the plan that have an operation.
fn lanes(dir: &RunDir) -> Result<u64, Failure> {
    let failed = |e: &Cause| Failure::from_error(Exit::NotFinished, "state", e);
    let plan = crate::platform::open_file(&dir.plan()).map_err(|e| failed(&e))?;
    let reader =
        crate::plan::codec::LaneReader::new(std::io::BufReader::with_capacity(1 << 18, plan))
            .map_err(|e| failed(&e))?;
    Ok(reader.filter(Result::is_ok).count() as u64)
}
