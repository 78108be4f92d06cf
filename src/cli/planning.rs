//! What `sync` and `plan` share: making the plan of a new run, and showing it.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::config::Settings;
use crate::journal::{InputMeta, NewRun, RunDir, RunMeta, StateDir};
use crate::plan::safety::check;
use crate::platform::AtomicFile;
use crate::report::{View, preview_headline, render_preview, write_preview};
use crate::run::intake::IntakeError;
use crate::run::making::{MadePlan, Making, MakingError, Origin, RemoteSource, Tracking};
use crate::run::rows::RowDetail;
use crate::run::user_choices::UserChoices;
use crate::source::InputFile;

use super::account_findings::{warn_of_undefined, warn_of_whole_batches};
use super::account_session::{AccountKnowledge, AccountSession};
use super::exit::{Cause, Exit, Failure};
use super::progress::ReadingProgress;
use super::session::Session;
use super::source_settings::{budget_rules, remote_settings};
use super::sync_inputs::SyncInputs;

/// Opens the folder of a new run.
pub(super) fn open_run(
    session: &mut Session,
    state: &StateDir,
    new: NewRun,
) -> Result<(RunDir, RunMeta), Failure> {
    // The suffix begins with milliseconds, so that runs of the same second are listed in order.
    let now = session.clock.wall();
    let suffix = || {
        let random = std::iter::repeat_with(fastrand::alphanumeric).take(4);
        let random = random.collect::<String>().to_lowercase();
        format!("{:03}{random}", now.subsec_millisecond())
    };
    let (dir, meta) = state.create_run(now, new, suffix)?;
    session.summary.run_id = Some(meta.run_id.clone());
    session.run = Some(dir.clone());
    Ok((dir, meta))
}

pub(super) fn input_metas(inputs: &[InputFile]) -> Vec<InputMeta> {
    let meta = |input: &InputFile| InputMeta {
        path: input.name.clone(),
        sha256: None,
        rows: None,
        // Size as stored, so compressed for a compressed file.
        bytes: std::fs::metadata(&input.path).ok().map(|file| file.len()),
    };
    inputs.iter().map(meta).collect()
}

/// Where the remote side of a plan comes from.
#[derive(Clone, Copy)]
pub(super) enum RemoteOrigin<'a> {
    Api(&'a AccountSession),
    File(&'a Path),
}

impl<'a> RemoteOrigin<'a> {
    fn account(self) -> Option<&'a AccountSession> {
        match self {
            Self::Api(account) => Some(account),
            Self::File(_) => None,
        }
    }
}

/// What a plan is made of.
pub(super) struct PlanOptions<'a> {
    pub(super) inputs: &'a SyncInputs,
    pub(super) settings: &'a Settings,
    pub(super) origin: RemoteOrigin<'a>,
    pub(super) knowledge: &'a AccountKnowledge,
    pub(super) choices: &'a UserChoices,
    /// The customers that are tracked; `None` if nothing is done about missing ones.
    pub(super) tracking: Option<&'a Tracking>,
    /// Whether each customer is read again before it is written, as `apply` does.
    pub(super) reread_all: bool,
}

/// Makes the plan of a run, shows progress, and fills in the summary.
pub(super) async fn make_plan(
    session: &mut Session,
    meta: &RunMeta,
    dir: &RunDir,
    options: PlanOptions<'_>,
) -> Result<MadePlan, Failure> {
    let PlanOptions {
        inputs,
        settings,
        origin,
        knowledge,
        ..
    } = &options;
    let remote_settings = remote_settings(settings, &knowledge.findings);
    let making = Making {
        inputs: &inputs.files,
        source: &inputs.source,
        survey: &inputs.survey,
        schema: &inputs.schema,
        rules: &inputs.rules,
        tracking: options.tracking,
        memory: &knowledge.memory,
        choices: options.choices,
        limit: settings.run.limit,
        examples: settings.run.examples.map_or(0, |n| n as usize),
        explains: settings.run.explain,
        memory_limit: settings.run.memory_limit,
        budget: budget_rules(settings, options.reread_all, &knowledge.findings),
        remote: match origin {
            RemoteOrigin::Api(account) => RemoteSource::Api {
                client: &account.client,
                settings: &remote_settings,
                snapshot: knowledge.snapshot.files(),
            },
            RemoteOrigin::File(path) => RemoteSource::File(path),
        },
        origin: plan_origin(meta, &options),
        clock: session.clock,
        plan_file: &dir.plan(),
        rows_file: &dir.rows(),
        row_detail: row_detail(settings, meta),
        ambiguous_file: &dir.ambiguous(),
    };
    let progress = ReadingProgress::new(&session.console);
    let stopping = session.stopping.clone();
    let made = making
        .make(knowledge.finished_runs, &progress, &|| {
            stopping.is_stopped()
        })
        .await;
    progress.finish();
    let mut made = made.map_err(|error| {
        let gate = origin
            .account()
            .and_then(|account| session.gate_failure(&account.client));
        gate.unwrap_or_else(|| planning_failure(session, &error))
    })?;
    warn_of_undefined(&mut made.preview, &options.knowledge.findings);
    warn_of_whole_batches(&mut made.preview, &making.budget);
    made.preview.target.clone_from(&session.summary.target);
    summarize(session, &made);
    Ok(made)
}

