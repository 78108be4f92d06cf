//! Reading the command line, and what is said where that is wrong: in the form that it asks for itself.

use std::env;
use std::io::{self, Write};

use clap::{Arg, ColorChoice, Command, CommandFactory, FromArgMatches};

use super::args::Args;

/// Reads the command line. A variable that is empty says nothing.
///
/// # Errors
/// What is wrong with it, or a text that was asked for.
pub(super) fn parse() -> Result<Args, clap::Error> {
    let color = match said("--color", "HCSYNC_COLOR").as_deref() {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        _ => ColorChoice::Auto,
    };
    let mut command = without_empty(Args::command()).color(color);
    let matches = command.try_get_matches_from_mut(env::args_os())?;
    Args::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Tells what is wrong, or what was asked for.
pub(super) fn tell(error: &clap::Error) {
    let is_json = said("--log-format", "HCSYNC_LOG_FORMAT").as_deref() == Some("json");
    if !is_json || !error.use_stderr() {
        let _ = error.print();
        return;
    }
    let text = error.to_string();
    tell_json(text.trim().trim_start_matches("error: "), "usage");
}

/// Reports why the program cannot even start, in the form that was asked for.
pub(super) fn tell_failure(message: &str) {
    if said("--log-format", "HCSYNC_LOG_FORMAT").as_deref() == Some("json") {
        return tell_json(message, "limits");
    }
    let _ = writeln!(io::stderr(), "error: {message}");
}

fn tell_json(message: &str, reason: &str) {
    let line = serde_json::json!({
        "level": "ERROR",
        "fields": {"message": message, "reason": reason},
    });
    // Nobody is left to tell if this fails.
    let _ = writeln!(io::stderr(), "{line}");
}

/// The value of an option before the command line is understood, which may be what is wrong.
fn said(option: &str, variable: &str) -> Option<String> {
    let mut args = env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned());
    while let Some(arg) = args.next() {
        if arg == option {
            return args.next();
        }
        if let Some(value) = arg
            .strip_prefix(option)
            .and_then(|rest| rest.strip_prefix('='))
        {
            return Some(value.to_owned());
        }
    }
    env::var(variable).ok()
}

fn without_empty(command: Command) -> Command {
    let is_empty = |arg: &Arg| {
        let value = arg.get_env().and_then(env::var_os);
        value.is_some_and(|value| value.is_empty())
    };
    let unset = |arg: Arg| match is_empty(&arg) {
        // No variable has this name.
        true => arg.env("").hide_env(true),
        false => arg,
    };
    command.mut_args(unset).mut_subcommands(without_empty)
}
