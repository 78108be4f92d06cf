//! The customers that are tracked for a config, so that a sync sees who is missing from its input.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::config::Settings;
use crate::domain::text::hex;
use crate::journal::{AccountDir, RunDir, Tracked};
use crate::plan::{MissingAction, MissingFigures};
use crate::run::making::Tracking;
use crate::run::tracking;

use super::account_session::AccountSession;
use super::exit::{Failure, OrFail as _};

/// Characters of the hash that stands for a config. The files of an account's configs are few.
const NAME_LENGTH: usize = 16;

/// Loads the customers that are tracked for this config. Returns `None` if nothing is done about missing ones.
pub(super) fn load_tracking(
    settings: &Settings,
    config_file: Option<&Path>,
    account: &AccountSession,
) -> Result<Option<Tracking>, Failure> {
    let Some(dir) = account.lasting_dir() else {
        return Ok(None);
    };
    if settings.missing.action == MissingAction::Ignore {
        return Ok(None);
    }
    let name = name(settings, config_file);
    let tracked = Tracked::read(&dir.tracked(&name)).or_not_finished("state")?;
    Ok(Some(Tracking { name, tracked }))
}

/// Saves what is tracked once a plan is about to be sent.
pub(super) fn save_tracking(
    tracking: Option<&Tracking>,
    next: Option<&Tracked>,
    account: &AccountSession,
) -> Result<(), Failure> {
    match (tracking, next, account.lasting_dir()) {
        (Some(tracking), Some(next), Some(dir)) => {
            let saved = next.write(&dir.tracked(&tracking.name));
            saved.or_not_finished("state")
        }
        _ => Ok(()),
    }
}

/// Whether a plan would delete missing customers for the first time, which somebody has to agree to at a terminal.
pub(super) fn is_first_delete(missing: Option<MissingFigures>, tracked: Option<&Tracked>) -> bool {
    let deletes = missing
        .is_some_and(|missing| missing.action == MissingAction::Delete && missing.customers > 0);
    deletes && !tracked.is_some_and(|tracked| tracked.deletes_agreed)
}

/// Adds what a finished run wrote to the customers that are tracked.
pub(super) fn end_tracking(run: &RunDir, account: &AccountDir) -> Result<(), Failure> {
    tracking::end_tracking(run, |name| account.tracked(name)).or_not_finished("state")
}

/// Stands for a config and its match keys: other keys may mean other customers.
fn name(settings: &Settings, config_file: Option<&Path>) -> String {
    let keys = settings.matching.keys.iter().map(ToString::to_string);
    let keys: Vec<String> = keys.collect();
    let file = config_file.map(|file| file.display().to_string());
    let scope = format!("{}\n{}", file.unwrap_or_default(), keys.join(","));
    let mut name = hex(&Sha256::digest(scope));
    name.truncate(NAME_LENGTH);
    name
}
