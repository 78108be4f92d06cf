//! One command from its start to its exit code: clock, console, stops, and the summary that is written whatever
//! the end is.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::config::{Document, Loaded, Overrides, Settings, load, load_kept};
use crate::helpcrunch::{GateStats, ReadClient, StopKind};
use crate::journal::{RunDir, StateDir, StateError};
use crate::pace::Clock;
use crate::plan::{Explanation, Preview};
use crate::platform::{self, AtomicFile};
use crate::report::{InputFacts, RateFacts, RequestFacts, Stop, Summary, write_summary};

use super::args::ReportArgs;
use super::commands::runs::prune_old;
use super::console::Console;
use super::diagnostics::{at_config, config_failure};
use super::exit::{Cause, Exit, Failure};
use super::overlap::{FilesInUse, Overlap};
use super::own_key::{config_failure_without_key, refuse_own_key};
use super::stopping::Stopping;

/// A command that is running.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) console: Console,
    pub(super) clock: Clock,
    started: Instant,
    pub(super) stopping: Stopping,
    pub(super) summary: Summary,
    summary_file: Option<PathBuf>,
    pub(super) run: Option<RunDir>,
    /// Why the remote side was read as it was, where that was asked for.
    pub(super) explanation: Option<Explanation>,
    /// The preview of what is sent, where it is told with the end.
    pub(super) preview: Option<Preview>,
    /// `[state] keep` and the config file, once they were read.
    keep: Option<Duration>,
    document: Option<Document>,
}

