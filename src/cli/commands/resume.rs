//! `hcsync resume`: resumes an interrupted or crashed run.

use std::fs::File;
use std::path::PathBuf;

use crate::cli::abandoned_runs::wait_until_searchable;
use crate::cli::account::PlanAccount;
use crate::cli::account_findings::{email_case, settle_time};
use crate::cli::account_memory::learn_written;
use crate::cli::account_session::{AccountKnowledge, AccountSession};
use crate::cli::all_rows::{all_rows, settings_of};
use crate::cli::args::{CanaryArgs, ResumeArgs, SyncArgs};
use crate::cli::command_runner::CommandRunner;
use crate::cli::confirmation::{require_consent, require_terminal};
use crate::cli::connection::{Target, parse_base_url};
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure};
use crate::cli::inputs::Inputs;
use crate::cli::overlap::FilesInUse;
use crate::cli::planned_run::PlannedRun;
use crate::cli::reports::{ReportPaths, RunReport, input_names, row_count};
use crate::cli::restart::restarted_args;
use crate::cli::resume_command::resume_command;
use crate::cli::run_end::send_and_end;
use crate::cli::saved_settings::SavedSettings;
use crate::cli::sending::SendRequest;
use crate::cli::session::Session;
use crate::cli::shared_state::{refreshed_state_dir, state_config};
use crate::cli::sync_inputs::{schema_and_rules, schema_failure};
use crate::config::Settings;
use crate::domain::Columns;
use crate::journal::{RunDir, RunMeta};
use crate::postgres::PulledRuns;
use crate::run::freshness::{RefreshMode, Refresher};
use crate::run::memory::Memory;

use super::run_to_resume::{apply_run_settings, find, lane_count, load, recovered, summarize_plan};
use super::sync::sync;

pub(in crate::cli) async fn run(args: &ResumeArgs) -> Exit {
    let console = Console::from(&args.console);
    let files = FilesInUse::of(&[], &args.account.config);
    let work = async |session: &mut Session| resume(session, args).await;
    CommandRunner::new("resume", console)
        .reports(Ok(files), &args.report)
        .run(work)
        .await
}

async fn resume(session: &mut Session, args: &ResumeArgs) -> Result<Exit, Failure> {
    require_terminal(&args.ask)?;
    let config = state_config(&args.overrides())?;
    let state_dir = args.account.state.state_dir.as_deref();
    let state = refreshed_state_dir(state_dir, &config, PulledRuns::Facts).await?;
    let (dir, mut meta) = find(&state, args.run.as_deref())?;
    let names = input_names(&meta);
    let inputs = FilesInUse::of_inputs(names.iter().map(String::as_str));
    session.check_overlap(inputs, &args.report)?;
    session.summary.run_id = Some(meta.run_id.clone());
    let saved = SavedSettings::of_run(&meta)?;
    if !meta.is_approved() {
        return restart(session, args, &dir, &meta, &saved).await;
    }
    let context = ResumeContext::prepare(session, args, &dir, &meta, saved).await?;
    let config = context.config_file.as_deref();
    let resume = resume_command(&meta, config, &args.account.state, &args.report);
    let run = PlannedRun {
        report: RunReport {
            dir: &dir,
            sources: &names,
            dialects: &context.saved.dialects,
            dry_run: false,
            rows: row_count(&meta),
            all_rows: context.all_rows.as_ref(),
        },
        paths: &context.paths,
        settings: &context.settings,
        account: &context.account,
        witness: None,
        resume: Some(&resume),
    };
    Box::pin(context.send(session, &mut meta, run)).await
}

/// Restarts a sync that was interrupted before its plan was made and approved, with the options that are given now.
async fn restart(
    session: &mut Session,
    args: &ResumeArgs,
    dir: &RunDir,
    meta: &RunMeta,
    saved: &SavedSettings,
) -> Result<Exit, Failure> {
    let started = saved.started.clone().unwrap_or_default();
    let started: SyncArgs = serde_json::from_value(started).map_err(|e| {
        let message = format!("run {}: its arguments cannot be read: {e}", meta.run_id);
        Failure::new(Exit::NotFinished, "state", message)
    })?;
    let inputs = Inputs::of_run(dir, meta, &started.inputs)?;
    let args = restarted_args(started, args, meta, saved);
    let names = input_names(meta);
    let files = FilesInUse::of_inputs(names.iter().map(String::as_str));
    session.check_overlap(files, &args.planning.report)?;
    // Asked for now: the new run replaces this one, which may hold all that is left of a piped input.
    let base_url = args.planning.account.connection.base_url.as_ref();
    let base_url = parse_base_url(base_url.unwrap_or(&meta.base_url))?;
    require_consent(&args.ask, base_url.is_loopback())?;
    Box::pin(sync(session, &args, Some(inputs))).await
}

