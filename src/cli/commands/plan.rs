//! `hcsync plan`: shows and saves the plan of a sync. Nothing is written remotely.

use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::cli::account::remember_witness;
use crate::cli::account_session::{AccountKnowledge, AccountSession};
use crate::cli::args::PlanArgs;
use crate::cli::command_runner::CommandRunner;
use crate::cli::connection::{Target, deadline};
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure};
use crate::cli::input_command::{input_paths, no_input, open_inputs};
use crate::cli::inputs::{Wait, fetch};
use crate::cli::overlap::{FilesInUse, Overlap};
use crate::cli::planning::{
    PlanOptions, RemoteOrigin, copy_plan, input_metas, make_plan, note_refusals, open_run,
    print_preview, read_choices,
};
use crate::cli::reports::{ReportPaths, RunReport};
use crate::cli::saved_settings::{SavedSettings, record_plan};
use crate::cli::session::Session;
use crate::cli::state::state_dir;
use crate::cli::sync_inputs::SyncInputs;
use crate::cli::tracking::load_tracking;
use crate::cli::unsent_run::DryRunEnd;
use crate::config::Settings;
use crate::journal::{NewRun, RunDir, RunMeta};
use crate::objects::{ObjectUrl, local_path};
use crate::plan::Destination;
use crate::platform::check_output;
use crate::run::making::MadePlan;

pub(in crate::cli) async fn run(args: &PlanArgs) -> Exit {
    let console = Console::from(&args.console);
    let work = async |session: &mut Session| plan(session, args).await;
    CommandRunner::new("plan", console)
        .reports(files_in_use(args, &args.inputs), &args.planning.report)
        .run(work)
        .await
}

fn files_in_use(args: &PlanArgs, inputs: &[PathBuf]) -> Result<FilesInUse, Overlap> {
    let files = FilesInUse::of(inputs, &args.planning.account.config)
        .also_reads("--remote-file", args.remote_file.as_deref())
        .also_reads("--decisions", args.planning.decisions.decisions.as_deref());
    match &args.out {
        Some(out) => files.writes("--out", out),
        None => Ok(files),
    }
}

async fn plan(session: &mut Session, args: &PlanArgs) -> Result<Exit, Failure> {
    session.summary.dry_run = true;
    let loaded = session.load(&args.planning.overrides())?;
    let saved = SavedSettings::of_config(&loaded);
    let files = files_in_use(args, input_paths(&args.inputs, &loaded.settings))?;
    session.check_overlap(files, &args.planning.report)?;
    let paths = ReportPaths::checked(&loaded.settings)?;
    if let Some(out) = &args.out {
        check_output(out).map_err(Failure::output)?;
    }
    let deadline = deadline(&loaded.settings, session.clock);
    let spooled = open_inputs(&args.inputs, &loaded, session, deadline).await?;
    if spooled.files.is_empty() {
        return Err(no_input());
    }
    let wait = Wait {
        stopping: &session.stopping,
        deadline,
    };
    let remote_file = RemoteFile::of(args.remote_file.as_deref(), wait).await?;
    let settings = loaded.settings;
    let inputs = SyncInputs::new(spooled.files.clone(), &settings)?;
    if let Some(lost) = inputs.lost_columns(&settings) {
        session.console.warn(&lost);
    }
    let saved = saved.of_sync(&settings, &inputs);
    let context = PlanContext {
        args,
        settings,
        inputs,
        remote_file,
    };
    let (dir, mut meta, made) = context.make_plan(session, &saved).await?;
    record_plan(&dir, &mut meta, &made)?;
    print_preview(session, &made, session.console.view());
    if let Some(out) = &args.out {
        let saved = match out.exists() {
            true => "plan saved, in place of the file that was there",
            false => "plan saved",
        };
        copy_plan(&dir, out)?;
        session.console.say(&format!("{saved}: {}", out.display()));
    }
    let end = DryRunEnd {
        report: RunReport {
            dir: &dir,
            sources: &context.inputs.names(),
            dialects: &context.inputs.survey.dialects,
            dry_run: true,
            rows: Some(made.rows),
            all_rows: None,
        },
        paths: &paths,
        settings: &context.settings,
        detailed_exit_code: args.detailed_exitcode,
    };
    end.finish(session, &mut meta)
}

