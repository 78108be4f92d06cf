//! `hcsync apply`: applies a saved plan, exactly it.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::{Path, PathBuf};

use crate::cli::account::{PlannedFor, sent_by};
use crate::cli::args::ApplyArgs;
use crate::cli::asking::{SEND, ask, must_ask, refuse_without_terminal};
use crate::cli::attached::{Attached, Known};
use crate::cli::beginning::Beginning;
use crate::cli::connection::Target;
use crate::cli::console::Console;
use crate::cli::exit::{Cause, Exit, Failure, chain};
use crate::cli::kept::KeptSettings;
use crate::cli::overlap::FilesInUse;
use crate::cli::planning::{budget_rules, open_run, source_settings};
use crate::cli::probed::email_case;
use crate::cli::reports::{ReportOf, Wanted};
use crate::cli::sending::{EndOf, Order, end, send};
use crate::cli::session::{Session, state_failure};
use crate::cli::shell::path_option;
use crate::cli::unsent::refused;
use crate::config::{Overrides, Settings};
use crate::journal::{AccountId, InputMeta, NewRun, RunDir, RunState};
use crate::plan::codec::{VerifiedPlan, verify};
use crate::plan::safety::check;
use crate::plan::{MatchSettings, Preview};
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
    let config_file = loaded.file().map(Path::to_owned);
    let config = KeptSettings::of_config(&loaded);
    let settings = loaded.settings;
    let wanted = Wanted::of(&settings);
    wanted.check().map_err(Failure::output)?;
    refuse_without_terminal(&args.ask)?;
    let (file, plan) = open_plan(&args.plan, args.digest.as_deref())?;
    let inputs = plan.header.inputs.iter().map(|input| input.path.as_str());
    session.keep_apart(FilesInUse::of_inputs(inputs), &args.report)?;
    session.summary.plan_digest = Some(plan.end.sha256.clone());
    let target = Target::find(&settings, &session.console).await?;
    let at = attached(session, args, &settings, target, &plan).await?;
    let mut known = at.known(session)?;
    at.recall_recent(session, &settings, &mut known)?;
    let applying = Applying {
        args,
        settings,
        config_file,
        config,
        wanted,
        file,
        plan,
        at,
    };
    let preview = applying.admitted(session, &known).await?;
    Box::pin(applying.send(session, known, &preview)).await
}

/// The account that the plan is for, and no other one.
async fn attached(
    session: &Session,
    args: &ApplyArgs,
    settings: &Settings,
    target: Target,
    plan: &VerifiedPlan,
) -> Result<Attached, Failure> {
    let header = &plan.header;
    if header.base_url != target.base_url_text && !target.is_sandbox {
        let message = format!(
            "the plan is for {}, and requests would go to {}",
            header.base_url, target.base_url_text
        );
        return Err(Failure::usage(message).hint(
            "make the plan again for the address that is configured here; only if the plan's address is your own, name it \
             with --base-url: your API key is sent there",
        ));
    }
    let at = Attached::to_write(session, settings, target)?;
    if let Some(run) = sent_by(&at.account, &plan.end.sha256)? {
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
    at.admit_key().await?;
    let account = header.account.as_deref().map(AccountId::from_text);
    let planned_for = PlannedFor {
        account: account.as_ref(),
        key: header.key.as_deref(),
    };
    at.admit_plan(planned_for, args.same_account.same_account)
        .await?;
    Ok(at)
}

/// A plan that is about to be applied.
struct Applying<'a> {
    args: &'a ApplyArgs,
    settings: Settings,
    config_file: Option<PathBuf>,
    config: KeptSettings,
    wanted: Wanted,
    file: File,
    plan: VerifiedPlan,
    at: Attached,
}

