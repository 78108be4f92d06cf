//! One config of a fleet, checked with its inputs.

use std::path::{Path, PathBuf};

use crate::cli::account_findings::knowledge;
use crate::cli::diagnostics::at_config;
use crate::cli::exit::{Failure, OrFail as _};
use crate::cli::inputs::{Inputs, Wait};
use crate::cli::own_key::{config_failure_without_key, refuse_own_key};
use crate::cli::session::Session;
use crate::cli::sync_inputs::SyncInputs;
use crate::config::{LoadedConfig, Overrides, Settings, ineffective_keys, load};
use crate::journal::StateDir;
use crate::plan::MissingAction;
use crate::report::{FleetConfig, FleetNeed, human_count, plural};

use super::checked_rows::count_rows;
use super::fleet_accounts::FleetAccount;
use super::fleet_estimate::upper_bound;

/// A config that can be used.
pub(super) struct CheckedConfig {
    pub(super) file: PathBuf,
    pub(super) account: FleetAccount,
    /// The need if no earlier run is known.
    pub(super) bound: FleetNeed,
    pub(super) has_bad_rows: bool,
}

impl CheckedConfig {
    /// Loads a config, counts the rows of its files, and fills in what is found.
    pub(super) async fn of(
        session: &Session,
        state: &StateDir,
        file: PathBuf,
        config: &mut FleetConfig,
    ) -> Result<Self, Failure> {
        let loaded = load_config(session, &file)?;
        let settings = &loaded.settings;
        let mut account = FleetAccount::of(settings);
        config.account.clone_from(&settings.api.account);
        config.account_id = account.id.as_ref().map(ToString::to_string);
        config.base_url = Some(settings.api.base_url.clone());
        config.requests_per_minute = Some(settings.limits.requests_per_minute);
        config.notes.append(&mut account.notes);
        config
            .notes
            .extend(unknown_rows(settings).map(str::to_owned));
        let files = &settings.input.files;
        config.inputs = files
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let mut checked = Self {
            file,
            account,
            bound: FleetNeed::Unknown,
            has_bad_rows: false,
        };
        if !files.is_empty() {
            let counted = checked.count(session, state, settings, config).await;
            counted.map_err(|failure| {
                let message = format!("{}: {}", checked.file.display(), failure.message);
                at_config(Failure { message, ..failure }, loaded.document.as_ref())
            })?;
        }
        Ok(checked)
    }

    /// Counts the rows of a config's files, and what they need at most.
    async fn count(
        &mut self,
        session: &Session,
        state: &StateDir,
        settings: &Settings,
        config: &mut FleetConfig,
    ) -> Result<(), Failure> {
        let wait = Wait {
            stopping: &session.stopping,
            deadline: None,
        };
        let opened = Inputs::open(&settings.input.files, wait).await?;
        let inputs = SyncInputs::new(opened.files.clone(), settings)?;
        let counted = count_rows(session, settings, &inputs)?;
        config.rows = Some(counted.rows);
        config.bad_rows = Some(counted.bad);
        let tolerated = settings.safety.tolerated_rows;
        self.has_bad_rows = counted.bad > 0 && !tolerated.allows(counted.bad, counted.rows);
        if counted.bad > 0 {
            let bad = format!(
                "{} of {}",
                human_count(counted.bad),
                plural(counted.rows, "row", "rows")
            );
            config.notes.push(format!("{bad} would be rejected"));
        }
        let dir = self.account.id.as_ref().map(|id| state.account(id));
        let dir = dir.filter(|dir| dir.path().exists());
        let findings = knowledge(&session.console, dir.as_ref()).findings;
        let written = counted.rows.saturating_sub(counted.bad + counted.skipped);
        self.bound = upper_bound(settings, &inputs.schema, &findings, written);
        Ok(())
    }
}

/// Loads one config. It is named by its folder, so that it may say where its key is and goes.
fn load_config(session: &Session, file: &Path) -> Result<LoadedConfig, Failure> {
    let current = std::env::current_dir().or_usage("usage")?;
    let overrides = Overrides {
        config: Some(file.to_owned()),
        ..Overrides::default()
    };
    let loaded = load(&current, &overrides).map_err(|e| config_failure_without_key(&e))?;
    let key_file = loaded.settings.api.key_file.as_deref();
    refuse_own_key(loaded.document.as_ref(), &overrides, key_file)?;
    if let Some(document) = &loaded.document {
        for note in ineffective_keys(document, &loaded.settings) {
            session.console.warn(&note);
        }
    }
    Ok(loaded)
}

/// Why not all that a sync writes is known here.
fn unknown_rows(settings: &Settings) -> Option<&'static str> {
    let input = &settings.input;
    if !input.command.is_empty() {
        return Some("its rows are not counted: input.command is not run here");
    }
    if input.files.is_empty() {
        return Some("its rows are not counted: it has no input.files");
    }
    (settings.missing.action != MissingAction::Ignore)
        .then_some("customers that its input no longer holds (sync.missing) are not counted")
}
