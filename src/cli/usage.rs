//! Parses the command line, and reports its errors in the log format that it asks for.

use std::collections::BTreeSet;
use std::env;
use std::io::{self, Write};

use clap::{Arg, ColorChoice, Command, CommandFactory, FromArgMatches};

use super::args::Args;
use crate::domain::text::nearest;
use crate::notify::{ADDRESS_VARIABLES, FACT_VARIABLES};

/// Begins the variable of every option.
const PREFIX: &str = "HCSYNC_";
/// Begin the variables that Kubernetes sets in every container for a service that is named hcsync.
const SERVICE_LINKS: [&str; 2] = ["HCSYNC_SERVICE_", "HCSYNC_PORT"];

/// Parses the command line. An empty environment variable counts as unset.
///
/// # Errors
/// What is wrong with it, or the help or version that it asks for.
pub(super) fn parse() -> Result<Args, clap::Error> {
    let color = match raw_option("--color", "HCSYNC_COLOR").as_deref() {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        _ => ColorChoice::Auto,
    };
    let mut command = ignore_empty_variables(Args::command()).color(color);
    let matches = command.try_get_matches_from_mut(env::args_os())?;
    Args::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Prints what is wrong, or the help or version that was asked for.
pub(super) fn print_error(error: &clap::Error) {
    if !is_json_log() || !error.use_stderr() {
        let _ = error.print();
        return;
    }
    let text = error.to_string();
    print_json_error(text.trim().trim_start_matches("error: "), "usage");
}

/// Describes the variables that begin like those of options and are none, with the nearest known one.
pub(super) fn unknown_variables() -> Option<String> {
    let command = Args::command();
    let commands = command.get_subcommands();
    let commands = commands.flat_map(|c| std::iter::once(c).chain(c.get_subcommands()));
    let options = commands.flat_map(Command::get_arguments);
    let of_options =
        options.filter_map(|option| Some(option.get_env()?.to_string_lossy().into_owned()));
    // A program that is called about a run has the facts in variables, and may call hcsync.
    let of_notify = ADDRESS_VARIABLES.into_iter().chain(FACT_VARIABLES);
    let known: BTreeSet<String> = of_options.chain(of_notify.map(str::to_owned)).collect();
    let names = env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    let mut unknown: Vec<_> = names
        .filter(|name| name.starts_with(PREFIX) && !known.contains(name))
        .filter(|name| !SERVICE_LINKS.iter().any(|link| name.starts_with(link)))
        .collect();
    unknown.sort();
    let problems = unknown.iter().map(|name| {
        let nearest = match name.contains("KEY") {
            true => Some("HELPCRUNCH_API_KEY"),
            false => nearest(name, known.iter().map(String::as_str)),
        };
        match nearest {
            Some(nearest) => format!("unknown variable {name}; did you mean {nearest}?"),
            None => format!(
                "unknown variable {name}; unset it, or see --help for the variables of options"
            ),
        }
    });
    let problems: Vec<_> = problems.collect();
    (!problems.is_empty()).then(|| problems.join("; "))
}

/// Whether an option is on the command line, and not only in its variable.
pub(super) fn is_on_command_line(option: &str) -> bool {
    env::args_os().any(|arg| {
        let arg = arg.to_string_lossy();
        let rest = arg.strip_prefix(option);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    })
}

/// Prints why the program cannot start.
pub(super) fn print_failure(message: &str, reason: &str) {
    if is_json_log() {
        return print_json_error(message, reason);
    }
    let _ = writeln!(io::stderr(), "error: {message}");
}

fn is_json_log() -> bool {
    raw_option("--log-format", "HCSYNC_LOG_FORMAT").as_deref() == Some("json")
}

fn print_json_error(message: &str, reason: &str) {
    let line = serde_json::json!({
        "level": "ERROR",
        "fields": {"message": message, "reason": reason},
    });
    // A failure here cannot be reported anywhere.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Looks up an option without parsing the command line, which may be invalid.
fn raw_option(option: &str, variable: &str) -> Option<String> {
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

fn ignore_empty_variables(command: Command) -> Command {
    let is_empty = |arg: &Arg| {
        let value = arg.get_env().and_then(env::var_os);
        value.is_some_and(|value| value.is_empty())
    };
    let unset = |arg: Arg| match is_empty(&arg) {
        // No environment variable has an empty name.
        true => arg.env("").hide_env(true),
        false => arg,
    };
    command
        .mut_args(unset)
        .mut_subcommands(ignore_empty_variables)
}
