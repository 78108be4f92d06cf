//! `hcsync sync`: plans the whole input, checks it against the safety limits, then applies it, in one run.

use std::path::{Path, PathBuf};

use crate::cli::account::admit_key;
use crate::cli::args::{BudgetArgs, SyncArgs};
use crate::cli::asking::{SEND, ask, must_ask, refuse_without_terminal};
use crate::cli::connection::Target;
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure};
use crate::cli::faults::guarded;
use crate::cli::inputs::Inputs;
use crate::cli::learned;
use crate::cli::overlap::{FilesInUse, Overlap};
use crate::cli::planning::{
    From, KeptSettings, MakeWith, Prepared, attribute_columns, decisions, input_metas, make,
    note_refusals, open_run, preview_json, preview_text, show_preview, show_preview_json,
};
use crate::cli::probed::{AccountLessons, clean_up, email_case, findings, settle};
use crate::cli::reports::{ReportOf, Wanted};
use crate::cli::sending::{EndOf, Order, end, finished_exit, recall, send, tell_end};
use crate::cli::session::{Session, state_dir, state_failure};
use crate::cli::snapshot::Snapshot;
use crate::cli::superseding::Left;
use crate::config::{Overrides, Settings};
use crate::helpcrunch::ReadClient;
use crate::journal::{
    AccountDir, AccountLock, LockError, NewRun, RunDir, RunMeta, RunState, StateDir,
};
use crate::plan::safety::{Refusal, check};
use crate::probe::Findings;
use crate::run::decisions::Decisions;
use crate::run::freshness::{Freshness, RefreshRules, Refresher};
use crate::run::making::MadePlan;
use crate::run::memory::Memory;

pub(in crate::cli) async fn run(args: &SyncArgs) -> Exit {
    let console = Console::new(args.output.output, args.progress.progress, &args.log);
    let apart = FilesInUse::of(&args.inputs, args.config.config.as_deref())
        .also_reads("--decisions", args.decisions.decisions.as_deref())
        .reports(&args.report);
    let summary = Overlap::summary_file(apart.as_ref().copied(), &args.report);
    let mut session = match Session::start("sync", console.clone(), summary) {
        Ok(session) => session,
        Err(failure) => {
            console.fail(&failure);
            return failure.exit;
        }
    };
    let ended = match apart {
        Ok(()) => guarded(sync(&mut session, args, None)).await,
        Err(overlap) => Err(overlap.into()),
    };
    session.finish(ended)
}

/// What is known before a run is opened.
struct Ready<'a> {
    args: &'a SyncArgs,
    settings: Settings,
    wanted: Wanted,
    prepared: Prepared,
    decisions: Decisions,
    target: Target,
    client: ReadClient,
    state: StateDir,
    account: AccountDir,
}

/// Runs a sync; `inputs` where they were opened already.
pub(super) async fn sync(
    session: &mut Session,
    args: &SyncArgs,
    inputs: Option<Inputs>,
) -> Result<Exit, Failure> {
    session.summary.dry_run = args.dry_run;
    let overrides = Overrides::from(args);
    let loaded = session.load(&overrides)?;
    let config_file = loaded.file().map(Path::to_owned);
    let settings = loaded.settings;
    let wanted = wanted(&settings);
    wanted.check().map_err(|e| Failure {
        reason: "output",
        ..Failure::usage(e)
    })?;
    if !args.dry_run {
        refuse_without_terminal(&args.ask)?;
    }
    let mut inputs = match inputs {
        Some(inputs) => inputs,
        None => Inputs::open(&args.inputs, &session.stopping).await?,
    };
    let mut prepared = Prepared::new(inputs.files.clone(), &settings)?;
    let decisions = decisions(&settings)?;
    let target = Target::find(&settings, &session.console).await?;
    let client = target.connect(&settings, session.clock, &session.stopping)?;
    let state = state_dir(&settings)?;
    let account = state
        .create_account(&target.account)
        .map_err(|e| state_failure(&e))?;
    // The in-process sandbox is gone with this process: nothing to go on with.
    let is_passing = args.dry_run || target.is_sandbox;
    let _lock = match is_passing {
        true => None,
        false => Some(
            AccountLock::acquire(&account, &session.clock.rfc3339())
                .map_err(|e| lock_failure(&e))?,
        ),
    };
    admit_key(&target, &account, &client).await?;
    let config = loaded.document.as_ref().map(|d| d.text().to_owned());
    let mut kept = kept(&settings, &prepared, config);
    if !is_passing {
        kept.started = started(args, config_file.as_deref());
    }
    let new = NewRun {
        command: "sync".into(),
        account: Some(target.account.clone()),
        base_url: target.base_url_text.clone(),
        inputs: input_metas(&prepared.inputs),
        dry_run: is_passing,
        starts_over: kept.started.is_some(),
        config: serde_json::to_value(&kept).unwrap_or_default(),
    };
    let (dir, mut meta) = open_run(session, &state, new)?;
    let resume = (!is_passing)
        .then(|| super::resume::command(&meta, &args.config, &args.state, &args.report));
    if !is_passing {
        inputs
            .keep_in(&dir)
            .map_err(|failure| unfinished(session, &dir, &mut meta, &resume, failure))?;
        prepared.inputs.clone_from(&inputs.files);
    }
    let ready = Ready {
        args,
        settings,
        wanted,
        prepared,
        decisions,
        target,
        client,
        state,
        account,
    };
    let ended = Box::pin(ready.plan_and_send(session, &dir, &mut meta, &resume)).await;
    learned::keep(&ready.client, &ready.target, &ready.account, session.clock);
    ended.map_err(|failure| unfinished(session, &dir, &mut meta, &resume, failure))
}

