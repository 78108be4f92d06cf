//! The commands that export, probe or check an account, and the one that shows the config.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::account_options::{AccountArgs, SandboxArg};
use super::option_group::overrides_of;
use super::options::{AskArgs, ExamplesArgs, RowsArgs, SafetyArgs};
use super::output_options::{ConsoleArgs, PlainConsoleArgs};
use super::values;
use crate::config::Overrides;

/// Exports all customers, as JSONL or as CSV that `sync` can read
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync export > customers.jsonl
  hcsync export -o customers.csv                  syncing it back changes nothing
  hcsync export --email ann@example.com           what HelpCrunch holds about one person")]
pub struct ExportArgs {
    /// File to write, .jsonl or .csv by its ending [default: JSONL to standard output]
    #[arg(short, long, value_name = "FILE", env = "HCSYNC_OUT", value_parser = values::table_file)]
    pub out: Option<PathBuf>,

    /// Only customers with this e-mail address
    #[arg(long, value_name = "ADDRESS", env = "HCSYNC_EMAIL")]
    pub email: Option<String>,

    #[command(flatten)]
    pub account: AccountArgs,
    #[command(flatten)]
    pub sandbox: SandboxArg,
    #[command(flatten)]
    pub console: ConsoleArgs,
}

impl ExportArgs {
    /// What its options say.
    pub fn overrides(&self) -> Overrides {
        overrides_of(&[&self.account, &self.sandbox])
    }
}

/// Finds out how this account's API behaves where that is not documented
///
/// It creates one customer and deletes it again. The findings are saved for the account and make later runs cheaper.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync probe
  hcsync probe --show                             the saved findings, without the API")]
pub struct ProbeArgs {
    /// Show the saved findings, and send nothing
    #[arg(long, env = "HCSYNC_SHOW", value_parser = BoolishValueParser::new())]
    pub show: bool,

    #[command(flatten)]
    pub account: AccountArgs,
    #[command(flatten)]
    pub sandbox: SandboxArg,
    #[command(flatten)]
    pub ask: AskArgs,
    #[command(flatten)]
    pub console: PlainConsoleArgs,
}

impl ProbeArgs {
    /// What its options say.
    pub fn overrides(&self) -> Overrides {
        overrides_of(&[&self.account, &self.sandbox])
    }
}

/// Validates config, input and, if there is one, the key, without writing anything
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync check                                    config and key
  hcsync check customers.csv                      and every row of the input
  hcsync check -c staging.toml customers.csv")]
pub struct CheckArgs {
    /// Files to read; `-` for standard input [default: input.files, or what input.command prints]
    #[arg(value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,

    #[command(flatten)]
    pub account: AccountArgs,
    #[command(flatten)]
    pub sandbox: SandboxArg,
    #[command(flatten)]
    pub rows: RowsArgs,
    #[command(flatten)]
    pub examples: ExamplesArgs,
    #[command(flatten)]
    pub console: PlainConsoleArgs,
}

impl CheckArgs {
    /// What its options say.
    pub fn overrides(&self) -> Overrides {
        overrides_of(&[&self.account, &self.sandbox, &self.rows, &self.examples])
    }
}

/// Prints the schema of the config, an example with every key, or the values that hold
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync config --show                            values that hold, and where each comes from
  hcsync config --example > hcsync.toml           every key with its default
  hcsync config --schema > config.schema.json     for editors")]
pub struct ShowConfigArgs {
    /// Print the JSON Schema of the config
    #[arg(long, env = "HCSYNC_SCHEMA", value_parser = BoolishValueParser::new())]
    pub schema: bool,

    /// Print a config with every key, its default and a comment
    #[arg(long, env = "HCSYNC_EXAMPLE", value_parser = BoolishValueParser::new())]
    pub example: bool,

    /// Print the values that hold, and where each comes from
    #[arg(long, env = "HCSYNC_SHOW", value_parser = BoolishValueParser::new())]
    pub show: bool,

    #[command(flatten)]
    pub account: AccountArgs,
    #[command(flatten)]
    pub safety: SafetyArgs,
    #[command(flatten)]
    pub console: PlainConsoleArgs,
}

impl ShowConfigArgs {
    /// What its options say.
    pub fn overrides(&self) -> Overrides {
        overrides_of(&[&self.account, &self.safety])
    }
}
