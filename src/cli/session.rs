//! One command from start to exit code: clock, console, signals, and the summary that is written however it ends.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tokio::time::Instant;

use crate::config::{
    Document, LoadedConfig, Overrides, Settings, StateConfig, ineffective_keys, load, load_saved,
};
use crate::helpcrunch::ReadClient;
use crate::journal::RunDir;
use crate::pace::Clock;
use crate::plan::{Explanation, Preview};
use crate::platform;
use crate::postgres::SharedState;
use crate::report::{InputFacts, Summary, Tally};

use super::after_run::AfterRun;
use super::args::{PageArgs, ReportArgs};
use super::connection::Target;
use super::console::Console;
use super::diagnostics::config_failure;
use super::exit::{Exit, Failure, OrFail as _};
use super::out_dir::OutDir;
use super::overlap::{FilesInUse, Overlap};
use super::own_key::{config_failure_without_key, refuse_own_key};
use super::request_facts::request_facts;
use super::stopping::Stopping;

/// A command that is running.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) console: Console,
    pub(super) clock: Clock,
    started: Instant,
    pub(super) stopping: Stopping,
    pub(super) summary: Summary,
    pub(super) summary_file: Option<PathBuf>,
    /// The page for people that the user wants.
    pub(super) page: PageArgs,
    pub(super) customer_url: Option<String>,
    pub(super) run: Option<RunDir>,
    /// Why the remote side was read as it was, if `--explain` asks for it.
    pub(super) explanation: Option<Explanation>,
    /// The preview of what is sent, if it is reported together with the end.
    pub(super) preview: Option<Preview>,
    /// What to do about rows that need attention: the last line on standard error.
    pub(super) attention: Option<String>,
    /// `[state]`, once the config was read.
    pub(super) keep: Option<StateConfig>,
    /// The config file, once it was read.
    pub(super) document: Option<Document>,
    /// What follows a run, once the config was read.
    pub(super) after_run: Option<AfterRun>,
    /// The account in the state database, once it was opened there; `forget` opens all.
    pub(super) shared: Vec<SharedState>,
    /// Where copies of the run's files go, once the config was read.
    pub(super) out_dir: Option<OutDir>,
}

impl Session {
    pub(super) fn start(
        command: &str,
        console: Console,
        summary_file: Option<PathBuf>,
        page: PageArgs,
    ) -> Result<Self, Failure> {
        if let Some(problem) = console.log_file_problem() {
            return Err(Failure::output(problem));
        }
        let clock = Clock::start(SystemTime::now()).with_suspension(platform::suspended);
        let stopping = Stopping::listen(&console).or_not_finished("signals")?;
        let summary = Summary {
            command: command.to_owned(),
            started_at: clock.rfc3339(),
            ..Summary::default()
        };
        Ok(Self {
            console,
            clock,
            started: clock.now(),
            stopping,
            summary,
            summary_file,
            page,
            customer_url: None,
            run: None,
            explanation: None,
            preview: None,
            attention: None,
            keep: None,
            document: None,
            after_run: None,
            shared: Vec::new(),
            out_dir: None,
        })
    }

    /// Loads the config and says which file was used.
    pub(super) fn load(&mut self, overrides: &Overrides) -> Result<LoadedConfig, Failure> {
        let folder = std::env::current_dir().or_usage("usage")?;
        let loaded = load(&folder, overrides);
        let loaded = loaded.map_err(|e| config_failure_without_key(&e))?;
        let key_file = loaded.settings.api.key_file.as_deref();
        refuse_own_key(loaded.document.as_ref(), overrides, key_file)?;
        if let Some(file) = loaded.file() {
            self.console.say(&format!("config: {}", file.display()));
        }
        if let Some(document) = &loaded.document {
            for note in ineffective_keys(document, &loaded.settings) {
                self.console.warn(&note);
            }
        }
        self.loaded(loaded)
    }

    /// Loads a config file that does not exist any more from the text that a run saved.
    pub(super) fn load_saved(
        &mut self,
        file: &Path,
        text: &str,
        overrides: &Overrides,
    ) -> Result<LoadedConfig, Failure> {
        let loaded = load_saved(file, text, overrides).map_err(|e| config_failure(&e))?;
        self.console.say(&format!(
            "config: {} does not exist any more; using the copy that the run saved",
            file.display()
        ));
        self.loaded(loaded)
    }

    fn loaded(&mut self, loaded: LoadedConfig) -> Result<LoadedConfig, Failure> {
        let out_dir = loaded.settings.output.folder.as_deref();
        self.out_dir = out_dir.map(OutDir::of).transpose()?;
        self.keep = Some(loaded.settings.state.clone());
        self.customer_url
            .clone_from(&loaded.settings.api.customer_url);
        if self.after_run.is_none() {
            self.after_run = AfterRun::begin(&self.summary, &loaded, &self.console);
        }
        self.document.clone_from(&loaded.document);
        Ok(loaded)
    }

    /// Sets the summary's times and exit code.
    pub(super) fn close_summary(&mut self, exit: Exit) {
        // Once the end was reported, these are as it says.
        if self.summary.finished_at.is_empty() {
            let seconds = self.started.elapsed().as_secs_f64();
            self.summary.finished_at = self.clock.rfc3339();
            self.summary.duration_s = (seconds * 1000.0).round() / 1000.0;
        }
        self.summary.exit_code = exit.code();
        debug_assert!(
            self.summary.results.total() == 0 || self.summary.rows_add_up().is_ok(),
            "{:?}",
            self.summary.rows_add_up()
        );
    }

    /// The file that `--summary` names, then the one in the run's folder.
    pub(super) fn summary_files(&self) -> Vec<PathBuf> {
        let in_run = self.run.as_ref().map(RunDir::summary);
        self.summary_file.iter().cloned().chain(in_run).collect()
    }

    /// The failure of a run that a signal stopped.
    pub(super) fn signal_failure(&self) -> Failure {
        Failure::new(self.stopping.exit(), "signal", "the run was stopped")
    }

    /// Refuses reports that would overwrite inputs which only the plan or the run names.
    pub(super) fn check_overlap(
        &mut self,
        inputs: FilesInUse,
        report: &ReportArgs,
    ) -> Result<(), Failure> {
        let apart = inputs.reports(report);
        self.summary_file = Overlap::summary_file(apart.as_ref().copied(), report);
        Ok(apart?)
    }

    /// Copies the gate's counts into the summary.
    pub(super) fn count_requests(&mut self, client: &ReadClient, settings: &Settings) {
        let limit = settings.limits.requests_per_minute;
        let (requests, rate) = request_facts(&client.gate().stats(), limit);
        self.summary.requests = requests;
        self.summary.rate = rate;
    }

    /// Records where the command's changes go, for all reports.
    pub(super) fn set_target(&mut self, settings: &Settings, target: &Target) {
        let dry_run = self.summary.dry_run;
        self.summary.target = Some(target.destination(settings, dry_run));
        if let Some(after_run) = &mut self.after_run {
            after_run.set_target(settings, target);
        }
    }

    pub(super) fn set_results(&mut self, tally: &Tally) {
        self.summary.results = tally.counts();
        self.summary.missing = tally.missing();
        self.summary.errors = tally.error_entries();
    }

    pub(super) fn set_input(&mut self, rows: u64, bytes: u64) {
        self.summary.input = InputFacts { rows, bytes };
    }
}