impl Ready<'_> {
    async fn plan_and_send(
        &self,
        session: &mut Session,
        dir: &RunDir,
        meta: &mut RunMeta,
        resume: &Option<String>,
    ) -> Result<Exit, Failure> {
        let Self {
            args,
            settings,
            wanted,
            prepared,
            target,
            client,
            account,
            ..
        } = self;
        let (memory, finished_runs) = if target.is_sandbox {
            (Memory::default(), 0)
        } else {
            recall(account)?
        };
        let mut probed = findings(session, target, account);
        let snapshot = Snapshot::of(target, account);
        learned::recall(client, target, account, &probed, session.clock);
        if !meta.dry_run {
            self.take_over(session, meta, &probed).await?;
            // What became of an interrupted run may have shown more.
            probed = findings(session, target, account);
        }
        let with = MakeWith {
            prepared,
            settings,
            config_sha256: settings.config_sha256(),
            target: Some(target),
            from: From::Api(client),
            snapshot: snapshot.files(),
            memory: &memory,
            decisions: &self.decisions,
            finished_runs,
            reread_all: false,
            probed: &probed,
        };
        let made = make(session, meta, dir, with).await;
        session.count_requests(client, settings);
        let mut made = made?;
        if args.dry_run {
            note_refusals(settings, &mut made);
        }
        let sources = prepared.sources();
        let report = ReportOf {
            dir,
            sources: &sources,
            dialects: &prepared.survey.dialects,
            dry_run: args.dry_run,
            rows: Some(made.rows),
        };
        planned(session, dir, meta, &made)?;
        if session.console.is_json() {
            if args.dry_run {
                show_preview_json(session, &made);
            } else {
                session.preview = preview_json(&made);
            }
        } else {
            show_preview(session, &made);
        }
        if args.dry_run {
            let end = DryEnd {
                report,
                wanted,
                settings,
                tells_changes: false,
            };
            return end.finish(session, meta);
        }
        self.admit(session, meta, &report, &made).await?;
        let counts = made.preview.counts;
        let rules = RefreshRules {
            creates_are_limited: settings.safety.max_creates > 0,
            ..prepared.rules.refresh_rules()
        };
        let refresher =
            Refresher::new(Freshness::PlanAnew, rules, memory).with_email_case(email_case(&probed));
        let order = Order {
            settings,
            client,
            refresher: &refresher,
            columns: attribute_columns(&prepared.schema),
            read_at: Some(made.read_at.clone()),
            snapshot,
            recovered: None,
            probed: &probed,
            account,
            digest: made.preview.digest.clone(),
            lanes: made.rows - counts.unchanged - counts.rejected - counts.skipped,
            seconds: made.preview.estimate.duration_s,
        };
        let sent = send(session, dir, meta, order).await?;
        let end_of = EndOf {
            report,
            wanted,
            settings,
            client,
            target,
            account: (!target.is_sandbox).then_some(account),
            witness: made.witness.as_ref(),
            resume: resume.clone(),
        };
        end(session, meta, sent, end_of).await
    }

    /// Closes what interrupted runs and probes of the account left.
    async fn take_over(
        &self,
        session: &Session,
        meta: &RunMeta,
        probed: &Findings,
    ) -> Result<(), Failure> {
        let left = Left {
            session,
            state: &self.state,
            account: &self.target.account,
            client: &self.client,
            settle: settle(&self.settings, probed),
            lessons: &AccountLessons::of(&self.account, session.clock),
        };
        left.supersede(&meta.run_id).await?;
        clean_up(session, &self.settings, &self.account, &self.client, probed).await;
        Ok(())
    }

    /// Whether the plan may be sent: the safety limits let it pass, and whoever is to be asked agrees.
    async fn admit(
        &self,
        session: &mut Session,
        meta: &mut RunMeta,
        report: &ReportOf<'_>,
        made: &MadePlan,
    ) -> Result<(), Failure> {
        let asks = made.preview.counts.has_changes() && must_ask(&self.args.ask, &self.target);
        let admitted = match refused(&check(&self.settings.safety, &made.figures)) {
            Some(refusal) => Err(refusal),
            None if asks => {
                if session.console.is_json() {
                    // What is agreed to has to be seen, also where standard output is for a program.
                    session
                        .console
                        .tell(&preview_text(made, session.console.view()));
                }
                ask(SEND, &session.stopping).await
            }
            None => Ok(()),
        };
        if let Err(failure) = &admitted {
            finish_unsent(session, meta, report, &self.wanted, failure)?;
        }
        admitted
    }
}

