use std::collections::HashSet;
use std::time::Duration;

use crate::helpcrunch::BaseUrl;
use crate::mapping::time_zone;
use crate::plan::SafetySettings;

use super::error::{ConfigError, ConfigProblem};
use super::file::FileConfig;
use super::input::{Delimiter, Quote};
use super::layers::Layers;
use super::state::StateConfig;

/// More would not be faster: the limit is a few requests a second.
const MAX_CONCURRENCY: u16 = 64;
/// With growing waits between them, more attempts would take longer than any accepted outage.
const MAX_ATTEMPTS: u32 = 100;
const MAX_TIMEOUT: Duration = Duration::from_secs(3_600);
/// A shorter lease would be lost to a slow answer of the database.
const MIN_LEASE: Duration = Duration::from_secs(2);
const MAX_LEASE: Duration = Duration::from_secs(3_600);
const MAX_ACCOUNT_CHARS: usize = 100;

/// Checks the ranges of values and the combinations of keys. Errors name the option or the place of the wrong key.
pub(super) fn check_values(config: &FileConfig, layers: Layers<'_>) -> Vec<ConfigError> {
    let mut checks = Checks {
        layers,
        errors: Vec::new(),
    };
    checks.api(config);
    checks.limits(config);
    checks.rows(config);
    checks.safety(&config.safety);
    checks.calls(config);
    checks.state(&config.state);
    checks.output(config);
    checks.errors
}

/// Checks `[state]` alone.
pub(super) fn check_state(state: &StateConfig, layers: Layers<'_>) -> Result<(), ConfigError> {
    let mut checks = Checks {
        layers,
        errors: Vec::new(),
    };
    checks.state(state);
    checks.errors.into_iter().next().map_or(Ok(()), Err)
}

/// Whether an account may have this name: it is printed, and is part of a folder's name.
fn is_account_name(name: &str) -> bool {
    !name.trim().is_empty()
        && name.chars().count() <= MAX_ACCOUNT_CHARS
        && !name.chars().any(char::is_control)
}

const ACCOUNT_RULE: &str = "must be a name of 1 to 100 characters";

struct Checks<'a> {
    layers: Layers<'a>,
    errors: Vec<ConfigError>,
}