impl Applying<'_> {
    /// Shows the plan; it may be sent where the safety limits let it pass, and whoever is to be asked agrees.
    async fn admitted(&self, session: &mut Session, known: &Known) -> Result<Preview, Failure> {
        let failed = |e: &Cause| plan_failure(&self.args.plan, e);
        (&self.file).rewind().map_err(|e| failed(&e))?;
        let (preview, figures) = preview_of(
            BufReader::new(&self.file),
            &self.plan,
            self.settings.run.examples.map_or(0, |n| n as usize),
            budget_rules(&self.settings, true, &known.probed),
            known.finished_runs,
        )
        .map_err(|e| failed(&e))?;
        session.summary.planned = preview.counts;
        session.summary.estimate = preview.estimate.into();
        session.summary.remote = preview.remote.clone();
        let console = &session.console;
        if !console.is_json() {
            console.print(&render_preview(&preview, console.view()));
        }
        if let Some(refusal) = refused(&check(&self.settings.safety, &figures)) {
            return Err(refusal);
        }
        if preview.counts.has_changes() && must_ask(&self.args.ask, &self.at.target) {
            if console.is_json() {
                console.tell_page(&render_preview(&preview, console.view()));
            }
            ask(SEND, &session.stopping).await?;
        }
        Ok(preview)
    }

    /// Opens a run for the plan, sends it, and reports.
    async fn send(
        self,
        session: &mut Session,
        known: Known,
        preview: &Preview,
    ) -> Result<Exit, Failure> {
        let Self {
            args,
            settings,
            at,
            plan,
            ..
        } = &self;
        let source = source_settings(&settings.input)?;
        let mut inputs = Rereading::new(&plan.header.inputs, &source);
        let kept = kept(settings, inputs.dialects(), self.config.clone());
        let (dir, mut meta) = open_run(session, &at.state, self.new_run(&kept))?;
        let rows = take_over(&dir, &self.file, &mut inputs, &args.plan)?;
        for lost in inputs.lost() {
            session.console.say(&lost.to_string());
        }
        session.read_input(rows, 0);
        meta.state = RunState::Planned;
        meta.plan_digest = Some(plan.end.sha256.clone());
        dir.write_meta(&meta).map_err(|e| state_failure(&e))?;

        let Known {
            memory,
            probed,
            snapshot,
            ..
        } = known;
        let refresher =
            refresher(settings.matching.clone(), memory).with_email_case(email_case(&probed));
        let order = Order {
            settings,
            at,
            refresher: &refresher,
            columns: Default::default(),
            read_at: None,
            snapshot,
            recovered: None,
            probed: &probed,
            digest: plan.end.sha256.clone(),
            witness: None,
            lanes: rows,
            seconds: preview.estimate.duration_s,
        };
        let resume = at.lasting().map(|_| {
            super::resume::command(
                &meta,
                self.config_file.as_deref(),
                &args.state,
                &args.report,
            )
        });
        let goes_on = |failure: Failure| match &resume {
            Some(command) => failure.or_next(command),
            None => failure,
        };
        let sent = send(session, &dir, &mut meta, order).await;
        at.keep_learned(session);
        let sent = sent.map_err(goes_on)?;
        let sources = plan.header.inputs.iter();
        let sources: Vec<String> = sources.map(|input| input.path.clone()).collect();
        let end_of = EndOf {
            report: ReportOf {
                dir: &dir,
                sources: &sources,
                dialects: &kept.dialects,
                dry_run: false,
                rows: None,
                all_rows: None,
            },
            wanted: &self.wanted,
            settings,
            at,
            witness: None,
            resume: resume.clone(),
        };
        end(session, &mut meta, sent, end_of).await.map_err(goes_on)
    }

    fn new_run(&self, kept: &KeptSettings) -> NewRun {
        let target = &self.at.target;
        NewRun {
            command: "apply".into(),
            account: Some(target.account.clone()),
            base_url: target.base_url_text.clone(),
            inputs: input_metas(&self.plan),
            dry_run: target.is_sandbox,
            starts_over: false,
            config: serde_json::to_value(kept).unwrap_or_default(),
        }
    }
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

fn kept(settings: &Settings, dialects: Vec<Dialect>, config: KeptSettings) -> KeptSettings {
    KeptSettings {
        account_name: settings.api.account.clone(),
        requests_per_minute: settings.limits.requests_per_minute,
        concurrency: settings.limits.concurrency,
        dialects,
        ..config
    }
}

/// Copies the plan into the run, after a row for each of its lanes: a run is taken for planned once its plan is there.
fn take_over(
    dir: &RunDir,
    mut file: &File,
    inputs: &mut Rereading<'_>,
    path: &Path,
) -> Result<u64, Failure> {
    let failed = |e: &Cause| Failure::from_error(Exit::NotFinished, "state", e);
    file.rewind().map_err(|e| plan_failure(path, &e))?;
    let mut rows = AtomicFile::create(&dir.rows()).map_err(|e| failed(&e))?;
    let count = write_rows_of(BufReader::new(file), inputs, &mut rows)
        .map_err(|e| plan_failure(path, &e))?;
    rows.commit().map_err(|e| failed(&e))?;
    file.rewind().map_err(|e| plan_failure(path, &e))?;
    let mut copy = AtomicFile::create(&dir.plan()).map_err(|e| failed(&e))?;
    std::io::copy(&mut file, &mut copy).map_err(|e| failed(&e))?;
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
