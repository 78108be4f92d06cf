//! The `hcsync resume` command of a run, as messages suggest it. It works in any folder.

use std::path::Path;

use crate::journal::RunMeta;

use super::args::{ReportArgs, StateArgs};
use super::shell::path_option;

/// The command for a run of this process: with its config file, and with its reports where they were to be written.
pub(super) fn resume_command(
    meta: &RunMeta,
    config: Option<&Path>,
    state: &StateArgs,
    report: &ReportArgs,
) -> String {
    // A config that came through a pipe cannot be read again; the run saved it.
    let config = config.filter(|file| file.is_file());
    command(meta, config, state.state_dir.as_deref(), report)
}

/// The command for an earlier run, from what it saved.
pub(super) fn resume_command_of(meta: &RunMeta, state_dir: Option<&Path>) -> String {
    let config = meta.config.pointer("/started/config/config");
    let config = config.and_then(|path| path.as_str()).map(Path::new);
    command(meta, config, state_dir, &ReportArgs::default())
}

fn command(
    meta: &RunMeta,
    config: Option<&Path>,
    state_dir: Option<&Path>,
    report: &ReportArgs,
) -> String {
    let options = [
        ("--config", config),
        ("--state-dir", state_dir),
        ("--results", report.results.results.as_deref()),
        ("--rejected", report.rejected.as_deref()),
        ("--changes", report.changes.changes.as_deref()),
        ("--summary", report.summary.as_deref()),
        ("--report", report.page.report.as_deref()),
    ];
    let mut command = format!("hcsync resume {}", meta.run_id);
    for (option, path) in options {
        if let Some(path) = path {
            command.push(' ');
            command.push_str(&path_option(option, path));
        }
    }
    command
}