impl Checks<'_> {
    fn require(&mut self, holds: bool, key: &str, message: &str) {
        if holds {
            return;
        }
        let problem = ConfigProblem::Value {
            key: key.to_owned(),
            message: message.to_owned(),
        };
        self.errors.push(self.layers.error(key, problem));
    }

    fn api(&mut self, config: &FileConfig) {
        let api = &config.api;
        if let Err(error) = BaseUrl::parse(&api.base_url) {
            self.require(false, "api.base_url", &error.to_string());
        }
        let named = api.account.as_deref().is_none_or(is_account_name);
        self.require(named, "api.account", ACCOUNT_RULE);
        let file = api
            .key_file
            .as_ref()
            .is_none_or(|path| !path.as_os_str().is_empty());
        self.require(file, "api.key_file", "must name a file");
        let link = api.customer_url.as_ref();
        let is_link = link.is_none_or(|url| url.starts_with("https://") && url.contains("{id}"));
        let message = "must begin with https:// and hold {id}, which stands for the customer's id";
        self.require(is_link, "api.customer_url", message);
        let timeout = !api.timeout.is_zero() && api.timeout <= MAX_TIMEOUT;
        self.require(
            timeout,
            "api.timeout",
            "must be longer than 0 and at most 1h",
        );
    }

    fn state(&mut self, state: &StateConfig) {
        let key = "state.url";
        // Other users of the machine see a command's options, and not its variables.
        let is_hidden = || {
            self.layers.option(key).is_some()
                && std::env::var("HCSYNC_STATE_URL").as_ref() == Ok(&state.url)
        };
        if state.database().is_some_and(|url| url.has_password()) && !is_hidden() {
            let problem = ConfigProblem::InlinePassword { key: key.into() };
            self.errors.push(self.layers.error(key, problem));
        }
        let range = MIN_LEASE..=MAX_LEASE;
        let message = "must be from 2s to 1h";
        self.require(range.contains(&state.lease), "state.lease", message);
    }

    fn limits(&mut self, config: &FileConfig) {
        let limits = &config.limits;
        let range = (1..=MAX_CONCURRENCY).contains(&limits.concurrency);
        self.require(range, "limits.concurrency", "must be from 1 to 64");
        let range = (1..=MAX_ATTEMPTS).contains(&limits.max_attempts);
        self.require(range, "limits.max_attempts", "must be from 1 to 100");
        let wait = !limits.max_retry_wait.is_zero();
        self.require(wait, "limits.max_retry_wait", "must be longer than 0");
        let outage = !limits.max_outage.is_zero();
        self.require(outage, "limits.max_outage", "must be longer than 0");
    }

    fn rows(&mut self, config: &FileConfig) {
        let keys = &config.matching.keys;
        self.require(!keys.is_empty(), "match.keys", "must name at least one key");
        self.require(distinct(keys), "match.keys", "must not name a key twice");
        if let Some(columns) = &config.input.columns {
            let named = !columns.is_empty() && columns.iter().all(|name| !name.trim().is_empty());
            self.require(named, "input.columns", "must name every column");
            self.require(
                distinct(columns),
                "input.columns",
                "must not name a column twice",
            );
        }
        self.files(config);
        let program = config.input.command.first();
        let has_program = program.is_none_or(|program| !program.trim().is_empty());
        let message = "must begin with the name of a program";
        self.require(has_program, "input.command", message);
        if let Some(Err(message)) = config.input.timezone.as_deref().map(time_zone) {
            self.require(false, "input.timezone", &message);
        }
        let is_distinct = match (config.input.delimiter, config.input.quote) {
            (Delimiter::Byte(delimiter), Quote::Byte(quote)) => delimiter != quote,
            _ => true,
        };
        self.require(is_distinct, "input.quote", "must not be the delimiter");
        let has_separator = config
            .tags
            .as_ref()
            .is_none_or(|tags| !tags.separator.is_empty());
        self.require(has_separator, "tags.separator", "must not be empty");
        let has_name = !config.sync.missing_tag.trim().is_empty();
        self.require(has_name, "sync.missing_tag", "must not be empty");
    }

    fn files(&mut self, config: &FileConfig) {
        let input = &config.input;
        let are_files = input
            .files
            .iter()
            .all(|path| !path.as_os_str().is_empty() && path.as_os_str() != "-");
        let message = "must name files; standard input (`-`) can be named on the command line only";
        self.require(are_files, "input.files", message);
        let is_one_source = input.files.is_empty() || input.command.is_empty();
        let message = "must not be set beside input.command: the input is one or the other";
        self.require(is_one_source, "input.files", message);
    }

    fn calls(&mut self, config: &FileConfig) {
        let notify = &config.notify;
        let program = notify.command.first();
        let has_program = program.is_none_or(|program| !program.trim().is_empty());
        let message = "must begin with the name of a program";
        self.require(has_program, "notify.command", message);
        for (key, file) in [
            ("notify.webhook_file", &notify.webhook_file),
            ("notify.ping_file", &notify.ping_file),
        ] {
            let text = file.as_ref().map(|path| path.to_string_lossy());
            let is_file = text.is_none_or(|text| !text.is_empty() && !text.contains("://"));
            let message =
                "must name a file that holds the address and nothing else: the address is a secret";
            self.require(is_file, key, message);
        }
        let textfile = config.metrics.textfile.as_ref();
        let is_prom = textfile.is_none_or(|path| path.extension().is_some_and(|e| e == "prom"));
        let message = "must name a file that ends with .prom: the node exporter reads no other";
        self.require(is_prom, "metrics.textfile", message);
    }

    fn output(&mut self, config: &FileConfig) {
        let dir = config.output.folder.as_ref();
        let is_named = dir.is_none_or(|dir| !dir.as_os_str().is_empty());
        self.require(is_named, "output.folder", "must name a folder");
    }

    fn safety(&mut self, safety: &SafetySettings) {
        let shares = [
            ("safety.max_change_percent", safety.max_change_percent),
            ("safety.max_clear_percent", safety.max_clear_percent),
            ("safety.min_match_percent", Some(safety.min_match_percent)),
            (
                "safety.max_rejected_percent",
                Some(safety.max_rejected_percent),
            ),
            (
                "safety.max_missing_percent",
                Some(safety.max_missing_percent),
            ),
        ];
        for (key, share) in shares {
            let range = share.is_none_or(|share| (0.0..=100.0).contains(&share));
            self.require(range, key, "must be from 0 to 100; 0 turns the limit off");
        }
    }
}

