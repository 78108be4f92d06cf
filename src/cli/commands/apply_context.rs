//! A saved plan that is shown, admitted and sent: what `apply` and `undo` share.

use std::io;

use crate::cli::account_findings::{email_case, warn_of_whole_batches};
use crate::cli::account_session::{AccountKnowledge, AccountSession};
use crate::cli::args::ApplyArgs;
use crate::cli::confirmation::{PlanToSend, admit_plan};
use crate::cli::exit::{Exit, Failure, OrFail as _};
use crate::cli::planned_run::PlannedRun;
use crate::cli::planning::open_run;
use crate::cli::reports::{ReportPaths, RunReport};
use crate::cli::resume_command::resume_command;
use crate::cli::run_end::send_and_end;
use crate::cli::saved_settings::SavedSettings;
use crate::cli::sending::SendRequest;
use crate::cli::session::Session;
use crate::cli::source_settings::budget_rules;
use crate::cli::tracking::is_first_delete;
use crate::config::Settings;
use crate::journal::{InputMeta, NewRun, RunDir, RunMeta, RunState, Tracked};
use crate::plan::codec::{PlanFileError, PlanInput};
use crate::plan::safety::{SafetyFigures, check};
use crate::plan::{MatchSettings, Preview};
use crate::platform::AtomicFile;
use crate::report::render_preview;
use crate::run::freshness::{RefreshMode, RefreshRules, Refresher};
use crate::run::memory::Memory;
use crate::run::replay::{PlanLanes, preview_of, write_rows_of};
use crate::run::rereading::Rereading;

use super::plan_checks::bad_plan;
use super::saved_plan::SavedPlan;
/// What applying a plan needs.
pub(super) struct ApplyContext<'a> {
    pub(super) args: &'a ApplyArgs,
    pub(super) settings: Settings,
    pub(super) paths: ReportPaths,
    pub(super) plan: SavedPlan,
    pub(super) account: AccountSession,
}

/// The run of a plan, with the lanes of the plan.
pub(super) struct ApplyRun {
    pub(super) dir: RunDir,
    pub(super) meta: RunMeta,
    pub(super) lanes: PlanLanes,
}