#[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^52")]
fn share(part: u64, all: u64) -> f64 {
    part as f64 / all.max(1) as f64
}

/// What resuming a run needs.
struct ResumeContext<'a> {
    dir: &'a RunDir,
    saved: SavedSettings,
    config_file: Option<PathBuf>,
    settings: Settings,
    paths: ReportPaths,
    account: AccountSession,
    all_rows: Option<File>,
}

impl<'a> ResumeContext<'a> {
    async fn prepare(
        session: &mut Session,
        args: &ResumeArgs,
        dir: &'a RunDir,
        meta: &RunMeta,
        saved: SavedSettings,
    ) -> Result<Self, Failure> {
        let overrides = args.overrides();
        let loaded = load(session, overrides.clone(), &saved)?;
        let config_file = loaded.file().map(ToOwned::to_owned);
        let mut settings = loaded.settings;
        let paths = ReportPaths::checked(&settings)?;
        apply_run_settings(&mut settings, &overrides, meta, &saved);
        let target = Target::find(&settings, &session.console).await?;
        session.set_target(&settings, &target);
        let account = AccountSession::open_to_write(session, &settings, target).await?;
        account.check_key().await?;
        if dir.read_meta()? != *meta {
            let message = format!("run `{}` went on elsewhere meanwhile", meta.run_id);
            return Err(Failure::usage(message)
                .hint("run the same command again to see what is left of it"));
        }
        let planned_for = PlanAccount {
            id: meta.account.as_ref(),
            key: None,
        };
        let same_account = args.same_account.same_account;
        account.check_plan(planned_for, same_account).await?;
        summarize_plan(session, dir, meta, &saved)?;
        // Read now: if it fails after sending, the end could not be reported.
        let all_rows = match &paths.results {
            Some(_) => all_rows(&session.console, dir, meta, &saved)?,
            None => None,
        };
        // From here on this command writes the run's summary.
        session.run = Some(dir.clone());
        Ok(Self {
            dir,
            saved,
            config_file,
            settings,
            paths,
            account,
            all_rows,
        })
    }

    /// Sends what is left of the plan.
    async fn send(
        &self,
        session: &mut Session,
        meta: &mut RunMeta,
        run: PlannedRun<'_>,
    ) -> Result<Exit, Failure> {
        let (dir, settings, account) = (self.dir, &self.settings, &self.account);
        // The knowledge includes what the run wrote before it was interrupted.
        learn_written(dir, meta, &account.dir, false)?;
        let mut knowledge = account.load_knowledge(session)?;
        account.add_recent_keys(session, settings, &mut knowledge)?;
        let AccountKnowledge {
            memory,
            findings,
            snapshot,
            ..
        } = knowledge;
        let refresher = self.refresher(meta, memory)?;
        let refresher = refresher.with_email_case(email_case(&findings));
        let recovered = recovered(dir)?;
        if recovered.is_none() {
            // The journal may have been removed after the run sent something: search has to show that first.
            let settle = settle_time(settings, &findings);
            wait_until_searchable(session, &dir.meta(), settle).await?;
        }
        let finished = recovered.as_ref().map_or(0, |r| r.finished_rows() as u64);
        let all = lane_count(dir)?;
        let lanes = all.saturating_sub(finished);
        let request = SendRequest {
            refresher: &refresher,
            columns: self.saved.attributes.clone(),
            // The age of the reading is not known for certain.
            read_at: None,
            snapshot,
            recovered: recovered.as_ref(),
            findings: &findings,
            digest: meta.plan_digest.clone().unwrap_or_default(),
            lanes,
            seconds: self.saved.estimate.1 * share(lanes, all),
            canary: CanaryArgs::default(),
        };
        send_and_end(session, meta, run, request).await
    }

    /// Replans rows by the rules that the run was planned by.
    fn refresher(&self, meta: &RunMeta, memory: Memory) -> Result<Refresher, Failure> {
        let settings = settings_of(&self.saved)?;
        if meta.has_saved_plan() {
            return Ok(super::apply_context::refresher(settings.matching, memory));
        }
        let columns = self.saved.columns();
        let columns: Vec<&Columns> = columns.iter().collect();
        let (_, rules) = schema_and_rules(&settings, &columns).map_err(|e| schema_failure(&e))?;
        let rules = rules.refresh_rules(self.saved.creates_are_limited);
        Ok(Refresher::new(RefreshMode::Replan, rules, memory))
    }
}