struct PlanContext<'a> {
    args: &'a PlanArgs,
    settings: Settings,
    inputs: SyncInputs,
    remote_file: Option<RemoteFile>,
}

/// The file of `--remote-file`, with the copy of an object, which is removed when dropped.
struct RemoteFile {
    path: PathBuf,
    _copy: Option<NamedTempFile>,
}

impl RemoteFile {
    async fn of(path: Option<&Path>, wait: Wait<'_>) -> Result<Option<Self>, Failure> {
        let Some(path) = path else { return Ok(None) };
        Ok(Some(match ObjectUrl::of(path).map_err(Failure::usage)? {
            Some(object) => {
                let copy = fetch(&object, wait).await?;
                Self {
                    path: copy.path().to_owned(),
                    _copy: Some(copy),
                }
            }
            None => Self {
                path: local_path(path),
                _copy: None,
            },
        }))
    }
}

impl PlanContext<'_> {
    /// Makes the plan in a run of its own.
    async fn make_plan(
        &self,
        session: &mut Session,
        saved: &SavedSettings,
    ) -> Result<(RunDir, RunMeta, MadePlan), Failure> {
        let settings = &self.settings;
        let choices = read_choices(settings)?;
        let account = self.open_account(session).await?;
        let knowledge = match &account {
            Some(account) => {
                account.check_key().await?;
                let mut knowledge = account.load_knowledge(session)?;
                account.add_recent_keys(session, settings, &mut knowledge)?;
                knowledge
            }
            None => AccountKnowledge::default(),
        };
        let tracking = match &account {
            Some(account) => load_tracking(settings, saved.config_file.as_deref(), account)?,
            None => None,
        };
        let (dir, meta) = self.open_run(session, account.as_ref(), saved)?;
        let options = PlanOptions {
            inputs: &self.inputs,
            settings,
            origin: match (&account, &self.remote_file) {
                (Some(account), _) => RemoteOrigin::Api(account),
                (None, Some(file)) => RemoteOrigin::File(&file.path),
                (None, None) => RemoteOrigin::File(Path::new("")),
            },
            knowledge: &knowledge,
            choices: &choices,
            tracking: tracking.as_ref(),
            // `apply` reads each customer again.
            reread_all: self.args.out.is_some(),
        };
        let made = make_plan(session, &meta, &dir, options).await;
        if let Some(account) = &account {
            session.count_requests(&account.client, settings);
        }
        let mut made = made?;
        if let Some(account) = &account {
            account.save_learned();
            if let Some(dir) = account.lasting_dir() {
                remember_witness(dir, &account.target, settings, made.witness.as_ref())?;
            }
        }
        note_refusals(settings, &mut made);
        Ok((dir, meta, made))
    }

    /// Opens the account, or returns `None` if the plan is made against a file.
    async fn open_account(&self, session: &mut Session) -> Result<Option<AccountSession>, Failure> {
        if self.args.remote_file.is_some() {
            session.summary.target = Some(Destination {
                account: self.settings.api.account.clone(),
                base_url: self.settings.api.base_url.clone(),
                dry_run: true,
                ..Destination::default()
            });
            return Ok(None);
        }
        let target = Target::find(&self.settings, &session.console).await?;
        session.set_target(&self.settings, &target);
        AccountSession::open_to_read(session, &self.settings, target)
            .await
            .map(Some)
    }

    fn open_run(
        &self,
        session: &mut Session,
        account: Option<&AccountSession>,
        saved: &SavedSettings,
    ) -> Result<(RunDir, RunMeta), Failure> {
        let target = account.map(|account| &account.target);
        let base_url = target.map_or(&self.settings.api.base_url, |target| &target.base_url_text);
        let new = NewRun {
            command: "plan".into(),
            account: target.map(|target| target.account.clone()),
            base_url: base_url.clone(),
            inputs: input_metas(&self.inputs.files),
            dry_run: true,
            starts_over: false,
            config: serde_json::to_value(saved).unwrap_or_default(),
        };
        open_run(session, &state_dir(&self.settings)?, new)
    }
}
