//! `hcsync config`: the schema of the config, an example, and the values that hold.

use std::fmt::Write as _;

use serde::Serialize;

use crate::cli::args::ShowConfigArgs;
use crate::cli::command_runner::CommandRunner;
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure};
use crate::cli::session::Session;
use crate::cli::state::state_dir;
use crate::cli::usage::is_on_command_line;
use crate::config::{
    EXAMPLE, EffectiveValue, KeySources, SCHEMA, Settings, ValueOrigin, effective_values, find_key,
};

pub(in crate::cli) async fn run(args: &ShowConfigArgs) -> Exit {
    let console = Console::from(&args.console);
    let work = async |session: &mut Session| show(session, args);
    CommandRunner::new("config", console).run(work).await
}

fn show(session: &mut Session, args: &ShowConfigArgs) -> Result<Exit, Failure> {
    match (args.schema, args.example, args.show) {
        (true, false, false) => session.console.print(SCHEMA),
        (false, true, false) => session.console.print(EXAMPLE),
        (false, false, true) => show_effective(session, args)?,
        _ => {
            let failure = Failure::usage("one of --schema, --example and --show is needed");
            return Err(
                failure.hint("--show prints the values that hold and where each comes from")
            );
        }
    }
    Ok(Exit::Done)
}

fn show_effective(session: &mut Session, args: &ShowConfigArgs) -> Result<(), Failure> {
    let overrides = args.overrides();
    let loaded = session.load(&overrides)?;
    let values = effective_values(&loaded, &overrides);
    let file = loaded.file().map(|file| file.display().to_string());
    let key = key_origin(&loaded.settings);
    let state = state_dir(&loaded.settings)?.path().display().to_string();
    if session.console.is_json() {
        let values = values
            .iter()
            .map(|value| ShownValue::new(value, file.as_deref()));
        session.console.print_json(&ConfigOutput {
            hcsync_config: 1,
            config: file.as_deref(),
            api_key: key,
            state_dir: state,
            values: values.collect(),
        });
        return Ok(());
    }
    let found = match (&file, loaded.is_named) {
        (None, _) => "none".to_owned(),
        (Some(file), true) => file.clone(),
        (Some(file), false) => format!("{file} (found in the current folder)"),
    };
    let key = key.unwrap_or_else(|| "none".to_owned());
    let mut text = format!("# config: {found}\n# API key: {key}\n# state: {state}\n");
    let mut section = "";
    for value in &values {
        if value.section != section {
            section = value.section;
            let _ = writeln!(text, "\n[{section}]");
        }
        text.push_str(&line(value, file.as_deref()));
    }
    session.console.print(&text);
    Ok(())
}

fn line(value: &EffectiveValue, file: Option<&str>) -> String {
    match (&value.key, &value.value) {
        (None, _) => "# absent: filled from the input's columns\n".to_owned(),
        (Some(key), None) => format!("# {} is not set\n", quoted(key)),
        (Some(key), Some(set)) => {
            format!("{} = {set}  # {}\n", quoted(key), origin(value, file))
        }
    }
}

/// A key as TOML writes it: names of properties may need quotes.
fn quoted(key: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    match !key.is_empty() && key.chars().all(is_bare) {
        true => key.to_owned(),
        false => toml::Value::from(key).to_string(),
    }
}

fn origin(value: &EffectiveValue, file: Option<&str>) -> String {
    match &value.origin {
        ValueOrigin::Default => "default".to_owned(),
        ValueOrigin::File(line) => format!("{}:{line}", file.unwrap_or_default()),
        ValueOrigin::Option(option) if is_on_command_line(option) => option.clone(),
        ValueOrigin::Option(option) => {
            let name = option.trim_start_matches('-').replace('-', "_");
            format!("HCSYNC_{}", name.to_uppercase())
        }
    }
}

/// Where the API key comes from, if there is one.
fn key_origin(settings: &Settings) -> Option<String> {
    let environment = |name: &str| std::env::var_os(name);
    let sources = KeySources {
        environment: &environment,
        key_file: settings.api.key_file.as_deref(),
    };
    Some(find_key(&sources).ok()?.origin.to_string())
}

/// The output of `--output json`.
#[derive(Serialize)]
struct ConfigOutput<'a> {
    hcsync_config: u32,
    config: Option<&'a str>,
    api_key: Option<String>,
    state_dir: String,
    values: Vec<ShownValue>,
}

#[derive(Serialize)]
struct ShownValue {
    /// `limits.settle`, or a section that is absent and filled from the input's columns.
    key: String,
    value: Option<toml::Value>,
    source: String,
}

impl ShownValue {
    fn new(value: &EffectiveValue, file: Option<&str>) -> Self {
        let key = value.key.as_ref();
        Self {
            key: key.map_or(value.section.to_owned(), |key| {
                format!("{}.{key}", value.section)
            }),
            value: value.value.clone(),
            source: origin(value, file),
        }
    }
}
