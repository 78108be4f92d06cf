use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::AccountId;
use super::document::{self, StateError};
use crate::domain::RunId;
use crate::platform;

const RUN_VERSION: u32 = 1;

/// How far a run came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Planning,
    /// Planned whole, nothing sent.
    Planned,
    /// Sending, or crashed while it was.
    Applying,
    /// Ended before its end, in good order.
    Stopped,
    Finished,
    /// Another run took its place before it came to its end.
    Superseded {
        by: RunId,
    },
}

impl RunState {
    /// Whether nothing will be added to the run any more.
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
    /// In hex; nothing where it was not read to its end yet. Likewise the sizes.
    pub sha256: Option<String>,
    pub rows: Option<u64>,
    pub bytes: Option<u64>,
}

/// What a new run starts with.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// `sync`, `plan`, `apply`, …
    pub command: String,
    /// Nothing where the run needs no key.
    pub account: Option<AccountId>,
    pub base_url: String,
    pub inputs: Vec<InputMeta>,
    /// Whether it cannot write, however it goes: a dry run, a mere plan.
    pub dry_run: bool,
    /// Whether the settings tell how it was started, so that it can be planned anew.
    pub starts_over: bool,
    /// The settings that it runs with, opaque here.
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
    /// When it last came to an end, good or not.
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
    /// Figures for lists of runs, opaque here.
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

    /// Whether it can write and has not come to its end: the next run of its account takes its place.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.dry_run && !self.state.is_over()
    }

    /// Whether `resume` can go on with it: see [`has_agreement`](Self::has_agreement); else it is planned anew.
    #[must_use]
    pub fn is_resumable(&self) -> bool {
        self.is_open() && (self.has_agreement() || self.starts_over)
    }

    /// Whether it came to its sending, so that the safety limits had passed its plan and whoever was asked had agreed.
    #[must_use]
    pub fn has_agreement(&self) -> bool {
        matches!(self.state, RunState::Applying | RunState::Stopped)
    }

    /// When it last showed life, as far as this file knows.
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
    /// A run's folder wherever it lies; it may be a copy outside of a state folder.
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

    /// The rows of the input as the planner understood them, in the order of the input.
    #[must_use]
    pub fn rows(&self) -> PathBuf {
        self.path.join("rows.jsonl")
    }

    #[must_use]
    pub fn results_csv(&self) -> PathBuf {
        self.path.join("results.csv")
    }

    /// `extension`: that of the input's format, without a dot.
    #[must_use]
    pub fn rejected(&self, extension: &str) -> PathBuf {
        self.path.join(format!("rejected.{extension}"))
    }

    /// Rows whose key matches several customers, to be decided and fed back.
    #[must_use]
    pub fn ambiguous(&self) -> PathBuf {
        self.path.join("ambiguous.csv")
    }

    #[must_use]
    pub fn summary(&self) -> PathBuf {
        self.path.join("summary.json")
    }

    /// Where the nth input (from 0) is kept while it is needed: standard input cannot be read twice.
    #[must_use]
    pub fn spool(&self, input: usize) -> PathBuf {
        self.path.join(format!("input-{input}.spool"))
    }

    /// The run's facts.
    ///
    /// # Errors
    /// Where `run.json` is missing, damaged or newer than this program.
    pub fn read_meta(&self) -> Result<RunMeta, StateError> {
        let path = self.meta();
        let found = document::read(&path, RUN_VERSION)?;
        found.ok_or_else(|| missing(&path))
    }

    /// What was spooled is not kept longer than it is needed.
    ///
    /// # Errors
    /// Where `run.json` cannot be written; it then says what it said before.
    pub fn write_meta(&self, meta: &RunMeta) -> Result<(), StateError> {
        document::write(&self.meta(), meta)?;
        if meta.state.is_over() {
            for input in 0..meta.inputs.len() {
                platform::remove_file(&self.spool(input))?;
            }
        }
        Ok(())
    }

    /// What is known of the run as a whole.
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

/// Whole seconds, as everywhere in the files of a run.
pub(super) fn rfc3339(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
