use std::path::Path;

use crate::helpcrunch::BaseUrl;

use super::check::check_state;
use super::document::Document;
use super::error::{ConfigError, ConfigProblem};
use super::file::FileConfig;
use super::layers::Layers;
use super::loaded::LoadedConfig;
use super::overrides::Overrides;
use super::paths::resolve_paths;
use super::redirection::{refuse_found_state, refuse_redirection};
use super::settings::Settings;
use super::state::StateConfig;

/// The config in the current folder that is used if none is named.
pub(super) const DEFAULT_FILE: &str = "hcsync.toml";

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
    if let Some(document) = &document {
        let file = Layers::of(document);
        let state = FileConfig::sound(file)?.state;
        if named.is_none() {
            refuse_found_state(document, &state, overrides)?;
        }
        check_state(&state, file)?;
    }
    resolve_state(folder, &document.unwrap_or_default(), overrides)
}

/// `[state]` as options alone say it.
///
/// # Errors
/// A value of `overrides` is wrong.
pub fn state_of_options(overrides: &Overrides) -> Result<StateConfig, ConfigError> {
    resolve_state(Path::new(""), &Document::default(), overrides)
}

fn resolve_state(
    folder: &Path,
    document: &Document,
    overrides: &Overrides,
) -> Result<StateConfig, ConfigError> {
    let options = overrides.layer();
    let layers = Layers {
        document,
        options: &options,
    };
    let config = FileConfig::sound(layers)?;
    check_state(&config.state, layers)?;
    let mut settings = Settings {
        state: config.state,
        ..Settings::default()
    };
    resolve_paths(&mut settings, folder, layers)?;
    Ok(settings.state)
}

fn resolve(
    folder: &Path,
    document: Option<Document>,
    is_named: bool,
    overrides: &Overrides,
) -> Result<LoadedConfig, ConfigError> {
    let absent = Document::default();
    let options = overrides.layer();
    let layers = Layers {
        document: document.as_ref().unwrap_or(&absent),
        options: &options,
    };
    let mut settings = FileConfig::from_layers(layers)?.into_settings();
    resolve_paths(&mut settings, folder, layers)?;
    settings.run = overrides.run.clone();
    settings.safety.allow_delete = overrides.run.allow_delete;
    if settings.run.sandbox {
        // The sandbox must not use the state of a real account, and ends with the process.
        settings.api.account = None;
        settings.api.key_file = None;
        settings.state.url.clear();
    }
    check_rate(&settings, layers)?;
    Ok(LoadedConfig {
        settings,
        document,
        is_named,
        folder: folder.to_owned(),
    })
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

/// Checks rate, reserve and address together, which may come from different layers.
fn check_rate(settings: &Settings, layers: Layers<'_>) -> Result<(), ConfigError> {
    let (rate, reserve) = (settings.limits.requests_per_minute, settings.limits.reserve);
    let is_loopback = BaseUrl::parse(&settings.api.base_url).is_ok_and(|url| url.is_loopback());
    let message = if reserve > 0 && rate == 0 {
        "must not be 0 (no limit) where limits.reserve is set".to_owned()
    } else if rate > 0 && reserve >= rate {
        format!("must be more than limits.reserve, which is {reserve}")
    } else if rate == 0 && !settings.run.sandbox && !is_loopback {
        "must not be 0 (no limit) with a host that is not loopback".to_owned()
    } else {
        return Ok(());
    };
    let key = "limits.requests_per_minute";
    let is_default = layers.option(key).is_none() && layers.document.find(key).next().is_none();
    // If the rate is the default, the reserve in the file is too high for it.
    let place = if is_default { "limits.reserve" } else { key };
    let problem = ConfigProblem::Value {
        key: key.to_owned(),
        message,
    };
    Err(layers.error(place, problem))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use toml::Value;

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

    /// Overrides keys, each by the option of its name.
    fn options<const N: usize>(values: [(&'static str, Value); N]) -> Overrides {
        let mut overrides = Overrides::default();
        for (key, value) in values {
            overrides.set(key, Some(value));
        }
        overrides
    }

    fn rate(requests_per_minute: u32) -> Overrides {
        options([("limits.requests_per_minute", requests_per_minute.into())])
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
            let given = options([("api.base_url", "https://mine.example".into())]);
            assert_eq!(
                with(&config, &given).unwrap().api.base_url,
                "https://mine.example"
            );
            let named = settings(&config, &Overrides::default());
            assert_eq!(named.unwrap().api.base_url, elsewhere);
        }
        let config = "[output]\nfolder = \"s3://theirs\"\n";
        assert!(found(config).unwrap_err().contains("--out-dir"));
        let given = options([("output.folder", "mine".into())]);
        let folder = with(config, &given).unwrap().output.folder;
        assert_eq!(folder, Some("mine".into()));
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
        let overrides = options([
            ("limits.requests_per_minute", 30.into()),
            ("limits.concurrency", 2.into()),
            ("api.account", "other".into()),
            ("api.base_url", "http://127.0.0.1:9/v1/".into()),
            ("safety.max_change_percent", 80.0.into()),
            ("safety.max_clear_percent", 0.0.into()),
            ("safety.min_match_percent", 1.0.into()),
            ("safety.max_creates", 0.into()),
        ]);
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
        let local = options([
            ("limits.requests_per_minute", 0.into()),
            ("api.base_url", "http://localhost:8080".into()),
        ]);
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
        overrides.values = rate(30).values;
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
        for (key, value, message) in [
            (
                "api.base_url",
                "http://example.com",
                "--base-url must begin with https://",
            ),
            ("api.account", "\n", "--account must be a name"),
            ("sync.missing", "forget", "--missing must be one of"),
            ("limits.concurrency", "4", "--concurrency must be a whole"),
            ("state.lease", "1s", "--lease must be from 2s to 1h"),
            (
                "state.url",
                "postgres://u:hunter2@db/d",
                "--url must not hold the password",
            ),
        ] {
            let refused = settings("", &options([(key, value.into())])).unwrap_err();
            assert!(refused.starts_with(message), "{refused}");
        }
    }

    #[test]
    fn what_is_wrong_with_the_file_is_said_although_an_option_overrides_it() {
        let refused = settings("limits.concurrency = 65\n[rowz]\n", &rate(30)).unwrap_err();
        assert!(
            refused.starts_with("hcsync.toml:1:22: `limits.concurrency`")
                && refused.contains("rowz"),
            "{refused}"
        );
        let overridden = options([("limits.concurrency", 3.into())]);
        let refused = settings("limits.concurrency = 65\n", &overridden).unwrap_err();
        assert!(refused.starts_with("hcsync.toml:1:22: "), "{refused}");
    }

    #[test]
    fn paths_of_options_start_from_the_current_folder_and_those_of_the_file_from_its_own() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        let config = "[state]\npassword_file = \"p\"\n[output]\nfolder = \"out\"\n";
        fs::write(folder.path().join("sub/c.toml"), config).unwrap();
        let mut overrides = options([("output.folder", "here".into())]);
        overrides.config = Some("sub/c.toml".into());
        let settings = load(folder.path(), &overrides).unwrap().settings;
        assert_eq!(settings.output.folder, Some("here".into()));
        let password_file = folder.path().join("sub/p");
        assert_eq!(settings.state.password_file, Some(password_file));
        overrides.set("state.password_file", Some("q"));
        let state = load_state(folder.path(), &overrides).unwrap();
        assert_eq!(state.password_file, Some("q".into()));
        assert_eq!(state_of_options(&overrides).unwrap(), state);
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
