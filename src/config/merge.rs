use std::path::Path;

use crate::helpcrunch::BaseUrl;

use super::check::{ACCOUNT_RULE, check_state, is_account_name};
use super::document::Document;
use super::error::{ConfigError, ConfigProblem};
use super::file::FileConfig;
use super::loaded::LoadedConfig;
use super::overrides::Overrides;
use super::paths::resolve_paths;
use super::redirection::{refuse_found_state, refuse_redirection};
use super::settings::Settings;
use super::state::{StateConfig, override_state};

/// The config in the current folder that is used if none is named.
pub(super) const DEFAULT_FILE: &str = "hcsync.toml";

/// High, so that a first try against the in-process sandbox ends in seconds.
const SANDBOX_REQUESTS_PER_MINUTE: u32 = 6_000;

/// Reads the config file (the one that is named, by itself or in a folder, else `hcsync.toml` in `folder` if it exists) and applies `overrides`.
///
/// # Errors
/// The file cannot be read or is wrong, or a value of `overrides` is wrong.
pub fn load(folder: &Path, overrides: &Overrides) -> Result<LoadedConfig, ConfigError> {
    let named = overrides.named_config(folder)?;
    let document = find_document(folder, named.as_deref())?;
    let loaded = resolve(folder, document, named.is_some(), overrides)?;
    if let (Some(document), false) = (&loaded.document, loaded.is_named) {
        refuse_redirection(document, overrides)?;
    }
    Ok(loaded)
}

/// Like [`load`], with the saved text of a config file that may be gone. `file` is its path, to which paths in it are
/// relative.
///
/// # Errors
/// The text is wrong, or a value of `overrides` is wrong.
pub fn load_saved(
    file: &Path,
    text: &str,
    overrides: &Overrides,
) -> Result<LoadedConfig, ConfigError> {
    let document = Document::parse(file, text.as_bytes())?;
    let is_named = overrides.is_config_named();
    resolve(Path::new(""), Some(document), is_named, overrides)
}

/// Reads `[state]` alone, for a command that needs no other section. What is wrong elsewhere in the config does not matter then, nor
/// does a config that is gone.
///
/// # Errors
/// The file is no config, or what it or `overrides` say about the state is wrong.
pub fn load_state(folder: &Path, overrides: &Overrides) -> Result<StateConfig, ConfigError> {
    let named = overrides.named_config(folder)?;
    let document = match find_document(folder, named.as_deref()) {
        Err(ConfigError::Unreadable { .. }) => None,
        found => found?,
    };
    let mut settings = Settings::default();
    if let Some(document) = &document {
        settings.state = FileConfig::read(document).0.state;
        if named.is_none() {
            refuse_found_state(document, &settings.state, overrides)?;
        }
        check_state(&settings.state, document)?;
        resolve_paths(&mut settings, folder, document)?;
    }
    override_state(&mut settings.state, overrides)?;
    Ok(settings.state)
}

fn resolve(
    folder: &Path,
    document: Option<Document>,
    is_named: bool,
    overrides: &Overrides,
) -> Result<LoadedConfig, ConfigError> {
    let mut settings = match &document {
        Some(document) => {
            let mut settings = FileConfig::from_document(document)?.into_settings();
            resolve_paths(&mut settings, folder, document)?;
            settings
        }
        None => Settings::default(),
    };
    override_with(&mut settings, overrides)?;
    let loaded = LoadedConfig {
        settings,
        document,
        is_named,
        folder: folder.to_owned(),
    };
    check_rate(&loaded, overrides)?;
    Ok(loaded)
}

/// Parses the saved text of a config, without overrides.
///
/// # Errors
/// The text is wrong.
pub fn parse_text(name: &Path, text: &str) -> Result<Settings, ConfigError> {
    let document = Document::parse(name, text.as_bytes())?;
    Ok(FileConfig::from_document(&document)?.into_settings())
}

