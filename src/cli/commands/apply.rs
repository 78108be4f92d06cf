//! `hcsync apply`: applies a saved plan, exactly it.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::Path;

use crate::cli::account::{PlannedFor, admit_key, admit_plan, lock_failure, sent_by};
use crate::cli::args::ApplyArgs;
use crate::cli::asking::{SEND, ask, must_ask, refuse_without_terminal};
use crate::cli::beginning::Beginning;
use crate::cli::connection::Target;
use crate::cli::console::Console;
use crate::cli::exit::{Cause, Exit, Failure, chain};
use crate::cli::kept::KeptSettings;
use crate::cli::learned;
use crate::cli::overlap::FilesInUse;
use crate::cli::planning::{budget_rules, open_run, source_settings};
use crate::cli::probed::{email_case, findings};
use crate::cli::remembered::recall;
use crate::cli::reports::{ReportOf, Wanted};
use crate::cli::sending::{EndOf, Order, end, send};
use crate::cli::session::{Session, state_dir, state_failure};
use crate::cli::shell::{path_option, quoted};
use crate::cli::snapshot::Snapshot;
use crate::cli::unsent::refused;
use crate::config::{Overrides, Settings};
use crate::journal::{AccountLock, InputMeta, NewRun, RunDir, RunState};
use crate::plan::MatchSettings;
use crate::plan::codec::{VerifiedPlan, verify};
use crate::plan::safety::check;
use crate::platform::AtomicFile;
use crate::report::render_preview;
use crate::run::freshness::{Freshness, RefreshRules, Refresher};
use crate::run::replay::{preview_of, write_rows_of};
use crate::run::rereading::Rereading;
use crate::source::Dialect;

pub(in crate::cli) async fn run(args: &ApplyArgs) -> Exit {
    let console = Console::new(args.output.output, args.progress.progress, &args.log);
    let files = FilesInUse::of(&[], args.config.config.as_deref()).reads("the plan", &args.plan);
    let work = async |session: &mut Session| apply(session, args).await;
    Beginning::new("apply", console)
        .reports(Ok(files), &args.report)
        .run(work)
        .await
}

async fn apply(session: &mut Session, args: &ApplyArgs) -> Result<Exit, Failure> {
    let loaded = session.load(&Overrides::from(args))?;
    let settings = loaded.settings;
    let wanted = Wanted::of(&settings);
    wanted.check().map_err(Failure::output)?;
    refuse_without_terminal(&args.ask)?;
    let (mut file, plan) = open_plan(&args.plan, args.digest.as_deref())?;
    let inputs = plan.header.inputs.iter().map(|input| input.path.as_str());
    session.keep_apart(FilesInUse::of_inputs(inputs), &args.report)?;
    let digest = plan.end.sha256.clone();
    session.summary.plan_digest = Some(digest.clone());
    let target = Target::find(&settings, &session.console).await?;
    if plan.header.base_url != target.base_url_text && !target.is_sandbox {
        let message = format!(
            "the plan is for {}, and requests would go to {}",
            plan.header.base_url, target.base_url_text
        );
        return Err(Failure::usage(message)
            .hint(format!("use --base-url {}", quoted(&plan.header.base_url))));
    }
    let client = target.connect(&settings, session.clock, &session.stopping)?;
    let state = state_dir(&settings)?;
    let account = state
        .create_account(&target.account)
        .map_err(|e| state_failure(&e))?;
    let _lock =
        AccountLock::acquire(&account, &session.clock.rfc3339()).map_err(|e| lock_failure(&e))?;
    if let Some(run) = sent_by(&account, &digest)? {
        let message = format!(
            "{}: this plan was applied already, by run {run}",
            args.plan.display()
        );
        let state_dir = args.state.state_dir.as_deref();
        let state_dir = state_dir.map(|dir| format!(" {}", path_option("--state-dir", dir)));
        return Err(Failure::usage(message).hint(format!(
            "make the plan again to see what is left to do; if that run was interrupted: hcsync resume {run}{}",
            state_dir.unwrap_or_default()
        )));
    }
    let planned_for = plan
        .header
        .account
        .as_ref()
        .map(|id| crate::journal::AccountId::from_text(id));
    admit_key(&target, &account, &client).await?;
    admit_plan(
        &target,
        PlannedFor {
            account: planned_for.as_ref(),
            key: plan.header.key.as_deref(),
        },
        args.same_account.same_account,
        &state,
        &client,
    )
    .await?;

    let probed = findings(session, &target, &account);
    learned::recall(&client, &target, &account, &probed, session.clock);
    let (memory, finished_runs) = recall(&account)?;
    file.rewind().map_err(|e| plan_failure(&args.plan, &e))?;
    let examples = settings.run.examples.map_or(0, |n| n as usize);
    let (preview, figures) = preview_of(
        BufReader::new(&file),
        &plan,
        examples,
        budget_rules(&settings, true, &probed),
        finished_runs,
    )
    .map_err(|e| plan_failure(&args.plan, &e))?;
    session.summary.planned = preview.counts;
    session.summary.estimate = preview.estimate.into();
    session.summary.remote = preview.remote.clone();
    if !session.console.is_json() {
        session
            .console
            .print(&render_preview(&preview, session.console.view()));
    }
    if let Some(refusal) = refused(&check(&settings.safety, &figures)) {
        return Err(refusal);
    }
    if preview.counts.has_changes() && must_ask(&args.ask, &target) {
        if session.console.is_json() {
            let text = render_preview(&preview, session.console.view());
            session.console.tell(&text);
        }
        ask(SEND, &session.stopping).await?;
    }

    let sources: Vec<String> = plan
        .header
        .inputs
        .iter()
        .map(|input| input.path.clone())
        .collect();
    let source = source_settings(&settings.input)?;
    let mut inputs = Rereading::new(&plan.header.inputs, &source);
    let kept = kept(
        &settings,
        inputs.dialects(),
        loaded.document.as_ref().map(|d| d.text().to_owned()),
    );
    let new = NewRun {
        command: "apply".into(),
        account: Some(target.account.clone()),
        base_url: target.base_url_text.clone(),
        inputs: input_metas(&plan),
        dry_run: target.is_sandbox,
        starts_over: false,
        config: serde_json::to_value(&kept).unwrap_or_default(),
    };
    let (dir, mut meta) = open_run(session, &state, new)?;
    let rows = take_over(&dir, &mut file, &mut inputs, &args.plan)?;
    for lost in inputs.lost() {
        session.console.say(&lost.to_string());
    }
    session.read_input(rows, 0);
    meta.state = RunState::Planned;
    meta.plan_digest = Some(digest.clone());
    dir.write_meta(&meta).map_err(|e| state_failure(&e))?;
    let refresher =
        refresher(settings.matching.clone(), memory).with_email_case(email_case(&probed));
    let order = Order {
        settings: &settings,
        client: &client,
        refresher: &refresher,
        columns: Default::default(),
        read_at: None,
        snapshot: Snapshot::of(&target, &account),
        recovered: None,
        probed: &probed,
        account: &account,
        digest,
        lanes: rows,
        seconds: preview.estimate.duration_s,
    };
    let resume = (!target.is_sandbox)
        .then(|| super::resume::command(&meta, &args.config, &args.state, &args.report));
    let goes_on = |failure: Failure| match &resume {
        Some(command) => failure.or_next(command),
        None => failure,
    };
    let sent = send(session, &dir, &mut meta, order).await;
    learned::keep(&client, &target, &account, session.clock);
    let sent = sent.map_err(goes_on)?;
    let end_of = EndOf {
        report: ReportOf {
            dir: &dir,
            sources: &sources,
            dialects: &kept.dialects,
            dry_run: false,
            rows: None,
        },
        wanted: &wanted,
        settings: &settings,
        client: &client,
        target: &target,
        account: (!target.is_sandbox).then_some(&account),
        witness: None,
        resume: resume.clone(),
    };
    end(session, &mut meta, sent, end_of).await.map_err(goes_on)
}

