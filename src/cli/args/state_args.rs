//! The commands about the state database.

use clap::{Args, Subcommand};

use super::account_options::{ConfigArgs, StateArgs};
use super::output_options::PlainConsoleArgs;

/// Looks after the database that keeps the state of several machines
#[derive(Debug, Clone, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
Example:
  hcsync state migrate --state-url postgres://admin@db/hcsync"
)]
pub struct StateCommandArgs {
    #[command(subcommand)]
    pub command: StateCommand,
}

#[derive(Debug, Clone, Subcommand)]
pub enum StateCommand {
    Migrate(MigrateArgs),
}

/// Creates the tables of the state database, or updates them to this version
///
/// Every command does so by itself where its user may; this one is for databases where only an administrator may.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Example:
  hcsync state migrate --state-url postgres://admin@db/hcsync")]
pub struct MigrateArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub state: StateArgs,
    #[command(flatten)]
    pub console: PlainConsoleArgs,
}
