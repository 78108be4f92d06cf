//! Where the state directory is.

use std::path::Path;

use crate::config::Settings;
use crate::journal::StateDir;
use crate::platform;

use super::exit::Failure;

/// The state directory of the settings, or the platform's.
pub(super) fn state_dir(settings: &Settings) -> Result<StateDir, Failure> {
    named_state_dir(settings.run.state_dir.as_deref())
}

pub(super) fn named_state_dir(path: Option<&Path>) -> Result<StateDir, Failure> {
    if let Some(path) = path {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        return Ok(StateDir::at(absolute));
    }
    let home = platform::state_home();
    let home = home.ok_or_else(|| {
        Failure::usage("no state directory is known for this user: name one with --state-dir")
    })?;
    Ok(StateDir::at(home))
}
