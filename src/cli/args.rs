//! The command line. Of the crate it imports only the settings that its options override: each group of options applies itself.
//!
//! Every option has an environment variable `HCSYNC_<OPTION>`. The API key has no option, since other processes can see
//! a command line. A command flattens the groups of options that it uses and no others.

mod account_commands;
mod account_options;
mod commands;
mod fleet_args;
mod forget_args;
mod installation_args;
mod local_commands;
mod option_group;
mod options;
mod output_options;
mod report_options;
mod state_args;
mod undo_args;
mod values;
mod why_args;

pub use account_commands::{CheckArgs, ExportArgs, ProbeArgs, ShowConfigArgs};
pub use account_options::{AccountArgs, ConfigArgs, ConnectionArgs, SandboxArg, StateArgs};
pub use commands::{ApplyArgs, PlanArgs, PlanningArgs, ResumeArgs, SameAccountArg, SyncArgs};
pub use fleet_args::{FleetArgs, FleetCheckArgs, FleetCommand, FleetStatusArgs};
pub use forget_args::ForgetArgs;
pub use installation_args::{CompletionsArgs, ManArgs};
pub use local_commands::{
    DemoArgs, HistoryArgs, InitArgs, NotifyArgs, RunsArgs, SandboxArgs, ShowArgs, StatusArgs,
};
pub use option_group::overrides_of;
pub use options::{
    AskArgs, BudgetArgs, CanaryArgs, DecisionsArg, ExamplesArgs, ReadingArgs, RowsArgs, SafetyArgs,
};
pub use output_options::{ConsoleArgs, LogArgs, OutputArgs, PlainConsoleArgs, ProgressArgs};
pub use report_options::{ChangesArg, PageArgs, ReportArgs, ResultsArg};
pub use state_args::{MigrateArgs, StateCommand, StateCommandArgs};
pub use undo_args::UndoArgs;
pub use values::{LogFormat, OutputFormat, PageValues, Setting, When};
pub use why_args::WhyArgs;

use clap::{Parser, Subcommand};

const AFTER_HELP: &str = "\
Getting started:
  hcsync demo                               see a sync of built-in data
  hcsync sync --sandbox customers.csv       try yours without an account
  hcsync init customers.csv -o hcsync.toml  propose a config from the columns
  hcsync check customers.csv                find what is wrong, write nothing
  hcsync sync --dry-run customers.csv       see the whole plan, write nothing
  hcsync sync customers.csv                 plan, ask, apply

The API key is read from HELPCRUNCH_API_KEY, from the file that api.key_file
names, or from the service manager's credential directory. Every option can be
set as HCSYNC_<OPTION>. Flags override environment variables, which override the
config file.

Exit codes: 0 done, 1 not finished, 2 usage, config or no consent, 3 some rows
were rejected or failed, 4 refused by a safety limit, 5 another run is active,
6 changes (plan --detailed-exitcode), 7 stopped by a budget, 130/143 interrupted.";

/// Brings customer data into HelpCrunch in bulk: plan, preview, apply, resume.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "hcsync",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    subcommand_required = true,
    max_term_width = 100,
    after_help = AFTER_HELP
)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

