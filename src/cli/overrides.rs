//! The options of each command as overrides of its config file.

use crate::config::Overrides;

use super::args::{
    ApplyArgs, BudgetArgs, CheckArgs, ConfigArgs, ConnectionArgs, ExportArgs, FleetStatusArgs,
    ForgetArgs, MigrateArgs, PlanningArgs, ProbeArgs, ReadingArgs, ReportArgs, ResumeArgs,
    SafetyArgs, SandboxArg, ShowConfigArgs, StateArgs, UndoArgs, WhyArgs,
};

impl From<&PlanningArgs> for Overrides {
    fn from(args: &PlanningArgs) -> Self {
        let mut overrides = of_account(&args.config, &args.state, &args.connection);
        add_sandbox(&mut overrides, &args.sandbox);
        overrides
            .run
            .decisions
            .clone_from(&args.decisions.decisions);
        overrides.run.limit = args.rows.limit;
        overrides.run.examples = Some(args.examples.examples);
        add_reading(&mut overrides, &args.reading);
        add_budget(&mut overrides, &args.budget);
        add_safety(&mut overrides, &args.safety);
        add_reports(&mut overrides, &args.report);
        overrides
    }
}

impl From<&ConfigArgs> for Overrides {
    fn from(args: &ConfigArgs) -> Self {
        let ConfigArgs {
            config,
            config_dir,
            index,
        } = args.clone();
        Self {
            config,
            config_dir,
            index,
            ..Self::default()
        }
    }
}

impl From<&ApplyArgs> for Overrides {
    fn from(args: &ApplyArgs) -> Self {
        let mut overrides = of_account(&args.config, &args.state, &args.connection);
        add_sandbox(&mut overrides, &args.sandbox);
        overrides.run.examples = Some(args.examples.examples);
        add_budget(&mut overrides, &args.budget);
        add_safety(&mut overrides, &args.safety);
        add_reports(&mut overrides, &args.report);
        overrides
    }
}

impl From<&UndoArgs> for Overrides {
    fn from(args: &UndoArgs) -> Self {
        Self::from(&args.to_apply(std::path::PathBuf::new()))
    }
}

impl From<&ResumeArgs> for Overrides {
    fn from(args: &ResumeArgs) -> Self {
        let mut overrides = of_account(&args.config, &args.state, &args.connection);
        add_budget(&mut overrides, &args.budget);
        add_reports(&mut overrides, &args.report);
        overrides
    }
}

impl From<&ExportArgs> for Overrides {
    fn from(args: &ExportArgs) -> Self {
        let mut overrides = of_account(&args.config, &args.state, &args.connection);
        add_sandbox(&mut overrides, &args.sandbox);
        overrides
    }
}

impl From<&ForgetArgs> for Overrides {
    fn from(args: &ForgetArgs) -> Self {
        of_account(&args.config, &args.state, &args.connection)
    }
}

impl From<&WhyArgs> for Overrides {
    fn from(args: &WhyArgs) -> Self {
        of_account(&args.config, &args.state, &args.connection)
    }
}

impl From<&ProbeArgs> for Overrides {
    fn from(args: &ProbeArgs) -> Self {
        let mut overrides = of_account(&args.config, &args.state, &args.connection);
        add_sandbox(&mut overrides, &args.sandbox);
        overrides
    }
}

impl From<&CheckArgs> for Overrides {
    fn from(args: &CheckArgs) -> Self {
        let mut overrides = of_account(&args.config, &args.state, &args.connection);
        add_sandbox(&mut overrides, &args.sandbox);
        overrides.run.limit = args.rows.limit;
        overrides.run.examples = Some(args.examples.examples);
        overrides
    }
}

impl From<&FleetStatusArgs> for Overrides {
    fn from(args: &FleetStatusArgs) -> Self {
        of_account(&args.config, &args.state, &ConnectionArgs::default())
    }
}

impl From<&MigrateArgs> for Overrides {
    fn from(args: &MigrateArgs) -> Self {
        of_account(&args.config, &args.state, &ConnectionArgs::default())
    }
}

impl From<&ShowConfigArgs> for Overrides {
    fn from(args: &ShowConfigArgs) -> Self {
        let mut overrides = of_account(&args.config, &args.state, &args.connection);
        add_safety(&mut overrides, &args.safety);
        overrides
    }
}

// Each of these names all fields of its group, so that the compiler finds an option that is forgotten here.

fn of_account(config: &ConfigArgs, state: &StateArgs, connection: &ConnectionArgs) -> Overrides {
    let ConnectionArgs {
        base_url,
        account,
        requests_per_minute,
        concurrency,
    } = connection.clone();
    let mut overrides = Overrides {
        base_url,
        account,
        requests_per_minute,
        concurrency,
        ..Overrides::from(config)
    };
    let StateArgs {
        state_dir,
        state_url,
        state_password_file,
    } = state.clone();
    overrides.run.state_dir = state_dir;
    overrides.state_url = state_url;
    overrides.state_password_file = state_password_file;
    overrides
}

fn add_sandbox(overrides: &mut Overrides, args: &SandboxArg) {
    let SandboxArg { sandbox, customers } = args.clone();
    overrides.run.sandbox = sandbox;
    overrides.run.customers = customers;
}

fn add_reading(overrides: &mut Overrides, args: &ReadingArgs) {
    let ReadingArgs {
        refresh,
        explain,
        memory_limit,
        force_fields,
    } = args;
    overrides.run.refresh = *refresh;
    overrides.run.explain = *explain;
    overrides.run.memory_limit = *memory_limit;
    overrides.run.force_fields.clone_from(force_fields);
}