/// Opens a plan and makes sure that it is whole, unchanged and the one that was meant.
pub(in crate::cli) fn open_plan(
    path: &Path,
    digest: Option<&str>,
) -> Result<(File, VerifiedPlan), Failure> {
    let file = File::open(path).map_err(|e| plan_failure(path, &e))?;
    let plan =
        verify(BufReader::with_capacity(1 << 18, &file)).map_err(|e| plan_failure(path, &e))?;
    if let Some(wanted) = digest
        && !wanted.eq_ignore_ascii_case(&plan.end.sha256)
    {
        let message = format!(
            "its digest is {}, and --digest asks for {wanted}: it is another plan",
            plan.end.sha256
        );
        return Err(bad_plan(path, &message));
    }
    Ok((file, plan))
}

fn plan_failure(path: &Path, error: &Cause) -> Failure {
    bad_plan(path, &chain(error))
}

fn bad_plan(path: &Path, message: &str) -> Failure {
    let message = format!("the plan {} cannot be used: {message}", path.display());
    Failure::new(Exit::Usage, "bad_plan", message)
}

fn input_metas(plan: &VerifiedPlan) -> Vec<InputMeta> {
    let inputs = plan.header.inputs.iter();
    let meta = |input: &crate::plan::codec::PlanInput| InputMeta {
        path: input.path.clone(),
        sha256: Some(input.sha256.clone()),
        rows: Some(input.rows),
        bytes: None,
    };
    inputs.map(meta).collect()
}

fn kept(settings: &Settings, dialects: Vec<Dialect>, config: Option<String>) -> KeptSettings {
    KeptSettings {
        config,
        account_name: settings.api.account.clone(),
        requests_per_minute: settings.limits.requests_per_minute,
        concurrency: settings.limits.concurrency,
        dialects,
        ..KeptSettings::default()
    }
}

/// Copies the plan into the run, after a row for each of its lanes: a run is taken for planned once its plan is there.
fn take_over(
    dir: &RunDir,
    file: &mut File,
    inputs: &mut Rereading<'_>,
    path: &Path,
) -> Result<u64, Failure> {
    let failed = |e: &Cause| Failure::from_error(Exit::NotFinished, "state", e);
    file.rewind().map_err(|e| plan_failure(path, &e))?;
    let mut rows = AtomicFile::create(&dir.rows()).map_err(|e| failed(&e))?;
    let count = write_rows_of(BufReader::new(&mut *file), inputs, &mut rows)
        .map_err(|e| plan_failure(path, &e))?;
    rows.commit().map_err(|e| failed(&e))?;
    file.rewind().map_err(|e| plan_failure(path, &e))?;
    let mut copy = AtomicFile::create(&dir.plan()).map_err(|e| failed(&e))?;
    std::io::copy(file, &mut copy).map_err(|e| failed(&e))?;
    copy.commit().map_err(|e| failed(&e))?;
    Ok(count)
}

/// The rules under which an interrupted `apply` goes on.
pub(super) fn refresher(matching: MatchSettings, memory: crate::run::memory::Memory) -> Refresher {
    let rules = RefreshRules {
        matching,
        ..RefreshRules::default()
    };
    Refresher::new(Freshness::Exactly, rules, memory)
}
