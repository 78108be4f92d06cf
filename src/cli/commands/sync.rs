//! `hcsync sync`: plans the whole input, checks it against the safety limits, then applies it, in one run.

use std::path::Path;

use crate::cli::args::SyncArgs;
use crate::cli::asking::{SEND, ask, must_ask, refuse_without_terminal};
use crate::cli::attached::{Attached, Known};
use crate::cli::beginning::Beginning;
use crate::cli::connection::{Target, deadline};
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure};
use crate::cli::inputs::Inputs;
use crate::cli::kept::{KeptSettings, kept, planned};
use crate::cli::overlap::FilesInUse;
use crate::cli::planning::{
    From, MakeWith, Prepared, attribute_columns, decisions, input_metas, make, note_refusals,
    open_run, preview_text, show_preview, show_preview_json,
};
use crate::cli::probed::{AccountLessons, clean_up, email_case, settle};
use crate::cli::reports::{ReportOf, Wanted};
use crate::cli::sending::{EndOf, Order, end, send};
use crate::cli::session::Session;
use crate::cli::starting_over::started;
use crate::cli::superseding::Left;
use crate::cli::unsent::{DryEnd, finish_unsent, refused, unfinished};
use crate::config::{Overrides, Settings};
use crate::journal::{NewRun, RunDir, RunMeta};
use crate::plan::safety::check;
use crate::probe::Findings;
use crate::run::decisions::Decisions;
use crate::run::freshness::{Freshness, Refresher};
use crate::run::making::MadePlan;

pub(in crate::cli) async fn run(args: &SyncArgs) -> Exit {
    let console = Console::new(args.output.output, args.progress.progress, &args.log);
    let files = FilesInUse::of(&args.inputs, args.config.config.as_deref())
        .also_reads("--decisions", args.decisions.decisions.as_deref());
    let work = async |session: &mut Session| sync(session, args, None).await;
    Beginning::new("sync", console)
        .reports(Ok(files), &args.report)
        .run(work)
        .await
}

/// What is known before a run is opened.
struct Ready<'a> {
    args: &'a SyncArgs,
    settings: Settings,
    wanted: Wanted,
    prepared: Prepared,
    decisions: Decisions,
    at: Attached,
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
    let config = KeptSettings::of_config(&loaded);
    let settings = loaded.settings;
    let wanted = Wanted::of(&settings);
    wanted.check().map_err(Failure::output)?;
    if !args.dry_run {
        refuse_without_terminal(&args.ask)?;
    }
    let mut inputs = match inputs {
        Some(inputs) => inputs,
        None => {
            Inputs::open(
                &args.inputs,
                &session.stopping,
                deadline(&settings, session.clock),
            )
            .await?
        }
    };
    let mut prepared = Prepared::new(inputs.files.clone(), &settings)?;
    let decisions = decisions(&settings)?;
    let target = Target::find(&settings, &session.console).await?;
    // The in-process sandbox is gone with this process: nothing to go on with.
    let is_passing = args.dry_run || target.is_sandbox;
    let at = match is_passing {
        true => Attached::to_read(session, &settings, target)?,
        false => Attached::to_write(session, &settings, target)?,
    };
    at.admit_key().await?;
    let mut kept = kept(&settings, &prepared, config);
    if !is_passing {
        kept.started = started(args, config_file.as_deref());
    }
    let new = NewRun {
        command: "sync".into(),
        account: Some(at.target.account.clone()),
        base_url: at.target.base_url_text.clone(),
        inputs: input_metas(&prepared.inputs),
        dry_run: is_passing,
        starts_over: kept.started.is_some(),
        config: serde_json::to_value(&kept).unwrap_or_default(),
    };
    let (dir, mut meta) = open_run(session, &at.state, new)?;
    let resume = (!is_passing)
        .then(|| super::resume::command(&meta, config_file.as_deref(), &args.state, &args.report));
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
        at,
    };
    let ended = Box::pin(ready.plan_and_send(session, &dir, &mut meta, &resume)).await;
    ready.at.keep_learned(session);
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
            at,
            ..
        } = self;
        let mut known = at.known(session)?;
        if !meta.dry_run {
            self.take_over(session, meta, &known.probed).await?;
            // What became of an interrupted run may have shown more.
            known.probed = at.findings(session);
        }
        at.recall_recent(session, settings, &mut known)?;
        let with = MakeWith {
            prepared,
            settings,
            from: From::Api(at),
            known: &known,
            decisions: &self.decisions,
            reread_all: false,
        };
        let made = make(session, meta, dir, with).await;
        session.count_requests(&at.client, settings);
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
            all_rows: None,
        };
        planned(session, dir, meta, &made)?;
        if session.console.is_json() {
            if args.dry_run {
                show_preview_json(session, &made);
            } else {
                session.preview = Some(made.preview.clone());
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
        let Known {
            memory,
            probed,
            snapshot,
            ..
        } = known;
        let rules = prepared
            .rules
            .refresh_rules(settings.safety.max_creates > 0);
        let refresher =
            Refresher::new(Freshness::PlanAnew, rules, memory).with_email_case(email_case(&probed));
        let order = Order {
            settings,
            at,
            refresher: &refresher,
            columns: attribute_columns(&prepared.schema),
            read_at: Some(made.read_at.clone()),
            snapshot,
            recovered: None,
            probed: &probed,
            digest: made.preview.digest.clone(),
            witness: made.witness.as_ref(),
            lanes: made.preview.counts.written_of(made.rows),
            seconds: made.preview.estimate.duration_s,
        };
        let sent = send(session, dir, meta, order).await?;
        let end_of = EndOf {
            report,
            wanted,
            settings,
            at,
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
        let at = &self.at;
        let left = Left {
            session,
            state: &at.state,
            account: &at.target.account,
            client: &at.client,
            settle: settle(&self.settings, probed),
            lessons: &AccountLessons::of(&at.account, session.clock),
        };
        left.supersede(&meta.run_id).await?;
        clean_up(session, &self.settings, &at.account, &at.client, probed).await;
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
        let asks = made.preview.counts.has_changes() && must_ask(&self.args.ask, &self.at.target);
        let admitted = match refused(&check(&self.settings.safety, &made.figures)) {
            Some(refusal) => Err(refusal),
            None if asks => {
                if session.console.is_json() {
                    // What is agreed to has to be seen, also where standard output is for a program.
                    session
                        .console
                        .tell_page(&preview_text(made, session.console.view()));
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