fn distinct<T: Eq + std::hash::Hash>(items: &[T]) -> bool {
    items.iter().collect::<HashSet<_>>().len() == items.len()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::document::Document;
    use super::*;

    fn outcome(text: &str) -> Result<(), String> {
        Document::parse(Path::new("x.toml"), text.as_bytes())
            .and_then(|document| FileConfig::from_document(&document))
            .map(|_| ())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn values_out_of_range_are_located_and_say_the_range() {
        for (text, message) in [
            (
                "[api]\nbase_url = \"http://example.com\"",
                "x.toml:2:12: `api.base_url` must begin with https://",
            ),
            (
                "[api]\nbase_url = \"nonsense\"",
                "x.toml:2:12: `api.base_url` must be an address",
            ),
            (
                "[api]\naccount = \" \"",
                "x.toml:2:11: `api.account` must be a name",
            ),
            (
                "[api]\nkey_file = \"\"",
                "x.toml:2:12: `api.key_file` must name a file",
            ),
            (
                "[api]\ntimeout = \"0s\"",
                "x.toml:2:11: `api.timeout` must be longer",
            ),
            (
                "[api]\ntimeout = \"2h\"",
                "x.toml:2:11: `api.timeout` must be longer",
            ),
            (
                "limits.concurrency = 0",
                "x.toml:1:22: `limits.concurrency` must be from 1 to 64",
            ),
            (
                "limits.concurrency = 65",
                "x.toml:1:22: `limits.concurrency` must be from 1 to 64",
            ),
            (
                "limits = { max_attempts = 0 }",
                "x.toml:1:27: `limits.max_attempts` must be from 1",
            ),
            (
                "limits.max_retry_wait = \"0s\"",
                "x.toml:1:25: `limits.max_retry_wait` must",
            ),
            (
                "limits.max_outage = \"0s\"",
                "x.toml:1:21: `limits.max_outage` must",
            ),
            (
                "match.keys = []",
                "x.toml:1:14: `match.keys` must name at least one key",
            ),
            (
                "match.keys = [\"email\", \"email\"]",
                "x.toml:1:14: `match.keys` must not name a key twice",
            ),
            (
                "[input]\ndelimiter = \"~\"\nquote = \"~\"",
                "x.toml:3:9: `input.quote` must not be the delimiter",
            ),
            (
                "input.columns = []",
                "x.toml:1:17: `input.columns` must name",
            ),
            (
                "input.columns = [\"a\", \"a\"]",
                "x.toml:1:17: `input.columns` must not",
            ),
            (
                "input.timezone = \"Europe/Kyv\"",
                "x.toml:1:18: `input.timezone` `Europe/Kyv` is not an IANA time zone; did you mean `Europe/Kyiv`?",
            ),
            (
                "input.files = [\"a.csv\", \"-\"]",
                "x.toml:1:15: `input.files` must name files; standard input",
            ),
            (
                "[input]\nfiles = [\"a.csv\"]\ncommand = [\"cat\"]",
                "x.toml:2:9: `input.files` must not be set beside input.command",
            ),
            (
                "tags.separator = \"\"",
                "x.toml:1:18: `tags.separator` must not be empty",
            ),
            (
                "safety.max_change_percent = 101",
                "x.toml:1:29: `safety.max_change_percent` must be from 0 to 100",
            ),
            (
                "safety.max_clear_percent = -0.5",
                "x.toml:1:28: `safety.max_clear_percent` must be from 0 to 100",
            ),
            (
                "safety.min_match_percent = nan",
                "x.toml:1:28: `safety.min_match_percent` must be from 0 to 100",
            ),
        ] {
            let refusal = outcome(text).unwrap_err();
            assert!(refusal.starts_with(message), "{refusal}");
        }
    }

    #[test]
    fn the_ends_of_ranges_are_taken() {
        for text in [
            "limits.concurrency = 1",
            "limits.concurrency = 64",
            "limits.settle = \"0s\"",
            "remote.recheck_after = \"0s\"",
            "remote.snapshot_max_age = \"0s\"",
            "state.keep = \"0s\"",
            "safety.max_change_percent = 0",
            "safety.max_clear_percent = 100.0",
            "api.timeout = \"1h\"",
            "match.keys = [\"id\", \"email\", \"userId\"]",
        ] {
            assert_eq!(outcome(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn wrong_types_are_located_and_say_what_is_expected() {
        let length = "must be a length of time with its unit";
        for (text, message) in [
            ("api = 3", "x.toml:1:7: `api` must be a table, not `3`".to_owned()),
            ("[api]\nbase_url = 3", "x.toml:2:12: `api.base_url` must be a text, not `3`".into()),
            ("[api]\ntimeout = 30", format!("x.toml:2:11: `api.timeout` {length}")),
            ("[api]\ntimeout = \"soon\"", format!("x.toml:2:11: `api.timeout` {length}")),
            ("[limits]\nrequests_per_minute = \"many\"", "x.toml:2:23: `limits.requests_per_minute` must be a whole number".into()),
            ("[limits]\nreserve = -1", "x.toml:2:11: `limits.reserve` must be a whole number".into()),
            ("[limits]\nconcurrency = 1.5", "x.toml:2:15: `limits.concurrency` must be a whole number".into()),
            ("input.format = \"docx\"", "x.toml:1:16: `input.format` must be one of `auto`, `csv`".into()),
            ("input.format = 1", "x.toml:1:16: `input.format` must be a text".into()),
            ("input.delimiter = \"comma\"", "x.toml:1:19: `input.delimiter` must be \"auto\"".into()),
            ("input.encoding = \"utf-9\"", "x.toml:1:18: `input.encoding` must be \"auto\"".into()),
            ("input.null_values = \"NULL\"", "x.toml:1:21: `input.null_values` must be a list".into()),
            ("input.null_values = [\"a\", 1]", "x.toml:1:27: `input.null_values` must be a text, not `1`".into()),
            ("input.repair = \"off\"", "x.toml:1:16: `input.repair` must be one of `report` or `fix`".into()),
            ("input.header = \"yes\"", "x.toml:1:16: `input.header` must be true or false".into()),
            ("match.keys = [\"e-mail\"]", "x.toml:1:15: `match.keys` must be one of `userId`, `email`, `id`".into()),
            ("match.on_conflict = \"merge\"", "x.toml:1:21: `match.on_conflict` must be one of".into()),
            ("[fields]\nname = 3", "x.toml:2:8: `fields.name` must be a column name, or a table".into()),
            ("[fields]\nname = { column = 3 }", "x.toml:2:19: `fields.name.column` must be a text".into()),
            ("[custom_data]\nmrr = { column = \"M\", type = \"money\" }", "x.toml:2:30: `custom_data.mrr.type` must be one of".into()),
            ("[tags]\nmanaged = \"mine\"", "x.toml:2:11: `tags.managed` must be a list of tag names".into()),
            ("[tags]\ncolors = []", "x.toml:2:10: `tags.colors` must be a table".into()),
            ("rows.duplicates = \"unite\"", "x.toml:1:19: `rows.duplicates` must be one of `reject`, `first`, `last`, `merge`, not `unite`".into()),
            ("remote.batch = true", "x.toml:1:16: `remote.batch` must be a text".into()),
            ("safety.tolerated_rows = \"some\"", "x.toml:1:25: `safety.tolerated_rows` must be a number of rows".into()),
            ("safety.max_creates = \"9\"", "x.toml:1:22: `safety.max_creates` must be a whole number".into()),
            ("state.keep = 30", format!("x.toml:1:14: `state.keep` {length}")),
        ] {
            let refusal = outcome(text).unwrap_err();
            assert!(refusal.starts_with(&message), "{refusal}");
        }
    }
}