fn add_budget(overrides: &mut Overrides, args: &BudgetArgs) {
    let BudgetArgs {
        max_requests,
        max_duration,
    } = args;
    overrides.run.max_requests = *max_requests;
    overrides.run.max_duration = *max_duration;
}

fn add_safety(overrides: &mut Overrides, args: &SafetyArgs) {
    let SafetyArgs {
        max_change_percent,
        max_clear_percent,
        min_match_percent,
        max_creates,
        max_rejected_percent,
        max_missing_percent,
        missing,
        allow_delete,
    } = args;
    overrides.max_change_percent = *max_change_percent;
    overrides.max_clear_percent = *max_clear_percent;
    overrides.min_match_percent = *min_match_percent;
    overrides.max_creates = *max_creates;
    overrides.max_rejected_percent = *max_rejected_percent;
    overrides.max_missing_percent = *max_missing_percent;
    overrides.missing = *missing;
    overrides.allow_delete = *allow_delete;
}

fn add_reports(overrides: &mut Overrides, args: &ReportArgs) {
    let ReportArgs {
        results,
        rejected,
        changes,
        summary,
        page,
        out_dir,
    } = args.clone();
    overrides.out_dir = out_dir;
    overrides.run.results = results.results;
    overrides.run.rejected = rejected;
    overrides.run.changes = changes.changes;
    overrides.run.summary = summary;
    overrides.run.page = page.report;
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use clap::Parser as _;

    use crate::config::{RunOptions, load};

    use super::super::args::{Args, Command};
    use super::*;

    const SHARED: &str = "-c c.toml --config-dir d --index 2 --base-url http://localhost --account a --requests-per-minute 6 --concurrency 3";
    const STATE: &str = "--state-dir s";
    const RUN: &str = "--max-requests 8 --max-duration 2h --results r.csv --rejected j --changes c.csv --summary s.json --out-dir o";
    const SAFETY: &str = "--max-change-percent 1 --max-clear-percent 2 --min-match-percent 3 --max-creates 4 --max-rejected-percent 5 --max-missing-percent 6 --missing tag --allow-delete 7";

    fn parse(command: &str, options: &[&str]) -> Overrides {
        let line = format!("hcsync {command} {}", options.join(" "));
        match Args::try_parse_from(line.split_whitespace())
            .unwrap()
            .command
        {
            Command::Sync(args) => (&args.planning).into(),
            Command::Plan(args) => (&args.planning).into(),
            Command::Apply(args) => (&*args).into(),
            Command::Resume(args) => (&*args).into(),
            Command::Export(args) => (&*args).into(),
            Command::Probe(args) => (&*args).into(),
            Command::Check(args) => (&*args).into(),
            Command::Config(args) => (&*args).into(),
            other => panic!("no settings: {other:?}"),
        }
    }

    fn shared() -> Overrides {
        Overrides {
            config: Some("c.toml".into()),
            config_dir: Some("d".into()),
            index: Some(2),
            base_url: Some("http://localhost".into()),
            account: Some("a".into()),
            requests_per_minute: Some(6),
            concurrency: Some(3),
            ..Overrides::default()
        }
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

    fn safety(overrides: Overrides) -> Overrides {
        Overrides {
            max_change_percent: Some(1.0),
            max_clear_percent: Some(2.0),
            min_match_percent: Some(3.0),
            max_creates: Some(4),
            max_rejected_percent: Some(5.0),
            max_missing_percent: Some(6.0),
            missing: Some(crate::plan::MissingAction::Tag),
            allow_delete: Some(7),
            ..overrides
        }
    }

    #[test]
    fn every_option_of_the_runs_arrives() {
        for command in ["sync i", "plan i"] {
            let options = [
                SHARED,
                STATE,
                RUN,
                SAFETY,
                "--limit 7 --sandbox --customers k.jsonl --examples 0 --refresh --explain --memory-limit 256MiB --force-field notes,email",
            ];
            let mut expected = safety(shared());
            expected.out_dir = Some("o".into());
            expected.run = RunOptions {
                sandbox: true,
                customers: Some("k.jsonl".into()),
                limit: Some(7),
                refresh: true,
                explain: true,
                memory_limit: Some(256 << 20),
                force_fields: vec!["notes".into(), "email".into()],
                examples: Some(0),
                ..run()
            };
            assert_eq!(parse(command, &options), expected, "{command}");
        }
        let mut expected = safety(shared());
        expected.out_dir = Some("o".into());
        expected.run = RunOptions {
            sandbox: true,
            examples: Some(3),
            ..run()
        };
        assert_eq!(
            parse("apply p", &[SHARED, STATE, RUN, SAFETY, "--sandbox"]),
            expected
        );
        let mut expected = shared();
        expected.out_dir = Some("o".into());
        expected.run = run();
        assert_eq!(parse("resume", &[SHARED, STATE, RUN]), expected);
    }

    #[test]
    fn every_option_of_the_other_commands_arrives() {
        for command in ["export", "probe"] {
            let mut expected = shared();
            expected.run.sandbox = true;
            expected.run.state_dir = Some("s".into());
            assert_eq!(
                parse(command, &[SHARED, STATE, "--sandbox"]),
                expected,
                "{command}"
            );
        }
        let mut expected = shared();
        expected.run.sandbox = true;
        expected.run.limit = Some(7);
        expected.run.examples = Some(0);
        let options = "--sandbox --limit 7 --examples 0";
        assert_eq!(parse("check", &[SHARED, options]), expected);
    }

    #[test]
    fn config_shows_what_the_options_of_a_run_override() {
        let mut expected = safety(shared());
        expected.run.state_dir = Some("s".into());
        assert_eq!(parse("config --show", &[SHARED, STATE, SAFETY]), expected);
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
