//! From the options of a command to what goes before its config file.

use crate::config::Overrides;

use super::args::{
    ApplyArgs, BudgetArgs, CheckArgs, ConfigArgs, ConnectionArgs, DecisionsArg, ExamplesArgs,
    ExportArgs, PlanArgs, ProbeArgs, ReadingArgs, ReportArgs, ResumeArgs, RowsArgs, SafetyArgs,
    SandboxArg, StateArgs, SyncArgs,
};

/// A group of options that has a say in the settings.
trait OptionGroup {
    fn add_to(&self, overrides: &mut Overrides);
}

fn overrides(groups: &[&dyn OptionGroup]) -> Overrides {
    let mut overrides = Overrides::default();
    for group in groups {
        group.add_to(&mut overrides);
    }
    overrides
}

impl From<&SyncArgs> for Overrides {
    fn from(args: &SyncArgs) -> Self {
        overrides(&[
            &args.config,
            &args.state,
            &args.connection,
            &args.sandbox,
            &args.decisions,
            &args.rows,
            &args.reading,
            &args.budget,
            &args.safety,
            &args.report,
            &args.examples,
        ])
    }
}

impl From<&PlanArgs> for Overrides {
    fn from(args: &PlanArgs) -> Self {
        overrides(&[
            &args.config,
            &args.state,
            &args.connection,
            &args.sandbox,
            &args.decisions,
            &args.rows,
            &args.reading,
            &args.budget,
            &args.safety,
            &args.report,
            &args.examples,
        ])
    }
}

impl From<&ApplyArgs> for Overrides {
    fn from(args: &ApplyArgs) -> Self {
        overrides(&[
            &args.config,
            &args.state,
            &args.connection,
            &args.sandbox,
            &args.budget,
            &args.safety,
            &args.report,
            &args.examples,
        ])
    }
}

impl From<&ResumeArgs> for Overrides {
    fn from(args: &ResumeArgs) -> Self {
        overrides(&[
            &args.config,
            &args.state,
            &args.connection,
            &args.budget,
            &args.report,
        ])
    }
}

impl From<&ExportArgs> for Overrides {
    fn from(args: &ExportArgs) -> Self {
        overrides(&[&args.config, &args.state, &args.connection, &args.sandbox])
    }
}

impl From<&ProbeArgs> for Overrides {
    fn from(args: &ProbeArgs) -> Self {
        overrides(&[&args.config, &args.state, &args.connection, &args.sandbox])
    }
}

impl From<&CheckArgs> for Overrides {
    fn from(args: &CheckArgs) -> Self {
        overrides(&[
            &args.config,
            &args.state,
            &args.connection,
            &args.sandbox,
            &args.rows,
            &args.examples,
        ])
    }
}

impl OptionGroup for ConfigArgs {
    fn add_to(&self, overrides: &mut Overrides) {
        let Self { config } = self;
        overrides.config.clone_from(config);
    }
}

impl OptionGroup for StateArgs {
    fn add_to(&self, overrides: &mut Overrides) {
        let Self { state_dir } = self;
        overrides.run.state_dir.clone_from(state_dir);
    }
}

impl OptionGroup for ConnectionArgs {
    fn add_to(&self, overrides: &mut Overrides) {
        let Self {
            base_url,
            account,
            requests_per_minute,
            concurrency,
        } = self;
        overrides.base_url.clone_from(base_url);
        overrides.account.clone_from(account);
        overrides.requests_per_minute = *requests_per_minute;
        overrides.concurrency = *concurrency;
    }
}

impl OptionGroup for SandboxArg {
    fn add_to(&self, overrides: &mut Overrides) {
        let Self { sandbox } = self;
        overrides.run.sandbox = *sandbox;
    }
}

impl OptionGroup for DecisionsArg {
    fn add_to(&self, overrides: &mut Overrides) {
        let Self { decisions } = self;
        overrides.run.decisions.clone_from(decisions);
    }
}

