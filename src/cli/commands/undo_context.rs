//! What `undo` needs: the run that is taken back, its account, and the plan.

use crate::cli::account::PlanAccount;
use crate::cli::account_session::AccountSession;
use crate::cli::args::UndoArgs;
use crate::cli::confirmation::require_terminal;
use crate::cli::connection::Target;
use crate::cli::exit::{Exit, Failure, OrFail as _};
use crate::cli::planning::open_run;
use crate::cli::reports::ReportPaths;
use crate::cli::saved_settings::SavedSettings;
use crate::cli::session::Session;
use crate::cli::shared_state::refreshed_state_dir;
use crate::config::Settings;
use crate::domain::RunId;
use crate::journal::{NewRun, RunDir, RunMeta};
use crate::plan::RemoteFacts;
use crate::plan::codec::{PLAN_VERSION, PlanHeader};
use crate::platform::check_output;
use crate::postgres::PulledRuns;
use crate::run::undo::{MadeUndo, UndoMaking};

use super::apply_context::input_meta;
use super::run_to_resume::apply_run_settings;
use super::saved_plan::{SavedPlan, cannot_show};
/// What taking a run back needs.
pub(super) struct UndoContext<'a> {
    pub(super) args: &'a UndoArgs,
    pub(super) settings: Settings,
    pub(super) saved: SavedSettings,
    pub(super) paths: ReportPaths,
    pub(super) account: AccountSession,
    /// The run that is taken back.
    pub(super) run: RunDir,
    pub(super) run_meta: RunMeta,
    pub(super) run_plan: SavedPlan,
}

impl<'a> UndoContext<'a> {
    pub(super) async fn prepare(
        session: &mut Session,
        args: &'a UndoArgs,
    ) -> Result<Self, Failure> {
        let overrides = args.overrides();
        let loaded = session.load(&overrides)?;
        let saved = SavedSettings::of_config(&loaded);
        let mut settings = loaded.settings;
        let paths = ReportPaths::checked(&settings)?;
        match &args.out {
            Some(out) => check_output(out).map_err(Failure::output)?,
            None => require_terminal(&args.ask)?,
        }
        let id = RunId::new(&args.run).map_err(Failure::usage)?;
        let state_dir = settings.run.state_dir.as_deref();
        let state = refreshed_state_dir(
            state_dir,
            &settings.state,
            PulledRuns::StartingWith(&args.run),
        )
        .await?;
        let run = state.run(&id).or_usage("usage");
        let run = run.map_err(|failure| failure.hint("`hcsync runs` lists all runs"))?;
        let run_meta = run.read_meta()?;
        check_has_written(&run, &run_meta)?;
        apply_run_settings(
            &mut settings,
            &overrides,
            &run_meta,
            &SavedSettings::of_run(&run_meta)?,
        );
        let run_plan = SavedPlan::open(&run.plan()).map_err(|e| cannot_show(&run.plan(), &e))?;
        let target = Target::find(&settings, &session.console).await?;
        session.set_target(&settings, &target);
        let account = match &args.out {
            Some(_) => AccountSession::open_to_read(session, &settings, target).await?,
            None => AccountSession::open_to_write(session, &settings, target).await?,
        };
        account.check_key().await?;
        let written_to = PlanAccount {
            id: run_meta.account.as_ref(),
            key: None,
        };
        let same_account = args.same_account.same_account;
        account.check_plan(written_to, same_account).await?;
        if args.out.is_some() && run_meta.is_open() {
            return Err(unsettled(&run_meta));
        }
        Ok(Self {
            args,
            saved: SavedSettings {
                undoes: Some(run_meta.run_id.clone()),
                ..saved.of_account(&settings, Vec::new())
            },
            settings,
            paths,
            account,
            run,
            run_meta,
            run_plan,
        })
    }

    /// Opens the run of the undo.
    pub(super) fn open_run(&self, session: &mut Session) -> Result<(RunDir, RunMeta), Failure> {
        let target = &self.account.target;
        let inputs = self.run_plan.verified.header.inputs.iter();
        let new = NewRun {
            command: "undo".into(),
            account: Some(target.account.clone()),
            base_url: target.base_url_text.clone(),
            inputs: inputs.map(input_meta).collect(),
            dry_run: self.args.out.is_some(),
            starts_over: false,
            config: serde_json::to_value(&self.saved).unwrap_or_default(),
        };
        open_run(session, &self.account.state, new)
    }

    pub(super) async fn make_plan(
        &self,
        session: &Session,
        dir: &RunDir,
        meta: &RunMeta,
    ) -> Result<MadeUndo, Failure> {
        let run_header = &self.run_plan.verified.header;
        let now = session.clock.rfc3339();
        let header = PlanHeader {
            hcsync_plan: PLAN_VERSION,
            run_id: meta.run_id.clone(),
            created_at: now.clone(),
            base_url: meta.base_url.clone(),
            account: Some(self.account.target.account.as_str().to_owned()),
            key: Some(self.account.target.key_fingerprint.as_str().to_owned()),
            inputs: run_header.inputs.clone(),
            config_sha256: self.settings.config_sha256(),
            remote: RemoteFacts {
                strategy: "lookup".to_owned(),
                customers: None,
                as_of: Some(now),
            },
            undoes: Some(self.run_meta.run_id.clone()),
            missing: None,
        };
        let making = UndoMaking {
            run: &self.run,
            run_id: &self.run_meta.run_id,
            plan: &self.run_plan.verified,
            client: &self.account.client,
            deletes_created: self.args.delete_created,
        };
        making.make(&header, &dir.plan()).await.map_err(|error| {
            let gate = session.gate_failure(&self.account.client);
            gate.unwrap_or_else(|| Failure::from_error(Exit::NotFinished, "undo", &error))
        })
    }
}

fn check_has_written(run: &RunDir, meta: &RunMeta) -> Result<(), Failure> {
    if !meta.dry_run && run.plan().exists() && run.journal().exists() {
        return Ok(());
    }
    let message = format!("run {} sent nothing: there is nothing to undo", meta.run_id);
    Err(Failure::usage(message).hint("`hcsync runs` lists all runs"))
}

fn unsettled(meta: &RunMeta) -> Failure {
    let message = format!(
        "run {} was interrupted, and it may not be known yet what it wrote last",
        meta.run_id
    );
    Failure::usage(message)
        .hint("undo it without --out: that finds out first, and shows the plan before it asks")
}
