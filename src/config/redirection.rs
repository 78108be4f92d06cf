use super::document::Document;
use super::error::{ConfigError, ConfigProblem};
use super::file::FileConfig;
use super::notify::NotifyConfig;
use super::overrides::Overrides;
use super::settings::Settings;
use super::state::StateConfig;
use crate::helpcrunch::BaseUrl;

/// The error for a config that was found, not named, and that runs a program.
pub(super) fn refuse_found_command(document: &Document, command: &[String]) -> ConfigError {
    let (program, file) = (
        command.first().map_or("", String::as_str),
        document.path().display(),
    );
    let problem = ConfigProblem::Value {
        key: "input.command".to_owned(),
        message: format!(
            "would run `{program}`, and no program is run for a config that was only found in this folder; if the config is \
             yours, name it (`--config {file}` or HCSYNC_CONFIG)"
        ),
    };
    document.error_at("input.command", problem)
}

/// The key of the first call that a config makes.
fn first_call(notify: &NotifyConfig) -> Option<&'static str> {
    let calls = [
        (notify.webhook_file.is_some(), "notify.webhook_file"),
        (!notify.command.is_empty(), "notify.command"),
        (notify.ping_file.is_some(), "notify.ping_file"),
    ];
    calls
        .into_iter()
        .find_map(|(is_set, key)| is_set.then_some(key))
}

/// Refuses a state database that a config names which was only found.
pub(super) fn refuse_found_state(
    document: &Document,
    state: &StateConfig,
    overrides: &Overrides,
) -> Result<(), ConfigError> {
    if state.url.is_empty() || overrides.of_key("state.url").is_some() {
        return Ok(());
    }
    let problem = ConfigProblem::Value {
        key: "state.url".to_owned(),
        message: format!(
            "is not taken from a config that was only found in this folder: it decides where customers' data are kept; if the \
             config is yours, name it (`--config {}` or HCSYNC_CONFIG)",
            document.path().display()
        ),
    };
    Err(document.error_at("state.url", problem))
}

/// Refuses a config that was not named and that redirects the API key or sends notifications. A file that is merely present in the current folder
/// may come from anyone: it must not decide where the key is sent, or which file is sent as the key.
pub(super) fn refuse_redirection(
    document: &Document,
    overrides: &Overrides,
) -> Result<(), ConfigError> {
    if overrides.run.sandbox {
        return Ok(());
    }
    let config = FileConfig::from_document(document)?;
    let api = config.api;
    let name = document.path().display();
    let refuse = |key: &str, message: String| {
        let key = key.to_owned();
        Err(document.error_at(&key.clone(), ConfigProblem::Value { key, message }))
    };
    let elsewhere = match BaseUrl::parse(&api.base_url) {
        _ if overrides.of_key("api.base_url").is_some() => None,
        Err(error) => return refuse("api.base_url", error.to_string()),
        Ok(url) if url.to_string() == Settings::default().api.base_url => None,
        Ok(url) => Some(url.host()),
    };
    if let Some(host) = elsewhere {
        return refuse(
            "api.base_url",
            format!(
                "would send the API key to {host}, and is not taken from a config that was only found in this folder; if that \
                 is where your key belongs, name the config (`--config {name}` or HCSYNC_CONFIG) or the address \
                 (`--base-url`)"
            ),
        );
    }
    refuse_found_state(document, &config.state, overrides)?;
    if let Some(key) = first_call(&config.notify) {
        return refuse(
            key,
            format!(
                "is not taken from a config that was only found in this folder: it decides who learns of your runs, or runs a \
                 program; if the config is yours, name it (`--config {name}` or HCSYNC_CONFIG)"
            ),
        );
    }
    if config.output.folder.is_some() && overrides.of_key("output.folder").is_none() {
        return refuse(
            "output.folder",
            format!(
                "is not taken from a config that was only found in this folder: it decides where the files of your runs go; if \
                 the config is yours, name it (`--config {name}` or HCSYNC_CONFIG), or the folder with --out-dir"
            ),
        );
    }
    if api.key_file.is_some() {
        return refuse(
            "api.key_file",
            format!(
                "is not taken from a config that was only found in this folder; if that file is your API key, name the \
                 config (`--config {name}` or HCSYNC_CONFIG), or put the key into HELPCRUNCH_API_KEY"
            ),
        );
    }
    Ok(())
}
