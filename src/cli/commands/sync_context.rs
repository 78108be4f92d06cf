//! What a sync needs before it plans: settings, inputs, account, and its run.

use std::path::{Path, PathBuf};

use crate::cli::account_session::AccountSession;
use crate::cli::args::SyncArgs;
use crate::cli::confirmation::require_terminal;
use crate::cli::connection::{Target, deadline};
use crate::cli::exit::{Exit, Failure};
use crate::cli::input_command::{input_paths, no_input, open_inputs};
use crate::cli::inputs::Inputs;
use crate::cli::overlap::FilesInUse;
use crate::cli::planning::{copy_plan, input_metas, open_run, read_choices};
use crate::cli::reports::ReportPaths;
use crate::cli::restart::restartable_args;
use crate::cli::resume_command::resume_command;
use crate::cli::saved_settings::SavedSettings;
use crate::cli::session::Session;
use crate::cli::shell::{path_option, quoted};
use crate::cli::sync_inputs::SyncInputs;
use crate::cli::tracking::load_tracking;
use crate::config::Settings;
use crate::journal::{NewRun, RunDir, RunMeta};
use crate::run::making::Tracking;
use crate::run::user_choices::UserChoices;

/// What a sync needs before it opens its run.
pub(super) struct SyncContext<'a> {
    pub(super) args: &'a SyncArgs,
    pub(super) settings: Settings,
    pub(super) paths: ReportPaths,
    spooled: Inputs,
    pub(super) inputs: SyncInputs,
    pub(super) choices: UserChoices,
    pub(super) account: AccountSession,
    saved: SavedSettings,
}

pub(super) fn files_in_use(args: &SyncArgs, inputs: &[PathBuf]) -> FilesInUse {
    FilesInUse::of(inputs, &args.planning.account.config)
        .also_reads("--decisions", args.planning.decisions.decisions.as_deref())
}

impl<'a> SyncContext<'a> {
    pub(super) async fn prepare(
        session: &mut Session,
        args: &'a SyncArgs,
        inputs: Option<Inputs>,
    ) -> Result<Self, Failure> {
        let loaded = session.load(&args.planning.overrides())?;
        let saved = SavedSettings::of_config(&loaded);
        let files = files_in_use(args, input_paths(&args.inputs, &loaded.settings));
        session.check_overlap(files, &args.planning.report)?;
        let paths = ReportPaths::checked(&loaded.settings)?;
        if !args.dry_run {
            require_terminal(&args.ask)?;
        }
        let spooled = match inputs {
            Some(inputs) => inputs,
            None => {
                let deadline = deadline(&loaded.settings, session.clock);
                open_inputs(&args.inputs, &loaded, session, deadline).await?
            }
        };
        if spooled.files.is_empty() {
            return Err(no_input());
        }
        let settings = loaded.settings;
        let inputs = SyncInputs::new(spooled.files.clone(), &settings)?;
        if let Some(lost) = inputs.lost_columns(&settings) {
            session.console.warn(&lost);
        }
        let choices = read_choices(&settings)?;
        let target = Target::find(&settings, &session.console).await?;
        session.set_target(&settings, &target);
        let account = match args.dry_run || target.is_sandbox {
            true => AccountSession::open_to_read(session, &settings, target).await?,
            false => AccountSession::open_to_write(session, &settings, target).await?,
        };
        account.check_key().await?;
        Ok(Self {
            args,
            saved: saved.of_sync(&settings, &inputs),
            settings,
            paths,
            spooled,
            inputs,
            choices,
            account,
        })
    }

    /// Whether the run can be resumed. The in-process sandbox ends with the process.
    fn is_resumable(&self) -> bool {
        !self.args.dry_run && !self.account.target.is_sandbox
    }

    pub(super) fn open_run(&mut self, session: &mut Session) -> Result<(RunDir, RunMeta), Failure> {
        if self.is_resumable() {
            let inputs = input_paths(&self.args.inputs, &self.settings);
            let config = self.saved.config_file.as_deref();
            self.saved.started = restartable_args(self.args, inputs, config);
        }
        let target = &self.account.target;
        let new = NewRun {
            command: "sync".into(),
            account: Some(target.account.clone()),
            base_url: target.base_url_text.clone(),
            inputs: input_metas(&self.inputs.files),
            dry_run: !self.is_resumable(),
            starts_over: self.saved.started.is_some(),
            config: serde_json::to_value(&self.saved).unwrap_or_default(),
        };
        open_run(session, &self.account.state, new)
    }

    pub(super) fn load_tracking(&self) -> Result<Option<Tracking>, Failure> {
        let config = self.saved.config_file.as_deref();
        load_tracking(&self.settings, config, &self.account)
    }

    pub(super) fn resume_command(&self, meta: &RunMeta) -> Option<String> {
        let config = self.saved.config_file.as_deref();
        let (state, report) = (
            &self.args.planning.account.state,
            &self.args.planning.report,
        );
        self.is_resumable()
            .then(|| resume_command(meta, config, state, report))
    }

    /// Copies the plan into the current folder. Returns how the command then ends.
    pub(super) fn save_plan(&self, dir: &RunDir) -> Result<Failure, Failure> {
        let name = dir.path().file_name().unwrap_or_default();
        let name = format!("hcsync-{}.plan", name.to_string_lossy());
        let path = Path::new(&name);
        copy_plan(dir, path)?;
        let planning = &self.args.planning;
        let mut next = format!("hcsync apply {name}");
        let files = [
            ("--config", self.saved.config_file.as_deref()),
            ("--state-dir", planning.account.state.state_dir.as_deref()),
        ];
        for (option, file) in files {
            if let Some(file) = file {
                next.push_str(&format!(" {}", path_option(option, file)));
            }
        }
        let connection = &planning.account.connection;
        let texts = [
            ("--base-url", &connection.base_url),
            ("--account", &connection.account),
        ];
        for (option, text) in texts {
            if let Some(text) = text {
                next.push_str(&format!(" {option} {}", quoted(text)));
            }
        }
        let message = format!("Saved the plan as {name}. Nothing was sent.");
        let mut saved = Failure::new(Exit::Interrupted, "saved", message);
        saved.next_command = Some(next);
        Ok(saved)
    }

    /// Saves inputs that cannot be read again, so that the run can be restarted.
    pub(super) fn save_inputs(&mut self, dir: &RunDir) -> Result<(), Failure> {
        if self.is_resumable() {
            self.spooled.save_in(dir)?;
            self.inputs.files.clone_from(&self.spooled.files);
        }
        Ok(())
    }
}