/// How a sync was started, with what it means wherever it is planned anew: whole paths, and no bounds of that one run.
fn started(args: &SyncArgs, config: Option<&Path>) -> Option<serde_json::Value> {
    let absolute = |path: &PathBuf| match path.as_os_str() == "-" {
        true => path.clone(),
        false => std::path::absolute(path).unwrap_or_else(|_| path.clone()),
    };
    let mut args = SyncArgs {
        inputs: args.inputs.iter().map(absolute).collect(),
        budget: BudgetArgs::default(),
        ..args.clone()
    };
    args.config.config = config.map(Path::to_owned);
    let files = [
        &mut args.config.config,
        &mut args.state.state_dir,
        &mut args.decisions.decisions,
        &mut args.report.results,
        &mut args.report.rejected,
        &mut args.report.changes.changes,
        &mut args.report.summary,
    ];
    for file in files {
        *file = file.as_ref().map(absolute);
    }
    serde_json::to_value(args).ok()
}

/// A run that came to no end of its own: what goes on with it, or, where its input was at fault, that it is over.
fn unfinished(
    session: &Session,
    dir: &RunDir,
    meta: &mut RunMeta,
    resume: &Option<String>,
    mut failure: Failure,
) -> Failure {
    if meta.state.is_over() {
        return failure;
    }
    if failure.exit == Exit::Usage {
        meta.state = RunState::Finished;
    } else if failure.next_command.is_none() {
        failure.next_command.clone_from(resume);
    }
    meta.ended_at = Some(session.clock.rfc3339());
    meta.exit_code = Some(failure.exit.code());
    if let Err(error) = dir.write_meta(meta) {
        tracing::warn!(%error, "the end of the run could not be noted");
    }
    failure
}

/// The files that the settings ask for.
pub(in crate::cli) fn wanted(settings: &Settings) -> Wanted {
    let run = &settings.run;
    Wanted {
        results: run.results.clone(),
        rejected: run.rejected.clone(),
        changes: run.changes.clone(),
        summary: run.summary.clone(),
    }
}

pub(in crate::cli) fn lock_failure(error: &LockError) -> Failure {
    match error {
        LockError::Held { .. } => Failure::from_error(Exit::Locked, "locked", error),
        LockError::State(error) => state_failure(error),
    }
}

pub(in crate::cli) fn kept(
    settings: &Settings,
    prepared: &Prepared,
    config: Option<String>,
) -> KeptSettings {
    KeptSettings {
        config,
        account_name: settings.api.account.clone(),
        requests_per_minute: settings.limits.requests_per_minute,
        concurrency: settings.limits.concurrency,
        columns: prepared
            .survey
            .columns
            .iter()
            .map(|c| c.names().to_vec())
            .collect(),
        dialects: prepared.survey.dialects.clone(),
        attributes: attribute_columns(&prepared.schema),
        ..KeptSettings::default()
    }
}

