//! What a run keeps of how it was planned, so that a resume means the same by it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::{Loaded, Settings};
use crate::domain::Columns;
use crate::journal::{RunDir, RunMeta, RunState};
use crate::run::making::MadePlan;
use crate::source::Dialect;

use super::exit::{Exit, Failure};
use super::planning::{Prepared, attribute_columns};
use super::session::{Session, state_failure};

/// What a run keeps of its settings, so that a resume means the same by its rows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct KeptSettings {
    /// The text of the config file that was used.
    pub(super) config: Option<String>,
    /// Where it was: a whole path.
    #[serde(default)]
    pub(super) config_file: Option<PathBuf>,
    /// The folder that relative paths of inputs are in.
    #[serde(default)]
    pub(super) folder: Option<PathBuf>,
    pub(super) account_name: Option<String>,
    pub(super) requests_per_minute: u32,
    pub(super) concurrency: u16,
    pub(super) columns: Vec<Vec<String>>,
    pub(super) dialects: Vec<Dialect>,
    /// Column of each attribute.
    pub(super) attributes: BTreeMap<String, String>,
    /// Requests and seconds that the plan was thought to cost.
    #[serde(default)]
    pub(super) estimate: (u64, f64),
    /// Whether `max_creates` was set: then no row that lost its customer creates another.
    #[serde(default)]
    pub(super) creates_are_limited: bool,
    /// The arguments of a sync that can be planned anew.
    #[serde(default)]
    pub(super) started: Option<serde_json::Value>,
}

impl KeptSettings {
    /// What a run kept.
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

    /// Of a config file, if one was used.
    pub(super) fn of_config(loaded: &Loaded) -> Self {
        let absolute = |file: &Path| std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        Self {
            config: loaded.document.as_ref().map(|d| d.text().to_owned()),
            config_file: loaded.file().map(absolute),
            ..Self::default()
        }
    }
}

/// `config`: what is kept of the config file.
pub(super) fn kept(settings: &Settings, prepared: &Prepared, config: KeptSettings) -> KeptSettings {
    KeptSettings {
        folder: std::env::current_dir().ok(),
        account_name: settings.api.account.clone(),
        requests_per_minute: settings.limits.requests_per_minute,
        concurrency: settings.limits.concurrency,
        columns: prepared
            .survey
            .columns
            .iter()
            .map(|c| c.names().to_vec())
            .collect(),
        dialects: prepared.survey.dialects.clone(),
        attributes: attribute_columns(&prepared.schema),
        creates_are_limited: settings.safety.max_creates > 0,
        ..config
    }
}

/// The plan is on disk.
pub(super) fn planned(
    session: &Session,
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
    if let Some(kept) = meta.config.as_object_mut() {
        let estimate = (
            made.preview.estimate.requests,
            made.preview.estimate.duration_s,
        );
        kept.insert("estimate".into(), serde_json::json!(estimate));
    }
    session
        .run
        .iter()
        .try_for_each(|_| dir.write_meta(meta))
        .map_err(|e| state_failure(&e))
}