impl Session {
    pub(super) fn start(
        command: &str,
        console: Console,
        summary_file: Option<PathBuf>,
    ) -> Result<Self, Failure> {
        let clock = Clock::start(SystemTime::now()).counting(platform::suspended);
        let stopping = Stopping::listen(&console)
            .map_err(|e| Failure::from_error(Exit::NotFinished, "signals", &e))?;
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
            run: None,
            explanation: None,
            preview: None,
            keep: None,
            document: None,
        })
    }

    /// Reads the config and says which file it was.
    pub(super) fn load(&mut self, overrides: &Overrides) -> Result<Loaded, Failure> {
        let folder =
            std::env::current_dir().map_err(|e| Failure::from_error(Exit::Usage, "usage", &e))?;
        let loaded = load(&folder, overrides);
        let loaded = loaded.map_err(|e| config_failure_without_key(&e))?;
        let key_file = loaded.settings.api.key_file.as_deref();
        refuse_own_key(loaded.document.as_ref(), overrides, key_file)?;
        if let Some(file) = loaded.file() {
            self.console.say(&format!("config: {}", file.display()));
        }
        Ok(self.loaded(loaded))
    }

    /// The same with a config file that is gone, as a run kept it.
    pub(super) fn load_kept(
        &mut self,
        file: &Path,
        text: &str,
        overrides: &Overrides,
    ) -> Result<Loaded, Failure> {
        let loaded = load_kept(file, text, overrides).map_err(|e| config_failure(&e))?;
        let told = format!(
            "config: {}, which is gone, as the run kept it",
            file.display()
        );
        self.console.say(&told);
        Ok(self.loaded(loaded))
    }

    fn loaded(&mut self, loaded: Loaded) -> Loaded {
        self.keep = Some(loaded.settings.state.keep);
        self.document.clone_from(&loaded.document);
        loaded
    }

    /// Ends the command: tells a failure, writes the summary, gives the exit code.
    pub(super) fn finish(mut self, ended: Result<Exit, Failure>) -> Exit {
        let lost = || {
            Failure::new(
                Exit::NotFinished,
                "output",
                "standard output cannot be written",
            )
        };
        let ended = ended.and_then(|exit| match exit {
            Exit::Done | Exit::Changes if self.console.lost_output() => Err(lost()),
            exit => Ok(exit),
        });
        let exit = match ended {
            Ok(exit) => exit,
            Err(failure) => {
                let failure = at_config(failure, self.document.as_ref());
                self.console.fail(&failure);
                self.summary.stop.get_or_insert(Stop {
                    reason: failure.reason.to_owned(),
                    message: failure.message,
                    next_command: failure.next_command,
                });
                failure.exit
            }
        };
        self.close_summary(exit);
        if let (Some(run), Some(keep)) = (&self.run, self.keep) {
            prune_old(run, keep);
        }
        let mut code = exit;
        for path in self.summary_files() {
            if let Err(failure) = self.write_summary(&path) {
                // An output that cannot be written was reported before the work.
                if !self.is_stopped_for("output") {
                    self.console.fail(&failure);
                }
                if code == Exit::Done {
                    code = failure.exit;
                }
            }
        }
        code
    }

    fn is_stopped_for(&self, reason: &str) -> bool {
        let stop = self.summary.stop.as_ref();
        stop.is_some_and(|stop| stop.reason == reason)
    }

    /// Brings the summary's times and code up to date.
    pub(super) fn close_summary(&mut self, exit: Exit) {
        self.summary.finished_at = self.clock.rfc3339();
        self.summary.duration_s = (self.started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        self.summary.exit_code = exit.code();
        debug_assert!(
            self.summary.results.total() == 0 || self.summary.rows_add_up().is_ok(),
            "{:?}",
            self.summary.rows_add_up()
        );
    }

    pub(super) fn summary_files(&self) -> Vec<PathBuf> {
        let in_run = self.run.as_ref().map(RunDir::summary);
        self.summary_file
            .clone()
            .into_iter()
            .chain(in_run)
            .collect()
    }

    /// Nothing is written over an input that only the plan or the run names.
    pub(super) fn keep_apart(
        &mut self,
        inputs: FilesInUse,
        report: &ReportArgs,
    ) -> Result<(), Failure> {
        let apart = inputs.reports(report);
        self.summary_file = Overlap::summary_file(apart.as_ref().copied(), report);
        Ok(apart?)
    }

    fn write_summary(&self, path: &Path) -> Result<(), Failure> {
        let failed = |error: &Cause| Failure::from_error(Exit::NotFinished, "output", error);
        let mut file = AtomicFile::create_output(path).map_err(|e| failed(&e))?;
        write_summary(&mut file, &self.summary).map_err(|e| failed(&e))?;
        file.commit().map_err(|e| failed(&e))
    }

    /// Takes over what the gate counted.
    pub(super) fn count_requests(&mut self, client: &ReadClient, settings: &Settings) {
        let stats: GateStats = client.gate().stats();
        let seconds = match (stats.first_at, stats.last_at) {
            (Some(first), Some(last)) => last.duration_since(first).as_secs_f64(),
            _ => 0.0,
        };
        let limit = Some(settings.limits.requests_per_minute).filter(|limit| *limit > 0);
        // Between n requests there are n − 1 gaps.
        self.summary.rate = RateFacts::new(limit, stats.total.saturating_sub(1), seconds);
        self.summary.requests = RequestFacts {
            total: stats.total,
            read: stats.read,
            write: stats.write,
            retries: stats.retries,
            rate_limited: stats.rate_limited,
            by_endpoint: stats
                .by_endpoint
                .iter()
                .map(|(name, count)| ((*name).to_owned(), *count))
                .collect(),
        };
    }

    pub(super) fn read_input(&mut self, rows: u64, bytes: u64) {
        self.summary.input = InputFacts { rows, bytes };
    }

    /// The failure of a run whose gate closed.
    pub(super) fn gate_failure(&self, client: &ReadClient) -> Option<Failure> {
        let stop = client.gate().stop_reason()?;
        let exit = match stop.kind {
            StopKind::Signal => self.stopping.exit(),
            StopKind::MaxRequests | StopKind::MaxDuration => Exit::Budget,
            StopKind::Outage
            | StopKind::ConsecutiveErrors
            | StopKind::RetryAfterTooLong
            | StopKind::Unauthorized
            | StopKind::Redirected => Exit::NotFinished,
        };
        let reason = match stop.kind {
            StopKind::Signal => "signal",
            StopKind::MaxRequests => "max_requests",
            StopKind::MaxDuration => "max_duration",
            StopKind::Outage => "max_outage",
            StopKind::ConsecutiveErrors => "max_consecutive_errors",
            StopKind::RetryAfterTooLong => "max_retry_wait",
            StopKind::Unauthorized => "unauthorized",
            StopKind::Redirected => "redirected",
        };
        let failure = Failure::new(exit, reason, stop.message);
        Some(match stop.kind {
            StopKind::Unauthorized => failure.hint(
                "check that the key is the account's own and was not revoked (HelpCrunch: Settings, API), then run the \
                 same command again",
            ),
            StopKind::Outage | StopKind::ConsecutiveErrors => failure.hint(
                "check `api.base_url` and the network if it was never reached, else wait until the service is back; -v logs every answer",
            ),
            StopKind::Redirected => failure.hint(
                "set `api.base_url` to where it points, if that is HelpCrunch's own address; the same command runs into it again",
            ),
            StopKind::Signal
            | StopKind::MaxRequests
            | StopKind::MaxDuration
            | StopKind::RetryAfterTooLong => failure,
        })
    }
}

/// The state directory: the one that was named, else the platform's.
pub(super) fn state_dir(settings: &Settings) -> Result<StateDir, Failure> {
    named_state_dir(settings.run.state_dir.as_deref())
}

pub(super) fn named_state_dir(named: Option<&Path>) -> Result<StateDir, Failure> {
    if let Some(path) = named {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        return Ok(StateDir::at(absolute));
    }
    let home = platform::state_home();
    let home = home.ok_or_else(|| {
        Failure::usage("no state directory is known for this user: name one with --state-dir")
    })?;
    Ok(StateDir::at(home))
}

pub(super) fn state_failure(error: &StateError) -> Failure {
    let failure = Failure::from_error(Exit::NotFinished, "state", error);
    match failure.hint {
        Some(_) => failure,
        None => failure.hint("name another state directory with --state-dir, or make room there"),
    }
}
