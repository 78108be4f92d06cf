//! The settings that a run saves, so that `resume` reads its rows in the same way.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::{LoadedConfig, Settings};
use crate::domain::{Columns, RunId};
use crate::journal::{RunDir, RunMeta, RunState};
use crate::run::making::MadePlan;
use crate::source::Dialect;

use super::exit::{Exit, Failure};
use super::sync_inputs::{SyncInputs, attribute_columns};

/// The `config` of a run's `run.json`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct SavedSettings {
    /// Text of the config file, if one was used.
    pub(super) config: Option<String>,
    /// Absolute path of the config file.
    #[serde(default)]
    pub(super) config_file: Option<PathBuf>,
    /// The folder that relative paths of inputs start from.
    #[serde(default)]
    pub(super) folder: Option<PathBuf>,
    pub(super) account_name: Option<String>,
    pub(super) requests_per_minute: u32,
    pub(super) concurrency: u16,
    /// Column names of each input.
    pub(super) columns: Vec<Vec<String>>,
    pub(super) dialects: Vec<Dialect>,
    /// Column of each attribute, for messages.
    pub(super) attributes: BTreeMap<String, String>,
    /// Estimated requests and seconds of the plan.
    #[serde(default)]
    pub(super) estimate: (u64, f64),
    /// Whether `safety.max_creates` was set: then a row whose customer was deleted does not create another.
    #[serde(default)]
    pub(super) creates_are_limited: bool,
    /// The run that an undo takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) undoes: Option<RunId>,
    /// The arguments of a sync that can be restarted.
    #[serde(default)]
    pub(super) started: Option<serde_json::Value>,
}

impl SavedSettings {
    /// Reads the settings of a run.
    pub(super) fn of_run(meta: &RunMeta) -> Result<Self, Failure> {
        serde_json::from_value(meta.config.clone()).map_err(|e| {
            let message = format!("run {}: its settings cannot be read: {e}", meta.run_id);
            Failure::new(Exit::NotFinished, "state", message)
        })
    }

    /// The columns of each input.
    pub(super) fn columns(&self) -> Vec<Columns> {
        let inputs = self.columns.iter().zip(&self.dialects);
        inputs
            .map(|(names, dialect)| match dialect.format.is_table() {
                true => Columns::new(names.clone()),
                false => Columns::of_objects(names.clone()),
            })
            .collect()
    }

    /// The settings that only have the config file, if one was used.
    pub(super) fn of_config(loaded: &LoadedConfig) -> Self {
        let absolute = |file: &Path| std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        Self {
            config: loaded.document.as_ref().map(|d| d.text().to_owned()),
            config_file: loaded.file().map(absolute),
            ..Self::default()
        }
    }
}

impl SavedSettings {
    /// Adds what resuming a sync needs to the settings that have the config file.
    pub(super) fn of_sync(self, settings: &Settings, inputs: &SyncInputs) -> Self {
        let columns = inputs.survey.columns.iter();
        Self {
            folder: std::env::current_dir().ok(),
            columns: columns.map(|c| c.names().to_vec()).collect(),
            attributes: attribute_columns(&inputs.schema),
            creates_are_limited: settings.safety.max_creates > 0,
            ..self.of_account(settings, inputs.survey.dialects.clone())
        }
    }

    /// Adds the account, its limits, and the dialects of the inputs.
    pub(super) fn of_account(self, settings: &Settings, dialects: Vec<Dialect>) -> Self {
        Self {
            account_name: settings.api.account.clone(),
            requests_per_minute: settings.limits.requests_per_minute,
            concurrency: settings.limits.concurrency,
            dialects,
            ..self
        }
    }
}

/// Records in a run that its plan is complete.
pub(super) fn record_plan(
    dir: &RunDir,
    meta: &mut RunMeta,
    made: &MadePlan,
) -> Result<(), Failure> {
    meta.state = RunState::Planned;
    meta.plan_digest = Some(made.preview.digest.clone());
    for (input, read) in meta.inputs.iter_mut().zip(&made.inputs) {
        input.sha256 = Some(read.sha256.clone());
        input.rows = Some(read.rows);
    }
    meta.counts = serde_json::to_value(made.preview.counts).unwrap_or_default();
    if let Some(saved) = meta.config.as_object_mut() {
        let estimate = &made.preview.estimate;
        let estimate = (estimate.requests, estimate.duration_s);
        saved.insert("estimate".into(), serde_json::json!(estimate));
    }
    Ok(dir.write_meta(meta)?)
}
