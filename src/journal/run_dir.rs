use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::AccountId;
use super::document::{self, StateError};
use crate::domain::RunId;
use crate::platform;

const RUN_VERSION: u32 = 1;

/// How far a run got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Planning,
    /// Completely planned, nothing sent.
    Planned,
    /// Sending, or crashed while sending.
    Applying,
    /// Stopped in good order before it was finished.
    Stopped,
    Finished,
    /// Another run replaced it before it was finished.
    Superseded {
        by: RunId,
    },
}

impl RunState {
    /// Whether the run has ended for good.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self {
            Self::Finished | Self::Superseded { .. } => true,
            Self::Planning | Self::Planned | Self::Applying | Self::Stopped => false,
        }
    }
}

/// One input of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputMeta {
    /// As the user named it; `-` for standard input.
    pub path: String,
    /// In hex; `None` until the input was read to its end. Likewise the sizes.
    pub sha256: Option<String>,
    pub rows: Option<u64>,
    pub bytes: Option<u64>,
}

/// The facts of a new run.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// `sync`, `plan`, `apply`, …
    pub command: String,
    /// `None` if the run needs no key.
    pub account: Option<AccountId>,
    pub base_url: String,
    pub inputs: Vec<InputMeta>,
    /// Whether the run can never write: a dry run, or a plan only.
    pub dry_run: bool,
    /// Whether `config` has what it takes to start the run again from its input.
    pub starts_over: bool,
    /// The settings of the run, opaque here.
    pub config: serde_json::Value,
}

/// A run's facts; `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunMeta {
    version: u32,
    pub run_id: RunId,
    pub command: String,
    /// RFC 3339, UTC; so is `ended_at`.
    pub created_at: String,
    /// When it last ended, successfully or not.
    #[serde(default)]
    pub ended_at: Option<String>,
    pub account: Option<AccountId>,
    pub base_url: String,
    pub inputs: Vec<InputMeta>,
    pub dry_run: bool,
    #[serde(default)]
    pub starts_over: bool,
    pub state: RunState,
    pub plan_digest: Option<String>,
    pub exit_code: Option<u8>,
    pub config: serde_json::Value,
    /// Figures for the list of runs, opaque here.
    #[serde(default)]
    pub counts: serde_json::Value,
}

impl RunMeta {
    pub(super) fn new(run_id: RunId, created_at: jiff::Timestamp, new: NewRun) -> Self {
        Self {
            version: RUN_VERSION,
            run_id,
            command: new.command,
            created_at: rfc3339(created_at),
            ended_at: None,
            account: new.account,
            base_url: new.base_url,
            inputs: new.inputs,
            dry_run: new.dry_run,
            starts_over: new.starts_over,
            state: RunState::Planning,
            plan_digest: None,
            exit_code: None,
            config: new.config,
            counts: serde_json::Value::Null,
        }
    }

    /// Whether it can write and is not over: the next run of its account supersedes it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.dry_run && !self.state.is_over()
    }

    /// Whether `resume` can continue it, if it [`is_approved`](Self::is_approved), or start it again.
    #[must_use]
    pub fn is_resumable(&self) -> bool {
        self.is_open() && (self.is_approved() || self.starts_over)
    }

    /// Whether it began to send, so its plan had passed the safety limits and the user had agreed if asked.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        matches!(self.state, RunState::Applying | RunState::Stopped)
    }

    /// Whether it applies a plan that was made before, and so has only the rows of that plan.
    #[must_use]
    pub fn has_saved_plan(&self) -> bool {
        matches!(self.command.as_str(), "apply" | "undo")
    }

    /// The latest time at which it is known to have been active.
    pub(super) fn last_seen(&self) -> Option<jiff::Timestamp> {
        let text = self.ended_at.as_ref().unwrap_or(&self.created_at);
        text.parse().ok()
    }
}

/// `<state-dir>/runs/<run-id>/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// A run's folder at any path, such as a copy outside of a state folder.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    #[must_use]
    pub fn plan(&self) -> PathBuf {
        self.path.join("plan.jsonl")
    }

    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.jsonl")
    }

    /// The rows as the planner read them, in the order of the input.
    #[must_use]
    pub fn rows(&self) -> PathBuf {
        self.path.join("rows.jsonl")
    }

    #[must_use]
    pub fn results_csv(&self) -> PathBuf {
        self.path.join("results.csv")
    }

    /// `extension`: of the input's format, without a dot.
    #[must_use]
    pub fn rejected(&self, extension: &str) -> PathBuf {
        self.path.join(format!("rejected.{extension}"))
    }

    /// Rows whose key matches several customers, for the user to decide and pass back.
    #[must_use]
    pub fn ambiguous(&self) -> PathBuf {
        self.path.join("ambiguous.csv")
    }

    #[must_use]
    pub fn summary(&self) -> PathBuf {
        self.path.join("summary.json")
    }

    /// A copy of the nth input (from 0) while it is needed: standard input cannot be read twice.
    #[must_use]
    pub fn spool(&self, input: usize) -> PathBuf {
        self.path.join(format!("input-{input}.spool"))
    }

    /// Reads `run.json`.
    ///
    /// # Errors
    /// `run.json` is missing, damaged or newer than this program.
    pub fn read_meta(&self) -> Result<RunMeta, StateError> {
        let path = self.meta();
        let meta = document::read(&path, RUN_VERSION)?;
        meta.ok_or_else(|| missing(&path))
    }

    /// Writes `run.json`, and removes the copies of the inputs once the run is over.
    ///
    /// # Errors
    /// `run.json` cannot be written and is unchanged, or a copy cannot be removed.
    pub fn write_meta(&self, meta: &RunMeta) -> Result<(), StateError> {
        document::write(&self.meta(), meta)?;
        if meta.state.is_over() {
            for input in 0..meta.inputs.len() {
                platform::remove_file(&self.spool(input))?;
            }
        }
        Ok(())
    }

    #[must_use]
    pub fn meta(&self) -> PathBuf {
        self.path.join("run.json")
    }
}

fn missing(path: &Path) -> StateError {
    use crate::platform::{FileAction, FileError};
    let source = std::io::ErrorKind::NotFound.into();
    FileError::new(FileAction::Open, path, source).into()
}

/// In whole seconds, as everywhere in the files of a run.
pub(super) fn rfc3339(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
