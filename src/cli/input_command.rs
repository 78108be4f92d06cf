//! `[input] command`: rows from the standard output of a program. No shell is involved.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::config::{LoadedConfig, Settings};
use crate::platform::Program;

use super::console::Console;
use super::exit::{Exit, Failure};
use super::inputs::{Inputs, Wait, spool};
use super::program_output::{API_KEY, ended, pass_on, resolved};
use super::session::Session;

/// Between two looks whether the program has ended, once it has closed its output.
const PAUSE: Duration = Duration::from_millis(10);
/// How long the last lines of standard error are waited for, once the program has ended.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The files to read: those that are named on the command line, or else those of the config.
pub(super) fn input_paths<'a>(named: &'a [PathBuf], settings: &'a Settings) -> &'a [PathBuf] {
    match named {
        [] => &settings.input.files,
        named => named,
    }
}

/// Opens the inputs that are named, or else those of the config: its files, or what its `[input] command` prints. None are no error
/// here.
pub(super) async fn open_inputs(
    paths: &[PathBuf],
    loaded: &LoadedConfig,
    session: &Session,
    deadline: Option<tokio::time::Instant>,
) -> Result<Inputs, Failure> {
    let wait = Wait {
        stopping: &session.stopping,
        deadline,
    };
    let input = &loaded.settings.input;
    if !paths.is_empty() && !input.files.is_empty() {
        let note = "input.files are not read, because inputs are named on the command line";
        session.console.say(note);
    }
    let files = input_paths(paths, &loaded.settings);
    let Some((program, arguments)) = input.command.split_first() else {
        return Inputs::open(files, wait).await;
    };
    if !paths.is_empty() {
        let note = "input.command is not run, because inputs are named on the command line";
        session.console.say(note);
        return Inputs::open(paths, wait).await;
    }
    if let Some(error) = loaded.command_refusal() {
        return Err(super::diagnostics::config_failure(&error));
    }
    let folder = loaded.folder();
    let mut command = Command::new(resolved(program, &folder));
    command
        .args(arguments)
        .current_dir(folder)
        .env_remove(API_KEY);
    let name = Path::new(program).file_name().unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    let spool = output_of(command, &name, &session.console, wait).await?;
    Ok(Inputs::of_spool(name, spool))
}

/// The failure of a command that needs an input and has none.
pub(super) fn no_input() -> Failure {
    Failure::usage("no input").hint(
        "name a file (`hcsync sync customers.csv`), or `-` for standard input, or set `files` or `command` under [input]: what to \
         read, or a program that prints the rows",
    )
}

async fn output_of(
    command: Command,
    name: &str,
    console: &Console,
    wait: Wait<'_>,
) -> Result<NamedTempFile, Failure> {
    console.say(&format!("running `{name}` for the input (input.command)"));
    let mut program = Program::start(command, io::stderr().is_terminal()).map_err(|error| {
        let message = format!("`{name}` cannot be started: {error}");
        Failure::new(Exit::Usage, "input", message).hint(
            "input.command is the program and its arguments, each a text of its own, without a shell; a name alone is looked for \
             in PATH, which is short under cron and systemd",
        )
    })?;
    let Some((stdout, stderr)) = program.take_streams() else {
        return Err(Failure::new(Exit::NotFinished, "input", "no streams"));
    };
    let lines = pass_on(stderr, name, console);
    let spooled = spool(stdout, name, wait).await?;
    while !program.has_ended() {
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            stopped = wait.ended(name) => return Err(stopped),
        }
    }
    let status = program.wait().map_err(|error| {
        let message = format!("it is not known how `{name}` ended: {error}");
        Failure::new(Exit::NotFinished, "input", message)
    })?;
    let last = lines.recv_timeout(LAST_LINES).unwrap_or_default();
    if status.success() {
        return Ok(spooled);
    }
    if console.is_quiet() {
        last.iter().for_each(|line| console.warn(line));
    }
    let message = format!(
        "`{name}` {}, so its rows are not used; nothing was sent",
        ended(status)
    );
    let hint = "its own messages are above; once it prints the rows and exits with 0, run the same command again";
    Err(Failure::new(Exit::Usage, "input", message).hint(hint))
}
