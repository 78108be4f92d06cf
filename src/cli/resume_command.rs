//! The `hcsync resume` command of a run, as messages suggest it. It works in any folder.

use std::path::Path;

use crate::journal::RunMeta;
use crate::postgres::DatabaseSettings;

use super::args::{ReportArgs, StateArgs};
use super::shell::{path_option, quoted};

/// The command for a run of this process: with its config file, and with its reports where they were to be written.
pub(super) fn resume_command(
    meta: &RunMeta,
    config: Option<&Path>,
    state: &StateArgs,
    report: &ReportArgs,
) -> String {
    // A config that came through a pipe cannot be read again; the run saved it.
    let config = config.filter(|file| file.is_file());
    command(meta, config, state, report)
}

/// The command for an earlier run, from what it saved.
pub(super) fn resume_command_of(meta: &RunMeta, state: &StateArgs) -> String {
    let config = meta.config.pointer("/started/config/config");
    let config = config.and_then(|path| path.as_str()).map(Path::new);
    command(meta, config, state, &ReportArgs::default())
}

fn command(
    meta: &RunMeta,
    config: Option<&Path>,
    state: &StateArgs,
    report: &ReportArgs,
) -> String {
    let options = [
        ("--config", config),
        ("--state-dir", state.state_dir.as_deref()),
        (
            "--state-password-file",
            state.state_password_file.as_deref(),
        ),
    ];
    let options = options.into_iter().chain(report.files());
    let mut command = format!("hcsync resume {}", meta.run_id);
    for (option, path) in options {
        if let Some(path) = path {
            command.push(' ');
            command.push_str(&path_option(option, path));
        }
    }
    if let Some(url) = &state.state_url {
        let database = DatabaseSettings {
            url: url.clone(),
            password_file: None,
        };
        command.push_str(&format!(" --state-url {}", quoted(&database.shown())));
    }
    command
}