impl OptionGroup for RowsArgs {
    fn add_to(&self, overrides: &mut Overrides) {
        let Self { limit } = self;
        overrides.run.limit = *limit;
    }
}

impl OptionGroup for BudgetArgs {
    fn add_to(&self, overrides: &mut Overrides) {
        let Self {
            max_requests,
            max_duration,
        } = self;
        overrides.run.max_requests = *max_requests;
        overrides.run.max_duration = *max_duration;
    }
}

impl OptionGroup for SafetyArgs {
    fn add_to(&self, overrides: &mut Overrides) {
        let Self {
            max_change_percent,
            max_clear_percent,
            min_match_percent,
            max_creates,
        } = self;
        overrides.max_change_percent = *max_change_percent;
        overrides.max_clear_percent = *max_clear_percent;
        overrides.min_match_percent = *min_match_percent;
        overrides.max_creates = *max_creates;
    }
}

impl OptionGroup for ReportArgs {
    fn add_to(&self, overrides: &mut Overrides) {
        let Self {
            results,
            rejected,
            changes,
            summary,
        } = self;
        let run = &mut overrides.run;
        run.results.clone_from(&results.results);
        run.rejected.clone_from(rejected);
        run.changes.clone_from(&changes.changes);
        run.summary.clone_from(summary);
    }
}

impl OptionGroup for ReadingArgs {
    fn add_to(&self, overrides: &mut Overrides) {
        let Self { refresh, explain } = self;
        overrides.run.refresh = *refresh;
        overrides.run.explain = *explain;
    }
}

impl OptionGroup for ExamplesArgs {
    fn add_to(&self, overrides: &mut Overrides) {
        let Self { examples } = self;
        overrides.run.examples = Some(*examples);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use clap::Parser as _;

    use crate::config::{RunOptions, load};

    use super::super::args::{Args, Command};
    use super::*;

    const SHARED: &str =
        "-c c.toml --base-url http://localhost --account a --requests-per-minute 6 --concurrency 3";
    const STATE: &str = "--state-dir s";
    const RUN: &str = "--max-requests 8 --max-duration 2h --results r.csv --rejected j --changes c.csv --summary s.json";
    const SAFETY: &str =
        "--max-change-percent 1 --max-clear-percent 2 --min-match-percent 3 --max-creates 4";

    fn parse(command: &str, options: &[&str]) -> Overrides {
        let line = format!("hcsync {command} {}", options.join(" "));
        match Args::try_parse_from(line.split_whitespace())
            .unwrap()
            .command
        {
            Command::Sync(args) => (&*args).into(),
            Command::Plan(args) => (&*args).into(),
            Command::Apply(args) => (&*args).into(),
            Command::Resume(args) => (&*args).into(),
            Command::Export(args) => (&*args).into(),
            Command::Probe(args) => (&*args).into(),
            Command::Check(args) => (&*args).into(),
            other => panic!("no settings: {other:?}"),
        }
    }

    fn shared() -> Overrides {
        Overrides {
            config: Some("c.toml".into()),
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
                "--limit 7 --sandbox --examples 0 --refresh --explain",
            ];
            let mut expected = safety(shared());
            expected.run = RunOptions {
                sandbox: true,
                limit: Some(7),
                refresh: true,
                explain: true,
                examples: Some(0),
                ..run()
            };
            assert_eq!(parse(command, &options), expected, "{command}");
        }
        let mut expected = safety(shared());
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
    fn a_flag_goes_before_the_config_file() {
        let folder = tempfile::tempdir().unwrap();
        let config = "[limits]\nrequests_per_minute = 60\nconcurrency = 2\n";
        fs::write(folder.path().join("hcsync.toml"), config).unwrap();
        let overrides = parse("sync i", &["--concurrency 3"]);
        let limits = load(folder.path(), &overrides).unwrap().settings.limits;
        assert_eq!((limits.requests_per_minute, limits.concurrency), (60, 3));
    }
}
