//! The commands about many accounts.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::account_options::{ConfigArgs, StateArgs};
use super::output_options::PlainConsoleArgs;

/// Looks after many accounts, each with its config in one folder
///
/// `sync --config-dir DIR --index N` syncs one of them.
#[derive(Debug, Clone, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
Example:
  hcsync fleet check accounts/                    are all configs valid, and how long is the night?
  hcsync fleet status                             who fails, and since when?"
)]
pub struct FleetArgs {
    #[command(subcommand)]
    pub command: FleetCommand,
}

#[derive(Debug, Clone, Subcommand)]
pub enum FleetCommand {
    Check(FleetCheckArgs),
    Status(FleetStatusArgs),
}

/// Validates all configs of a folder and their inputs, and computes how long a night of syncs takes
///
/// It sends nothing to HelpCrunch. The time is that of each account's last finished run, if this state directory knows one, else an upper
/// bound. Configs for one account take turns, so that the longest such chain is the length of the night.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync fleet check accounts/
  hcsync fleet check accounts/ --output json")]
pub struct FleetCheckArgs {
    /// Folder of configs (*.toml), one for each account
    #[arg(value_name = "CONFIG_DIR")]
    pub config_dir: PathBuf,

    #[command(flatten)]
    pub state: StateArgs,
    #[command(flatten)]
    pub console: PlainConsoleArgs,
}

/// Shows all accounts of a state database: who works on each, how its last run ended, and when it was last right
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync fleet status --state-url postgres://hcsync@db/hcsync
  hcsync fleet status --state-url postgres://hcsync@db/hcsync --output json
  hcsync fleet status --state-url postgres://hcsync@db/hcsync --out fleet.html")]
pub struct FleetStatusArgs {
    /// Write the history of all accounts as a page, FILE.html
    #[arg(short, long, value_name = "FILE", env = "HCSYNC_OUT")]
    pub out: Option<PathBuf>,

    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub state: StateArgs,
    #[command(flatten)]
    pub console: PlainConsoleArgs,
}