fn find_document(folder: &Path, named: Option<&Path>) -> Result<Option<Document>, ConfigError> {
    let name = named.unwrap_or(Path::new(DEFAULT_FILE));
    match std::fs::read(folder.join(name)) {
        Ok(bytes) => Document::parse(name, &bytes).map(Some),
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(ConfigError::Unreadable {
            file: name.to_owned(),
            cause,
        }),
    }
}

fn override_with(settings: &mut Settings, overrides: &Overrides) -> Result<(), ConfigError> {
    if let Some(base_url) = &overrides.base_url {
        settings.api.base_url.clone_from(base_url);
    }
    settings.api.base_url = BaseUrl::parse(&settings.api.base_url)
        .map_err(|error| option_error("--base-url", error.to_string()))?
        .to_string();
    if let Some(account) = &overrides.account {
        if !is_account_name(account) {
            return Err(option_error("--account", ACCOUNT_RULE.to_owned()));
        }
        settings.api.account = Some(account.clone());
    }
    override_limits(settings, overrides);
    override_state(&mut settings.state, overrides)?;
    set(&mut settings.missing.action, overrides.missing);
    settings.run = overrides.run.clone();
    let out_dir = overrides.out_dir.clone();
    settings.output.folder = out_dir.or(settings.output.folder.take());
    if settings.run.sandbox {
        // The sandbox must not use the state of a real account.
        settings.api.account = None;
        settings.api.key_file = None;
    }
    Ok(())
}

fn override_limits(settings: &mut Settings, overrides: &Overrides) {
    let limits = &mut settings.limits;
    if overrides.run.sandbox {
        limits.requests_per_minute = SANDBOX_REQUESTS_PER_MINUTE;
        limits.reserve = 0;
    }
    set(
        &mut limits.requests_per_minute,
        overrides.requests_per_minute,
    );
    set(&mut limits.concurrency, overrides.concurrency);
    let safety = &mut settings.safety;
    safety.max_change_percent = overrides.max_change_percent.or(safety.max_change_percent);
    safety.max_clear_percent = overrides.max_clear_percent.or(safety.max_clear_percent);
    if overrides.run.sandbox && overrides.run.customers.is_none() {
        // The bundled customers have nothing to do with the rows of the user.
        safety.min_match_percent = 0.0;
    }
    set(&mut safety.min_match_percent, overrides.min_match_percent);
    set(&mut safety.max_creates, overrides.max_creates);
    set(
        &mut safety.max_rejected_percent,
        overrides.max_rejected_percent,
    );
    set(
        &mut safety.max_missing_percent,
        overrides.max_missing_percent,
    );
    safety.allow_delete = overrides.allow_delete;
}

fn set<T: Copy>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}

fn option_error(option: &'static str, message: String) -> ConfigError {
    ConfigError::Option { option, message }
}

/// Checks rate, reserve and address together, which may come from different layers.
fn check_rate(loaded: &LoadedConfig, overrides: &Overrides) -> Result<(), ConfigError> {
    let limits = &loaded.settings.limits;
    let rate = limits.requests_per_minute;
    if limits.reserve > 0 && rate == 0 {
        return rate_error(
            loaded,
            overrides,
            "must not be 0 (no limit) where limits.reserve is set",
        );
    }
    if rate > 0 && limits.reserve >= rate {
        let message = format!(
            "must be more than limits.reserve, which is {}",
            limits.reserve
        );
        return rate_error(loaded, overrides, &message);
    }
    let is_loopback =
        BaseUrl::parse(&loaded.settings.api.base_url).is_ok_and(|url| url.is_loopback());
    if rate == 0 && !loaded.settings.run.sandbox && !is_loopback {
        let message = "must not be 0 (no limit) with a host that is not loopback";
        return rate_error(loaded, overrides, message);
    }
    Ok(())
}

