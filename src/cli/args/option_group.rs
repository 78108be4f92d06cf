use crate::config::Overrides;

/// A group of options that settings come from.
pub trait OptionGroup {
    /// Adds what its options say.
    ///
    /// An implementation names all fields of its group, so that the compiler finds an option that is forgotten there.
    fn apply(&self, overrides: &mut Overrides);
}

/// What these groups of options say.
pub fn overrides_of(groups: &[&dyn OptionGroup]) -> Overrides {
    let mut overrides = Overrides::default();
    for group in groups {
        group.apply(&mut overrides);
    }
    overrides
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use clap::{CommandFactory as _, Parser as _};

    use crate::cli::args::{Args, Command};
    use crate::config::{KNOWN_KEYS, RunOptions, SectionKeys, load};

    use super::*;

    const SHARED: &str = "-c c.toml --config-dir d --index 2 --base-url http://localhost --account a --requests-per-minute 6 --concurrency 3";
    const STATE: &str = "--state-dir s --state-url postgres://db/d --state-password-file p";
    const RUN: &str = "--max-requests 8 --max-duration 2h --results r.csv --rejected j --changes c.csv --summary s.json --out-dir o";
    const SAFETY: &str = "--max-change-percent 1 --max-clear-percent 2 --min-match-percent 3 --max-creates 4 --max-rejected-percent 5 --max-missing-percent 6 --missing tag --allow-delete 7";

    const OF_SHARED: &str = "api.base_url = http://localhost, api.account = a, limits.requests_per_minute = 6, limits.concurrency = 3";
    const OF_STATE: &str = "state.url = postgres://db/d, state.password_file = p";
    const OF_SAFETY: &str = "safety.max_change_percent = 1.0, safety.max_clear_percent = 2.0, safety.min_match_percent = 3.0, safety.max_rejected_percent = 5.0, safety.max_missing_percent = 6.0, safety.max_creates = 4, sync.missing = tag";
    const OF_RUN: &str = "output.folder = o";

    fn parse(command: &str, options: &[&str]) -> Overrides {
        let line = format!("hcsync {command} {}", options.join(" "));
        match Args::try_parse_from(line.split_whitespace())
            .unwrap()
            .command
        {
            Command::Sync(args) => args.planning.overrides(),
            Command::Plan(args) => args.planning.overrides(),
            Command::Apply(args) => args.overrides(),
            Command::Undo(args) => args.overrides(),
            Command::Resume(args) => args.overrides(),
            Command::Export(args) => args.overrides(),
            Command::Probe(args) => args.overrides(),
            Command::Check(args) => args.overrides(),
            Command::Config(args) => args.overrides(),
            other => panic!("no settings: {other:?}"),
        }
    }

    /// The keys that are overridden and the other settings, once it is sure that the config is named.
    fn parsed(command: &str, options: &[&str]) -> (Vec<String>, RunOptions) {
        let overrides = parse(command, options);
        let named = (overrides.config, overrides.config_dir, overrides.index);
        let expected = (Some("c.toml".into()), Some("d".into()), Some(2));
        assert_eq!(named, expected, "{command}");
        let value = |value: &toml::Value| match value.as_str() {
            Some(text) => text.to_owned(),
            None => value.to_string(),
        };
        let values = overrides.values.iter();
        let mut values: Vec<_> = values
            .map(|set| format!("{} = {}", set.key, value(&set.value)))
            .collect();
        values.sort();
        (values, overrides.run)
    }

    fn sorted(values: &[&str]) -> Vec<String> {
        let values = values.iter().flat_map(|values| values.split(", "));
        let mut values: Vec<_> = values.map(str::to_owned).collect();
        values.sort();
        values
    }

    fn run() -> RunOptions {
        RunOptions {
            max_requests: Some(8),
            max_duration: Some(Duration::from_secs(7_200)),
            state_dir: Some("s".into()),
            results: Some("r.csv".into()),
            rejected: Some("j".into()),
            changes: Some("c.csv".into()),
            summary: Some("s.json".into()),
            ..RunOptions::default()
        }
    }

    #[test]
    fn every_option_of_the_runs_arrives() {
        let all = sorted(&[OF_SHARED, OF_STATE, OF_SAFETY, OF_RUN]);
        for command in ["sync i", "plan i"] {
            let options = [
                SHARED,
                STATE,
                RUN,
                SAFETY,
                "--limit 7 --sandbox --customers k.jsonl --examples 0 --refresh --explain --memory-limit 256MiB --force-field notes,email --report p.md --decisions d.csv",
            ];
            let expected = RunOptions {
                sandbox: true,
                customers: Some("k.jsonl".into()),
                limit: Some(7),
                refresh: true,
                explain: true,
                memory_limit: Some(256 << 20),
                force_fields: vec!["notes".into(), "email".into()],
                examples: Some(0),
                allow_delete: Some(7),
                page: Some("p.md".into()),
                decisions: Some("d.csv".into()),
                ..run()
            };
            assert_eq!(parsed(command, &options), (all.clone(), expected));
        }
        for (command, sandbox) in [("apply p", "--sandbox"), ("undo r", "")] {
            let expected = RunOptions {
                sandbox: !sandbox.is_empty(),
                examples: Some(3),
                allow_delete: Some(7),
                ..run()
            };
            let options = [SHARED, STATE, RUN, SAFETY, sandbox];
            assert_eq!(parsed(command, &options), (all.clone(), expected));
        }
        let expected = (sorted(&[OF_SHARED, OF_STATE, OF_RUN]), run());
        assert_eq!(parsed("resume", &[SHARED, STATE, RUN]), expected);
    }

    #[test]
    fn every_option_of_the_other_commands_arrives() {
        let shared = sorted(&[OF_SHARED, OF_STATE]);
        let mut expected = RunOptions {
            sandbox: true,
            state_dir: Some("s".into()),
            ..RunOptions::default()
        };
        for command in ["export", "probe"] {
            let found = parsed(command, &[SHARED, STATE, "--sandbox"]);
            assert_eq!(found, (shared.clone(), expected.clone()), "{command}");
        }
        expected.limit = Some(7);
        expected.examples = Some(0);
        let options = [SHARED, STATE, "--sandbox --limit 7 --examples 0"];
        assert_eq!(parsed("check", &options), (shared, expected));
    }

    #[test]
    fn config_shows_what_the_options_of_a_run_override() {
        let expected = RunOptions {
            state_dir: Some("s".into()),
            allow_delete: Some(7),
            ..RunOptions::default()
        };
        let found = parsed("config --show", &[SHARED, STATE, SAFETY]);
        let values = sorted(&[OF_SHARED, OF_STATE, OF_SAFETY]);
        assert_eq!(found, (values, expected));
    }

    /// What an option sets is a key of the config, which takes its value, and the option exists.
    #[test]
    fn every_override_names_an_option_and_a_key() {
        let options = [
            "--base-url http://localhost --account a --requests-per-minute 6 --concurrency 3",
            STATE,
            RUN,
            SAFETY,
        ];
        let overrides = parse("sync i", &options);
        let mut program = Args::command();
        program.build();
        let sync = program.find_subcommand("sync").unwrap();
        for set in &overrides.values {
            let mut options = sync.get_arguments().filter_map(clap::Arg::get_long);
            let name = set.option.strip_prefix("--");
            assert!(options.any(|long| Some(long) == name), "{}", set.option);
            let (section, key) = set.key.split_once('.').unwrap();
            let found = KNOWN_KEYS.iter().find(|known| known.name == section);
            let Some(SectionKeys::Named(keys)) = found.map(|section| section.keys) else {
                panic!("{}", set.key);
            };
            assert!(keys.contains(&key), "{}", set.key);
        }
        let folder = tempfile::tempdir().unwrap();
        let settings = load(folder.path(), &overrides).unwrap().settings;
        assert_eq!(settings.output.folder, Some("o".into()));
        assert_eq!(settings.safety.allow_delete, Some(7));
    }

    #[test]
    fn a_limit_beyond_all_numbers_of_toml_is_the_highest() {
        let overrides = parse("sync i", &["--max-creates 18446744073709551615"]);
        let folder = tempfile::tempdir().unwrap();
        let settings = load(folder.path(), &overrides).unwrap().settings;
        assert_eq!(settings.safety.max_creates, i64::MAX.unsigned_abs());
    }

    #[test]
    fn a_flag_overrides_the_config_file() {
        let folder = tempfile::tempdir().unwrap();
        let config = "[limits]\nrequests_per_minute = 60\nconcurrency = 2\n";
        fs::write(folder.path().join("hcsync.toml"), config).unwrap();
        let overrides = parse("sync i", &["--concurrency 3"]);
        let limits = load(folder.path(), &overrides).unwrap().settings.limits;
        assert_eq!((limits.requests_per_minute, limits.concurrency), (60, 3));
    }
}