impl ApplyContext<'_> {
    /// Shows the plan. Returns its preview, and the figures for the safety limits.
    pub(super) fn show(
        &self,
        session: &mut Session,
        knowledge: &AccountKnowledge,
    ) -> Result<(Preview, SafetyFigures), Failure> {
        let examples = self.settings.run.examples.map_or(0, |n| n as usize);
        let budget = budget_rules(&self.settings, true, &knowledge.findings);
        let preview = self.plan.reader().and_then(|reader| {
            let plan = &self.plan.verified;
            preview_of(
                reader,
                plan,
                examples,
                budget.clone(),
                knowledge.finished_runs,
            )
        });
        let (mut preview, figures) = preview.map_err(|e| self.bad_plan(&e))?;
        warn_of_whole_batches(&mut preview, &budget);
        preview.target.clone_from(&session.summary.target);
        session.summary.planned = preview.counts;
        session.summary.estimate = preview.estimate.into();
        session.summary.remote = preview.remote.clone();
        let console = &session.console;
        if !console.is_json() && !console.is_quiet() {
            let text = render_preview(&preview, console.brief_view());
            console.print(&format!("{text}\n"));
        }
        Ok((preview, figures))
    }

    /// Checks the safety limits, and asks whether to send the plan.
    pub(super) async fn admit(
        &self,
        session: &Session,
        preview: &Preview,
        figures: &SafetyFigures,
    ) -> Result<(), Failure> {
        let missing = self.plan.verified.header.missing.as_ref();
        let tracked = missing.zip(self.account.lasting_dir());
        let tracked = tracked.map(|(missing, dir)| Tracked::read(&dir.tracked(&missing.tracking)));
        let tracked = tracked.transpose().or_not_finished("state")?;
        let plan = PlanToSend {
            target: &self.account.target,
            preview,
            refusals: &check(&self.settings.safety, figures),
            save: None,
            is_first_delete: is_first_delete(figures.missing, tracked.as_ref()),
        };
        admit_plan(session, &self.args.ask, plan).await
    }

    /// Sends the plan, and reports the results.
    pub(super) async fn send(
        self,
        session: &mut Session,
        run: ApplyRun,
        saved: SavedSettings,
        knowledge: AccountKnowledge,
        preview: &Preview,
    ) -> Result<Exit, Failure> {
        let (settings, account) = (&self.settings, &self.account);
        let ApplyRun {
            dir,
            mut meta,
            lanes,
        } = run;
        let AccountKnowledge {
            memory,
            findings,
            snapshot,
            ..
        } = knowledge;
        let refresher =
            refresher(settings.matching.clone(), memory).with_email_case(email_case(&findings));
        let request = SendRequest {
            refresher: &refresher,
            columns: Default::default(),
            read_at: None,
            snapshot,
            recovered: None,
            findings: &findings,
            digest: self.plan.verified.end.sha256.clone(),
            lanes: lanes.rows + lanes.missing,
            seconds: preview.estimate.duration_s,
            canary: self.args.canary.clone(),
        };
        let resume = self.resume_command(&meta, &saved);
        let run = PlannedRun {
            report: RunReport {
                dir: &dir,
                sources: &self.plan.sources(),
                dialects: &saved.dialects,
                dry_run: false,
                rows: None,
                all_rows: None,
            },
            paths: &self.paths,
            settings,
            account,
            witness: None,
            resume: resume.as_deref(),
        };
        send_and_end(session, &mut meta, run, request).await
    }

    /// Opens a run with a copy of the plan.
    pub(super) fn open_run(
        &self,
        session: &mut Session,
        saved: &SavedSettings,
        inputs: &mut Rereading<'_>,
    ) -> Result<ApplyRun, Failure> {
        let plan_inputs = self.plan.verified.header.inputs.iter();
        let new = NewRun {
            command: "apply".into(),
            account: Some(self.account.target.account.clone()),
            base_url: self.account.target.base_url_text.clone(),
            inputs: plan_inputs.map(input_meta).collect(),
            dry_run: self.account.target.is_sandbox,
            starts_over: false,
            config: serde_json::to_value(saved).unwrap_or_default(),
        };
        let (dir, mut meta) = open_run(session, &self.account.state, new)?;
        let lanes = self.write_rows(&dir, inputs)?;
        for lost in inputs.lost() {
            session.console.say(&lost.to_string());
        }
        let mut reader = self.plan.reader().map_err(|e| self.bad_plan(&e))?;
        // A run with a plan counts as planned, so its rows are written before.
        let mut copy = AtomicFile::create(&dir.plan()).or_not_finished("state")?;
        io::copy(&mut reader, &mut copy).or_not_finished("state")?;
        copy.commit().or_not_finished("state")?;
        self.record_plan(session, &dir, &mut meta, lanes.rows)?;
        Ok(ApplyRun { dir, meta, lanes })
    }

    /// Records in a run that it has its plan.
    pub(super) fn record_plan(
        &self,
        session: &mut Session,
        dir: &RunDir,
        meta: &mut RunMeta,
        rows: u64,
    ) -> Result<(), Failure> {
        session.set_input(rows, 0);
        meta.state = RunState::Planned;
        meta.plan_digest = Some(self.plan.verified.end.sha256.clone());
        Ok(dir.write_meta(meta)?)
    }

    /// Writes the row of each lane.
    pub(super) fn write_rows(
        &self,
        dir: &RunDir,
        inputs: &mut Rereading<'_>,
    ) -> Result<PlanLanes, Failure> {
        let reader = self.plan.reader().map_err(|e| self.bad_plan(&e))?;
        let mut rows = AtomicFile::create(&dir.rows()).or_not_finished("state")?;
        let count = write_rows_of(reader, inputs, &mut rows).map_err(|e| self.bad_plan(&e))?;
        rows.commit().or_not_finished("state")?;
        Ok(count)
    }

    fn bad_plan(&self, error: &PlanFileError) -> Failure {
        bad_plan(&self.args.plan, error)
    }

    fn resume_command(&self, meta: &RunMeta, saved: &SavedSettings) -> Option<String> {
        let config = saved.config_file.as_deref();
        let (state, report) = (&self.args.account.state, &self.args.report);
        let lasting = self.account.lasting_dir();
        lasting.map(|_| resume_command(meta, config, state, report))
    }
}

pub(super) fn input_meta(input: &PlanInput) -> InputMeta {
    InputMeta {
        path: input.path.clone(),
        sha256: Some(input.sha256.clone()),
        rows: Some(input.rows),
        bytes: None,
    }
}

/// Writes each lane exactly as planned, or not at all if its customer changed.
pub(super) fn refresher(matching: MatchSettings, memory: Memory) -> Refresher {
    let rules = RefreshRules {
        matching,
        ..RefreshRules::default()
    };
    Refresher::new(RefreshMode::Exact, rules, memory)
}
