//! `hcsync sync`: plans the whole input, checks it against the safety limits, then applies it, in one run.

use crate::cli::account_findings::email_case;
use crate::cli::account_session::AccountKnowledge;
use crate::cli::args::SyncArgs;
use crate::cli::command_runner::CommandRunner;
use crate::cli::confirmation::{PlanToSend, admit_plan};
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure};
use crate::cli::inputs::Inputs;
use crate::cli::planned_run::PlannedRun;
use crate::cli::planning::{PlanOptions, RemoteOrigin, make_plan, note_refusals, print_preview};
use crate::cli::reports::RunReport;
use crate::cli::run_end::send_and_end;
use crate::cli::saved_settings::record_plan;
use crate::cli::sending::SendRequest;
use crate::cli::session::Session;
use crate::cli::sync_inputs::attribute_columns;
use crate::cli::tracking::{is_first_delete, save_tracking};
use crate::cli::unsent_run::{DryRunEnd, end_unsent, note_unfinished};
use crate::journal::{RunDir, RunMeta};
use crate::plan::safety::check;
use crate::run::freshness::{RefreshMode, Refresher};
use crate::run::making::{MadePlan, Tracking};

use super::sync_context::{SyncContext, files_in_use};

pub(in crate::cli) async fn run(args: &SyncArgs) -> Exit {
    let console = Console::from(&args.console);
    let files = files_in_use(args, &args.inputs);
    let work = async |session: &mut Session| sync(session, args, None).await;
    CommandRunner::new("sync", console)
        .reports(Ok(files), &args.planning.report)
        .run(work)
        .await
}

/// Runs a sync. `inputs` are those of a restarted run.
pub(super) async fn sync(
    session: &mut Session,
    args: &SyncArgs,
    inputs: Option<Inputs>,
) -> Result<Exit, Failure> {
    session.summary.dry_run = args.dry_run;
    let mut context = Box::pin(SyncContext::prepare(session, args, inputs)).await?;
    let (dir, mut meta) = context.open_run(session)?;
    let resume = context.resume_command(&meta);
    let ended = match context.save_inputs(&dir) {
        Ok(()) => {
            let ended =
                Box::pin(context.plan_and_send(session, &dir, &mut meta, resume.as_deref())).await;
            context.account.save_learned();
            ended
        }
        Err(failure) => Err(failure),
    };
    ended.map_err(|failure| note_unfinished(session, &dir, &mut meta, resume.as_deref(), failure))
}

impl SyncContext<'_> {
    async fn plan_and_send(
        &self,
        session: &mut Session,
        dir: &RunDir,
        meta: &mut RunMeta,
        resume: Option<&str>,
    ) -> Result<Exit, Failure> {
        let knowledge = self
            .account
            .settled_knowledge(session, &self.settings, meta)
            .await?;
        let tracking = self.load_tracking()?;
        let made = self
            .plan(session, dir, meta, (&knowledge, tracking.as_ref()))
            .await?;
        let report = RunReport {
            dir,
            sources: &self.inputs.names(),
            dialects: &self.inputs.survey.dialects,
            dry_run: self.args.dry_run,
            rows: Some(made.rows),
            all_rows: None,
        };
        if self.args.dry_run {
            let end = DryRunEnd {
                report,
                paths: &self.paths,
                settings: &self.settings,
                detailed_exit_code: false,
            };
            return end.finish(session, meta);
        }
        let tracking = tracking.as_ref();
        self.admit(session, meta, &report, (&made, tracking))
            .await?;
        save_tracking(tracking, made.tracked.as_ref(), &self.account)?;
        let run = PlannedRun {
            report,
            paths: &self.paths,
            settings: &self.settings,
            account: &self.account,
            witness: made.witness.as_ref(),
            resume,
        };
        self.send(session, meta, run, knowledge, &made).await
    }

    /// Makes the plan, records it in the run and shows it.
    async fn plan(
        &self,
        session: &mut Session,
        dir: &RunDir,
        meta: &mut RunMeta,
        (knowledge, tracking): (&AccountKnowledge, Option<&Tracking>),
    ) -> Result<MadePlan, Failure> {
        let options = PlanOptions {
            inputs: &self.inputs,
            settings: &self.settings,
            origin: RemoteOrigin::Api(&self.account),
            knowledge,
            choices: &self.choices,
            tracking,
            reread_all: false,
        };
        let made = make_plan(session, meta, dir, options).await;
        session.count_requests(&self.account.client, &self.settings);
        let mut made = made?;
        if self.args.dry_run {
            note_refusals(&self.settings, &mut made);
        }
        record_plan(dir, meta, &made)?;
        if session.console.is_json() && !self.args.dry_run {
            // The end of the run prints the preview, so that there is one JSON document.
            session.preview = Some(made.preview.clone());
        } else if self.args.dry_run {
            print_preview(session, &made, session.console.view());
        } else if !session.console.is_quiet() {
            print_preview(session, &made, session.console.brief_view());
            session.console.print("\n");
        }
        Ok(made)
    }

    /// Ends the run if the plan is refused or declined.
    async fn admit(
        &self,
        session: &mut Session,
        meta: &mut RunMeta,
        report: &RunReport<'_>,
        (made, tracking): (&MadePlan, Option<&Tracking>),
    ) -> Result<(), Failure> {
        let refusals = check(&self.settings.safety, &made.figures);
        let save = || self.save_plan(report.dir);
        let plan = PlanToSend {
            target: &self.account.target,
            preview: &made.preview,
            refusals: &refusals,
            save: Some(&save),
            is_first_delete: is_first_delete(made.figures.missing, tracking.map(|t| &t.tracked)),
        };
        let admitted = admit_plan(session, &self.args.ask, plan).await;
        if let Err(failure) = &admitted {
            end_unsent(session, meta, report, &self.paths, failure)?;
        }
        admitted
    }

    async fn send(
        &self,
        session: &mut Session,
        meta: &mut RunMeta,
        run: PlannedRun<'_>,
        knowledge: AccountKnowledge,
        made: &MadePlan,
    ) -> Result<Exit, Failure> {
        let AccountKnowledge {
            memory,
            findings,
            snapshot,
            ..
        } = knowledge;
        let creates_are_limited = self.settings.safety.max_creates > 0;
        let rules = self.inputs.rules.refresh_rules(creates_are_limited);
        let refresher = Refresher::new(RefreshMode::Replan, rules, memory)
            .with_email_case(email_case(&findings));
        let request = SendRequest {
            refresher: &refresher,
            columns: attribute_columns(&self.inputs.schema),
            read_at: Some(made.read_at.clone()),
            snapshot,
            recovered: None,
            findings: &findings,
            digest: made.preview.digest.clone(),
            lanes: made.preview.counts.written_of(made.rows)
                + made.figures.missing.map_or(0, |missing| missing.customers),
            seconds: made.preview.estimate.duration_s,
            canary: self.args.canary.clone(),
        };
        send_and_end(session, meta, run, request).await
    }
}