/// The commands. Help, completions and man pages are generated from the variants.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    Sync(Box<SyncArgs>),
    Plan(Box<PlanArgs>),
    Show(ShowArgs),
    Apply(Box<ApplyArgs>),
    Resume(Box<ResumeArgs>),
    Undo(Box<UndoArgs>),
    Why(WhyArgs),
    Forget(Box<ForgetArgs>),
    Runs(RunsArgs),
    Status(StatusArgs),
    History(HistoryArgs),
    Fleet(FleetArgs),
    Export(Box<ExportArgs>),
    Probe(Box<ProbeArgs>),
    Check(Box<CheckArgs>),
    Init(InitArgs),
    Sandbox(SandboxArgs),
    Demo(DemoArgs),
    Notify(NotifyArgs),
    Config(Box<ShowConfigArgs>),
    State(StateCommandArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

#[cfg(test)]
mod tests {
    use clap::{Command as Clap, CommandFactory};

    use super::*;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        let words = std::iter::once("hcsync").chain(line.split_whitespace());
        Args::try_parse_from(words).map(|args| args.command)
    }

    fn refusal(line: &str) -> String {
        parse(line).unwrap_err().to_string()
    }

    fn commands() -> Vec<Clap> {
        let mut program = Args::command();
        program.build();
        let mut commands = Vec::new();
        for command in program.get_subcommands().filter(|c| c.get_name() != "help") {
            commands.push(command.clone());
            commands.extend(command.get_subcommands().cloned());
        }
        commands
    }

    /// As it is typed, without the program.
    fn name(command: &Clap) -> String {
        let name = command.get_bin_name().unwrap_or_default();
        name.trim_start_matches("hcsync ").to_owned()
    }

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn all_commands_exist() {
        let names: Vec<_> = commands().iter().map(name).collect();
        assert_eq!(
            names.join(" "),
            "sync plan show apply resume undo why forget runs status history fleet fleet check fleet status export probe check init sandbox demo notify config state state migrate completions man"
        );
    }

    #[test]
    fn every_command_has_a_summary_and_an_example_that_parses() {
        for mut command in commands() {
            let name = name(&command);
            let help = command.render_long_help().to_string();
            assert!(command.get_about().is_some(), "{name}");
            let examples: Vec<_> = help
                .lines()
                .filter_map(|line| line.trim_start().strip_prefix("hcsync "))
                .collect();
            assert!(!examples.is_empty(), "{name}: {help}");
            for example in examples {
                let line = example.split("  ").next().unwrap_or_default();
                let line = line.split(" > ").next().unwrap_or_default();
                let line = line.replace("\"$APPROVED\"", &"0".repeat(64));
                assert!(parse(&line).is_ok(), "{line}");
            }
        }
    }

    #[test]
    fn a_command_has_its_own_summary_and_not_that_of_an_option_group() {
        for command in commands() {
            let about = command.get_about().unwrap().to_string();
            let expected = match name(&command).as_str() {
                "sync" => "Plans the whole input",
                "plan" => "Shows what a sync would do",
                "show" => "Shows a saved plan",
                "apply" => "Applies a saved plan",
                "resume" => "Resumes an",
                "undo" => "Takes a run back",
                "why" => "Shows what runs did",
                "forget" => "Erases people",
                "runs" => "Lists runs",
                "status" => "Shows each account",
                "state" => "Looks after the database",
                "state migrate" => "Creates the tables",
                "history" => "Shows the runs",
                "fleet" => "Looks after many accounts",
                "fleet status" => "Shows all accounts",
                "fleet check" => "Validates all configs of a folder",
                "export" => "Exports all customers",
                "probe" => "Finds out how",
                "check" => "Validates config",
                "init" => "Proposes a config",
                "sandbox" => "Serves a local",
                "demo" => "Runs the built-in sample",
                "notify" => "Sends a test",
                "config" => "Prints the schema",
                "completions" => "Prints shell completions",
                "man" => "Prints the man pages",
                other => panic!("{other}"),
            };
            assert!(about.starts_with(expected), "{about}");
        }
    }

    #[test]
    fn every_option_has_its_variable() {
        for command in commands() {
            for option in command.get_opts().chain(command.get_arguments()) {
                let Some(long) = option
                    .get_long()
                    .filter(|l| !["help", "version"].contains(l))
                else {
                    continue;
                };
                let variable = format!("HCSYNC_{}", long.replace('-', "_").to_uppercase());
                let found = option.get_env().map(|v| v.to_string_lossy().into_owned());
                assert_eq!(found, Some(variable), "{} --{long}", command.get_name());
            }
        }
    }

    #[test]
    fn no_option_takes_the_api_key() {
        for command in commands() {
            for option in command.get_arguments().filter_map(|a| a.get_long()) {
                let key = option.contains("key") || option.contains("token");
                assert!(!key || option == "refuse-key", "--{option}");
            }
        }
    }

    #[test]
    fn every_option_has_a_help_and_a_heading() {
        for command in commands() {
            for option in command.get_arguments().filter(|a| a.get_long().is_some()) {
                assert!(option.get_help().is_some(), "{option}");
            }
        }
        let sync = commands()
            .into_iter()
            .next()
            .unwrap()
            .render_help()
            .to_string();
        for heading in [
            "Connection:",
            "Config and state:",
            "Limits of this run:",
            "Reports:",
            "Output:",
            "Asking:",
        ] {
            assert!(sync.contains(heading), "{heading}: {sync}");
        }
    }

    #[test]
    fn only_sync_plan_and_those_that_read_input_take_a_row_limit() {
        for (command, fits) in [
            ("sync a", true),
            ("plan a", true),
            ("check a", true),
            ("apply a", false),
            ("runs", false),
        ] {
            assert_eq!(
                parse(&format!("{command} --limit 5")).is_ok(),
                fits,
                "{command}"
            );
        }
    }

    #[test]
    fn options_of_sync_arrive() {
        let line = "sync -n a.csv - -c x.toml --state-dir s --base-url http://127.0.0.1:1 --account prod \
                    --requests-per-minute 0 --concurrency 8 --limit 5 --max-requests 100 --max-duration 1h30m \
                    --max-change-percent 80 --max-clear-percent 0 --min-match-percent 1.5 --max-creates 7 --yes \
                    --results r.csv --rejected j.csv --changes c.jsonl --summary s.json --examples 0 \
                    --output json --progress never --log-format json -vv --color always";
        let Command::Sync(sync) = parse(line).unwrap() else {
            panic!("not a sync")
        };
        assert_eq!(sync.inputs, ["a.csv", "-"].map(std::path::PathBuf::from));
        assert!(
            sync.dry_run && sync.ask.yes && !sync.ask.confirm && !sync.planning.sandbox.sandbox
        );
        assert_eq!(
            sync.planning.account.connection.requests_per_minute,
            Some(0)
        );
        assert_eq!(sync.planning.account.connection.concurrency, Some(8));
        assert_eq!(
            sync.planning.account.connection.account.as_deref(),
            Some("prod")
        );
        assert_eq!(sync.planning.rows.limit, Some(5));
        assert_eq!(
            sync.planning.budget.max_duration.map(|d| d.as_secs()),
            Some(5_400)
        );
        assert_eq!(sync.planning.safety.max_change_percent, Some(80.0));
        assert_eq!(sync.planning.safety.max_clear_percent, Some(0.0));
        assert_eq!(sync.planning.safety.min_match_percent, Some(1.5));
        assert_eq!(sync.planning.safety.max_creates, Some(7));
        assert_eq!(sync.planning.examples.examples, 0);
        assert_eq!(
            (sync.console.output.output, sync.console.progress.progress),
            (OutputFormat::Json, When::Never)
        );
        assert_eq!(
            (sync.console.log.verbose, sync.console.log.log_format),
            (2, LogFormat::Json)
        );
        assert_eq!(sync.console.log.color, When::Always);
        assert!(
            sync.planning.report.changes.changes.is_some()
                && sync.planning.report.summary.is_some()
        );
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let Command::Sync(sync) = parse("sync a.csv").unwrap() else {
            panic!("not a sync")
        };
        assert_eq!(sync.planning.examples.examples, 3);
        assert_eq!(
            (sync.console.output.output, sync.console.progress.progress),
            (OutputFormat::Text, When::Auto)
        );
        assert_eq!(sync.planning.account.connection.requests_per_minute, None);
        let Command::Sandbox(sandbox) = parse("sandbox").unwrap() else {
            panic!("not a sandbox")
        };
        assert_eq!(sandbox.listen.to_string(), "127.0.0.1:0");
        assert_eq!(sandbox.requests_per_minute, 120);
    }

    #[test]
    fn switches_of_the_sandbox_add_up() {
        let line = "sandbox --set a=1 --set b=x,y;c=2 --refuse-key k --seed 7 --faults f.toml --customers c.jsonl";
        let Command::Sandbox(sandbox) = parse(line).unwrap() else {
            panic!("not a sandbox")
        };
        let settings: Vec<_> = sandbox.settings.iter().map(ToString::to_string).collect();
        assert_eq!(settings, ["a=1", "b=x,y", "c=2"]);
        assert_eq!(
            (sandbox.seed, sandbox.refuse_key.as_deref()),
            (7, Some("k"))
        );
    }

    #[test]
    fn mistyped_commands_and_options_are_answered_with_the_nearest() {
        assert!(refusal("snyc a.csv").contains("'sync'"));
        assert!(refusal("sync a.csv --concurency 3").contains("--concurrency"));
        assert!(refusal("plan a.csv --detailed-exit-code").contains("--detailed-exitcode"));
    }

    #[test]
    fn wrong_values_are_answered_with_what_is_expected() {
        assert!(refusal("sync a.csv --max-duration 30").contains("1h30m"));
        assert!(refusal("runs --prune old").contains("7d"));
        assert!(refusal("sync a.csv --concurrency 0").contains("1..=64"));
        assert!(refusal("sync a.csv --results out.xlsx").contains(".jsonl"));
        assert!(refusal("sync a.csv --max-change-percent 101").contains("0 to 100"));
        assert!(refusal("apply p --digest abc").contains("64 hexadecimal"));
    }

    #[test]
    fn no_option_conflicts_with_another_whose_variable_may_be_set() {
        for line in [
            "sync a --yes --confirm",
            "sync a --sandbox --base-url http://127.0.0.1",
            "plan a --sandbox --remote-file r",
        ] {
            assert!(parse(line).is_ok(), "{line}");
        }
        let Command::Sync(sync) = parse("sync a -vv -q").unwrap() else {
            panic!("not a sync")
        };
        assert_eq!(sync.console.log.verbosity(), 1);
    }
}