/// An error that names the layer in which the rate was set.
fn rate_error(
    loaded: &LoadedConfig,
    overrides: &Overrides,
    message: &str,
) -> Result<(), ConfigError> {
    if overrides.requests_per_minute.is_some() {
        return Err(option_error("--requests-per-minute", message.to_owned()));
    }
    let key = "limits.requests_per_minute";
    let problem = ConfigProblem::Value {
        key: key.to_owned(),
        message: message.to_owned(),
    };
    match &loaded.document {
        // The rate is the default, so the reserve in the file is too high for it.
        Some(document) if document.find(key).next().is_none() => {
            Err(document.error_at("limits.reserve", problem))
        }
        Some(document) => Err(document.error_at(key, problem)),
        None => Err(option_error("--requests-per-minute", message.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use crate::domain::KeyField;
    use crate::mapping::{EmptyCells, Repair};
    use crate::plan::{SyncMode, Tolerance};

    use super::super::{BatchMode, RemoteStrategy};
    use super::*;

    const EXAMPLE: &str = include_str!("../../config.example.toml");

    fn folder(config: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("hcsync.toml"), config).unwrap();
        folder
    }

    /// Of a config that is named.
    fn settings(config: &str, overrides: &Overrides) -> Result<Settings, String> {
        let named = Overrides {
            config: Some(DEFAULT_FILE.into()),
            ..overrides.clone()
        };
        let loaded = load(folder(config).path(), &named);
        loaded.map(|l| l.settings).map_err(|e| e.to_string())
    }

    fn rate(requests_per_minute: u32) -> Overrides {
        Overrides {
            requests_per_minute: Some(requests_per_minute),
            ..Overrides::default()
        }
    }

    #[test]
    fn without_a_file_the_defaults_of_the_contract_hold() {
        let empty = tempfile::tempdir().unwrap();
        let loaded = load(empty.path(), &Overrides::default()).unwrap();
        assert_eq!(loaded.file(), None);
        let settings = loaded.settings;
        assert_eq!(settings, FileConfig::default().into_settings());
        assert_eq!(settings.api.base_url, "https://api.helpcrunch.com/v1");
        assert_eq!(settings.api.timeout, Duration::from_secs(30));
        assert_eq!(
            (settings.limits.requests_per_minute, settings.limits.reserve),
            (120, 0)
        );
        assert_eq!(
            (settings.limits.concurrency, settings.limits.max_attempts),
            (4, 8)
        );
        assert_eq!(settings.limits.max_retry_wait, Duration::from_secs(300));
        assert_eq!(settings.limits.settle, Duration::from_secs(30));
        assert_eq!(settings.limits.max_outage, Duration::from_secs(900));
        assert_eq!(settings.matching.keys, [KeyField::UserId, KeyField::Email]);
        assert_eq!(settings.remote.strategy, RemoteStrategy::Auto);
        assert_eq!(
            settings.remote.snapshot_max_age,
            Duration::from_secs(72_000)
        );
        assert_eq!(settings.remote.recheck_after, Duration::from_secs(1_800));
        assert_eq!(settings.remote.batch, BatchMode::Auto);
        assert_eq!(settings.state.keep, Duration::from_secs(2_592_000));
        assert_eq!(settings.mapping.fields, None);
        assert!(settings.input.header);
        assert_eq!(
            (
                settings.safety.max_change_percent,
                settings.safety.max_clear_percent
            ),
            (None, None)
        );
    }

    #[test]
    fn the_example_says_what_the_contract_says() {
        let settings = settings(EXAMPLE, &Overrides::default()).unwrap();
        assert_eq!(settings.api.account.as_deref(), Some("production"));
        assert_eq!(settings.safety.max_change_percent, Some(50.0));
        assert_eq!(settings.safety.max_clear_percent, Some(5.0));
        assert_eq!(settings.safety.tolerated_rows, Tolerance::Rows(0));
        assert_eq!(settings.mapping.fields.unwrap().len(), 6);
        assert_eq!(settings.mapping.custom_data.unwrap().len(), 4);
        assert_eq!(settings.mapping.tags.unwrap().always, ["imported"]);
    }

    /// What the example says outside of the mapping is what holds without it.
    #[test]
    fn the_figures_of_the_example_are_the_defaults() {
        let example = settings(EXAMPLE, &Overrides::default()).unwrap();
        let defaults = Settings::default();
        assert_eq!(example.limits, defaults.limits);
        assert_eq!(example.remote, defaults.remote);
        assert_eq!(example.state, defaults.state);
        assert_eq!(example.input, defaults.input);
        assert_eq!(example.matching, defaults.matching);
        assert_eq!(example.safety.max_failures, defaults.safety.max_failures);
        assert_eq!(
            (example.duplicates, example.sync_mode),
            (defaults.duplicates, defaults.sync_mode)
        );
    }

    #[test]
    fn a_config_that_was_only_found_does_not_say_where_the_key_goes() {
        let with = |config: &str, overrides: &Overrides| {
            let loaded = load(folder(config).path(), overrides);
            loaded.map(|l| l.settings).map_err(|e| e.to_string())
        };
        let found = |config: &str| with(config, &Overrides::default());
        for elsewhere in ["https://evil.example/v1", "http://127.0.0.1:9/v1"] {
            let config = format!("[api]\nbase_url = \"{elsewhere}\"\n");
            let error = found(&config).unwrap_err();
            let host = BaseUrl::parse(elsewhere).unwrap().host();
            for part in [
                "hcsync.toml:2:12",
                &host,
                "--config hcsync.toml",
                "--base-url",
            ] {
                assert!(error.contains(part), "{part}: {error}");
            }
            let given = Overrides {
                base_url: Some("https://mine.example".to_owned()),
                ..Overrides::default()
            };
            assert_eq!(
                with(&config, &given).unwrap().api.base_url,
                "https://mine.example"
            );
            let named = settings(&config, &Overrides::default());
            assert_eq!(named.unwrap().api.base_url, elsewhere);
        }
        found("[api]\nbase_url = \"https://API.helpcrunch.com/v1/\"\naccount = \"a\"\n").unwrap();
        let error = found("[api]\nkey_file = \"key\"\n").unwrap_err();
        assert!(
            error.contains("hcsync.toml:2:12") && error.contains("HCSYNC_CONFIG"),
            "{error}"
        );
    }

    #[test]
    fn an_override_goes_before_the_file_and_the_file_before_the_default() {
        let config = "[api]\naccount = \"file\"\nbase_url = \"https://file.example\"\n\
                      [limits]\nrequests_per_minute = 60\n\
                      [safety]\nmax_creates = 10\nmax_clear_percent = 9\nmax_change_percent = 9\nmin_match_percent = 9\n\
                      [sync]\nmode = \"update\"\n[rows]\nempty_cells = \"clear\"\n[input]\nnull_values = [\"-\"]\nrepair = \"fix\"\n";
        let from_file = settings(config, &Overrides::default()).unwrap();
        assert_eq!(from_file.limits.requests_per_minute, 60);
        assert_eq!(from_file.limits.concurrency, 4);
        assert_eq!(from_file.sync_mode, SyncMode::Update);
        assert_eq!(from_file.mapping.empty_cells, EmptyCells::Clear);
        assert_eq!(from_file.mapping.null_values, ["-"]);
        assert_eq!(from_file.mapping.repair, Repair::Fix);
        assert_eq!(from_file.safety.max_change_percent, Some(9.0));
        assert_eq!(from_file.api.base_url, "https://file.example");
        let overrides = Overrides {
            requests_per_minute: Some(30),
            concurrency: Some(2),
            account: Some("other".into()),
            base_url: Some("http://127.0.0.1:9/v1/".into()),
            max_change_percent: Some(80.0),
            max_clear_percent: Some(0.0),
            min_match_percent: Some(1.0),
            max_creates: Some(0),
            ..Overrides::default()
        };
        let both = settings(config, &overrides).unwrap();
        assert_eq!(
            (both.limits.requests_per_minute, both.limits.concurrency),
            (30, 2)
        );
        assert_eq!(both.api.account.as_deref(), Some("other"));
        assert_eq!(both.api.base_url, "http://127.0.0.1:9/v1");
        assert_eq!(both.safety.max_change_percent, Some(80.0));
        assert_eq!(both.safety.max_clear_percent, Some(0.0));
        assert_eq!(
            (both.safety.min_match_percent, both.safety.max_creates),
            (1.0, 0)
        );
    }

    #[test]
    fn a_named_file_goes_before_the_usual_one_and_must_be_there() {
        let folder = folder("[limits]\nconcurrency = 2\n");
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(
            folder.path().join("sub/b.toml"),
            "[api]\nkey_file = \"secrets/key\"\n",
        )
        .unwrap();
        let named = |name: &str| Overrides {
            config: Some(name.into()),
            ..Overrides::default()
        };
        let usual = load(folder.path(), &Overrides::default()).unwrap();
        assert_eq!(usual.file(), Some(Path::new("hcsync.toml")));
        assert_eq!(usual.settings.limits.concurrency, 2);
        let other = load(folder.path(), &named("sub/b.toml")).unwrap();
        assert_eq!(other.file(), Some(Path::new("sub/b.toml")));
        assert_eq!(other.settings.limits.concurrency, 4);
        assert_eq!(
            other.settings.api.key_file,
            Some(folder.path().join("sub/secrets/key"))
        );
        let none = load(folder.path(), &named("none.toml")).unwrap_err();
        assert!(
            none.to_string()
                .starts_with("cannot read the config file none.toml: "),
            "{none}"
        );
    }

    #[test]
    fn an_absolute_path_in_a_config_stays() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        let config = format!("[api]\nkey_file = '{}'\n", key.display());
        assert_eq!(
            settings(&config, &Overrides::default())
                .unwrap()
                .api
                .key_file,
            Some(key)
        );
    }

    #[test]
    fn a_key_in_the_place_of_its_file_is_refused_and_not_shown() {
        let key = "NmQyZTY4ZDk0MTRhNGY5OTg5ZDEyM2I0NTY3ODkwMTI=";
        let folder = folder(&format!("[api]\nkey_file = \"{key}\"\n"));
        let error = load(folder.path(), &Overrides::default()).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("`api.key_file` looks like an API key"),
            "{error}"
        );
        assert!(
            !format!("{error} {error:?}").contains(key.trim_end_matches('=')),
            "{error:?}"
        );
        fs::write(folder.path().join(key), "k").unwrap();
        let named = Overrides {
            config: Some(DEFAULT_FILE.into()),
            ..Overrides::default()
        };
        assert!(load(folder.path(), &named).is_ok());
    }

    #[test]
    fn files_as_windows_saves_them_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let text = "\u{feff}[limits]\r\nconcurrency = 3\r\n";
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [bytes, text.as_bytes().to_vec()] {
            fs::write(folder.path().join("hcsync.toml"), bytes).unwrap();
            let loaded = load(folder.path(), &Overrides::default()).unwrap();
            assert_eq!(loaded.settings.limits.concurrency, 3);
        }
    }

    #[test]
    fn no_limit_is_for_loopback_hosts_only() {
        let refused = settings("", &rate(0)).unwrap_err();
        assert!(
            refused.starts_with("--requests-per-minute must not be 0"),
            "{refused}"
        );
        let in_file =
            settings("limits.requests_per_minute = 0", &Overrides::default()).unwrap_err();
        assert!(
            in_file.starts_with("hcsync.toml:1:30: `limits.requests_per_minute` must not be 0"),
            "{in_file}"
        );
        let local = Overrides {
            base_url: Some("http://localhost:8080".into()),
            ..rate(0)
        };
        assert_eq!(settings("", &local).unwrap().limits.requests_per_minute, 0);
    }

    #[test]
    fn the_reserve_leaves_something() {
        let config = "[limits]\nreserve = 120\n";
        let refused = settings(config, &Overrides::default()).unwrap_err();
        assert!(
            refused.starts_with("hcsync.toml:2:11: `limits.requests_per_minute` must be more than"),
            "{refused}"
        );
        assert!(settings(config, &rate(121)).is_ok());
        assert!(
            settings(config, &rate(120))
                .unwrap_err()
                .starts_with("--requests-per-minute must be more")
        );
        assert!(
            settings(config, &rate(0))
                .unwrap_err()
                .contains("limits.reserve")
        );
    }

    #[test]
    fn the_sandbox_has_a_rate_of_its_own_and_no_account() {
        let config = "[api]\naccount = \"production\"\nkey_file = \"k\"\n[limits]\nrequests_per_minute = 60\nreserve = 50\n";
        let mut overrides = Overrides::default();
        overrides.run.sandbox = true;
        let sandbox = settings(config, &overrides).unwrap();
        assert_eq!(
            (sandbox.limits.requests_per_minute, sandbox.limits.reserve),
            (6_000, 0)
        );
        assert_eq!((sandbox.api.account, sandbox.api.key_file), (None, None));
        assert!(sandbox.safety.min_match_percent < 1.0);
        overrides.run.customers = Some("all.jsonl".into());
        let own = settings(config, &overrides).unwrap();
        assert!(own.safety.min_match_percent > 1.0);
        overrides.requests_per_minute = Some(30);
        assert_eq!(
            settings(config, &overrides)
                .unwrap()
                .limits
                .requests_per_minute,
            30
        );
    }

    #[test]
    fn wrong_options_are_named_as_they_are_written() {
        let plain = Overrides {
            base_url: Some("http://example.com".into()),
            ..Overrides::default()
        };
        assert!(
            settings("", &plain)
                .unwrap_err()
                .starts_with("--base-url must begin with https://")
        );
        let blank = Overrides {
            account: Some("\n".into()),
            ..Overrides::default()
        };
        assert!(
            settings("", &blank)
                .unwrap_err()
                .starts_with("--account must be a name")
        );
    }

    #[test]
    fn the_state_is_read_whatever_is_wrong_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(DEFAULT_FILE);
        let state = |text: &str, overrides: &Overrides| {
            fs::write(&file, text).unwrap();
            load_state(folder.path(), overrides).map_err(|error| error.to_string())
        };
        let found = Overrides::default();
        let named = Overrides {
            config: Some(DEFAULT_FILE.into()),
            ..Overrides::default()
        };
        let redirecting =
            "[api]\nbase_url = \"https://elsewhere.example/v1\"\n[limits]\nconcurrency = 99\n";
        assert_eq!(state(redirecting, &found), Ok(StateConfig::default()));
        let with_state =
            format!("{redirecting}[state]\nurl = \"postgres://u@db/d\"\npassword_file = \"p\"\n");
        let refused = state(&with_state, &found).unwrap_err();
        assert!(refused.contains("only found in this folder"), "{refused}");
        let loaded = state(&with_state, &named).unwrap();
        assert_eq!(loaded.url, "postgres://u@db/d");
        assert_eq!(loaded.password_file, Some(folder.path().join("p")));
        let open = "[state]\nurl = \"postgres://u:hunter2@db/d\"\n";
        let refused = state(open, &named).unwrap_err();
        assert!(refused.contains("must not hold the password") && !refused.contains("hunter2"));
        let gone = Overrides {
            config: Some("gone.toml".into()),
            ..Overrides::default()
        };
        assert_eq!(state("", &gone), Ok(StateConfig::default()));
    }
}