fn plan_origin(meta: &RunMeta, options: &PlanOptions<'_>) -> Origin {
    let account = options.origin.account();
    Origin {
        run_id: meta.run_id.clone(),
        base_url: meta.base_url.clone(),
        account: meta.account.as_ref().map(ToString::to_string),
        key: account.map(|account| account.target.key_fingerprint.to_string()),
        config_sha256: options.settings.config_sha256(),
    }
}

fn summarize(session: &mut Session, made: &MadePlan) {
    let preview = &made.preview;
    session.set_input(made.rows, made.bytes);
    session.explanation.clone_from(&preview.explain);
    session.summary.planned = preview.counts;
    session.summary.estimate = preview.estimate.into();
    session.summary.remote = preview.remote.clone();
    session.summary.plan_digest = Some(preview.digest.clone());
}

/// Only `--results` lists rows without a change or problem.
fn row_detail(settings: &Settings, meta: &RunMeta) -> RowDetail {
    match (&settings.run.results, meta.dry_run) {
        (Some(_), _) => RowDetail::All,
        (None, true) => RowDetail::Preview,
        (None, false) => RowDetail::ToSend,
    }
}

/// The failure for inputs that cannot be read.
pub(super) fn intake_failure(session: &Session, error: &IntakeError) -> Failure {
    let (exit, reason) = match error {
        IntakeError::Source(_) | IntakeError::Changed { .. } => (Exit::Usage, "input"),
        IntakeError::Stopped => (session.stopping.exit(), "signal"),
        IntakeError::Spool(_) => (Exit::NotFinished, "state"),
    };
    Failure::from_error(exit, reason, error)
}

fn planning_failure(session: &Session, error: &MakingError) -> Failure {
    let (exit, reason) = match error {
        MakingError::Intake(error) => return intake_failure(session, error),
        MakingError::RemoteFile { .. } => (Exit::Usage, "remote_file"),
        MakingError::Remote(_) => (Exit::NotFinished, "remote"),
        MakingError::Planning(_)
        | MakingError::File(_)
        | MakingError::Io(_)
        | MakingError::OtherUnits(_)
        | MakingError::UnknownKeys => (Exit::NotFinished, "state"),
    };
    Failure::from_error(exit, reason, error)
}

/// Adds each safety limit at which a sync would refuse the plan to the preview.
pub(super) fn note_refusals(settings: &Settings, made: &mut MadePlan) {
    let refusals = check(&settings.safety, &made.figures).into_iter();
    made.preview.refused = refusals
        .map(|refusal| {
            let (message, option) = (refusal.message, refusal.option);
            format!("a sync would refuse this plan: {message}; {option} lifts the limit")
        })
        .collect();
}

/// Reads the file of `--decisions`, if one is given.
pub(super) fn read_choices(settings: &Settings) -> Result<UserChoices, Failure> {
    let Some(path) = &settings.run.decisions else {
        return Ok(UserChoices::default());
    };
    let input = InputFile::new(path.display().to_string(), path);
    UserChoices::read(&input).map_err(|e| {
        Failure::from_error(Exit::Usage, "decisions", &e).hint(
            "--decisions takes the ambiguous.csv of a run, with its column `decision` filled in",
        )
    })
}

/// Prints the preview on standard output.
pub(super) fn print_preview(session: &Session, made: &MadePlan, view: View) {
    session.console.print_result(
        |out| write_preview(out, &made.preview),
        || preview_headline(&made.preview),
        |_| render_preview(&made.preview, view),
    );
}

/// Copies a run's plan to a file that the user named or that is reported.
pub(super) fn copy_plan(dir: &RunDir, out: &Path) -> Result<(), Failure> {
    let copy = || -> Result<(), Box<Cause>> {
        let mut from = File::open(dir.plan())?;
        let mut to = AtomicFile::create_output(out)?;
        io::copy(&mut from, &mut to)?;
        Ok(to.commit()?)
    };
    copy().map_err(|e| Failure::from_error(Exit::NotFinished, "output", &*e))
}