/// The failure that a refused plan ends with; nothing where it is safe.
pub(in crate::cli) fn refused(refusals: &[Refusal]) -> Option<Failure> {
    if refusals.is_empty() {
        return None;
    }
    let messages: Vec<_> = refusals.iter().map(|r| r.message.clone()).collect();
    let options: Vec<_> = refusals.iter().map(|r| r.option.clone()).collect();
    let message = format!(
        "the plan was refused, and nothing was sent: {}",
        messages.join("; ")
    );
    let hint = format!(
        "if this is what you want, lift it for this plan with {}",
        options.join(" ")
    );
    Some(Failure::new(Exit::Refused, "safety", message).hint(hint))
}

/// The plan is on disk.
pub(in crate::cli) fn planned(
    session: &Session,
    dir: &RunDir,
    meta: &mut RunMeta,
    made: &MadePlan,
) -> Result<(), Failure> {
    meta.state = RunState::Planned;
    meta.plan_digest = Some(made.preview.digest.clone());
    for (input, read) in meta.inputs.iter_mut().zip(&made.inputs) {
        input.sha256 = Some(read.sha256.clone());
        input.rows = Some(read.rows);
    }
    meta.counts = serde_json::to_value(made.preview.counts).unwrap_or_default();
    if let Some(kept) = meta.config.as_object_mut() {
        let estimate = (
            made.preview.estimate.requests,
            made.preview.estimate.duration_s,
        );
        kept.insert("estimate".into(), serde_json::json!(estimate));
    }
    session
        .run
        .iter()
        .try_for_each(|_| dir.write_meta(meta))
        .map_err(|e| state_failure(&e))
}

/// A run that sends nothing because it was not to.
pub(in crate::cli) struct DryEnd<'a> {
    pub(in crate::cli) report: ReportOf<'a>,
    pub(in crate::cli) wanted: &'a Wanted,
    pub(in crate::cli) settings: &'a Settings,
    /// Whether that there is something to do is told by the exit code.
    pub(in crate::cli) tells_changes: bool,
}

impl DryEnd<'_> {
    pub(in crate::cli) fn finish(
        self,
        session: &mut Session,
        meta: &mut RunMeta,
    ) -> Result<Exit, Failure> {
        let written = self
            .report
            .write(self.wanted)
            .map_err(|e| Failure::from_error(Exit::NotFinished, "reports", &e))?;
        let changes = self.tells_changes && session.summary.planned.has_changes();
        let exit = match finished_exit(self.settings, session, &written) {
            Exit::Done if changes => Exit::Changes,
            exit => exit,
        };
        session.summary.results = written.tally.counts();
        session.summary.errors = written.tally.error_entries();
        meta.state = RunState::Finished;
        meta.ended_at = Some(session.clock.rfc3339());
        meta.exit_code = Some(exit.code());
        self.report
            .dir
            .write_meta(meta)
            .map_err(|e| state_failure(&e))?;
        Ok(exit)
    }
}

/// The end of a run whose plan is not sent: its rows are pending. It is over, but for a signal at the question.
fn finish_unsent(
    session: &mut Session,
    meta: &mut RunMeta,
    report: &ReportOf<'_>,
    wanted: &Wanted,
    failure: &Failure,
) -> Result<(), Failure> {
    let written = report
        .write(wanted)
        .map_err(|e| Failure::from_error(Exit::NotFinished, "reports", &e))?;
    if failure.reason != "signal" {
        meta.state = RunState::Finished;
        meta.ended_at = Some(session.clock.rfc3339());
        meta.exit_code = Some(failure.exit.code());
        report.dir.write_meta(meta).map_err(|e| state_failure(&e))?;
        session.summary.stop = Some(crate::report::Stop {
            reason: failure.reason.to_owned(),
            message: failure.message.clone(),
            next_command: None,
        });
    }
    if session.console.is_json() {
        tell_end(session, failure.exit, &written);
    } else {
        session.summary.results = written.tally.counts();
        session.summary.errors = written.tally.error_entries();
    }
    Ok(())
}
