//! What is written to standard output and to the log, and how progress is shown.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};
use serde::{Deserialize, Serialize};

use super::values::{self, LogFormat, OutputFormat, When};

/// What a command that shows its progress writes to the terminal.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
pub struct ConsoleArgs {
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub progress: ProgressArgs,
    #[command(flatten)]
    pub log: LogArgs,
}

/// The same without progress.
#[derive(Debug, Clone, Default, Args)]
pub struct PlainConsoleArgs {
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub log: LogArgs,
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// What goes to standard output
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        env = "HCSYNC_OUTPUT",
        default_value_t
    )]
    pub output: OutputFormat,
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Output")]
pub struct ProgressArgs {
    /// Show a progress bar; off a terminal, lines go to the log, with `always` to standard error
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        env = "HCSYNC_PROGRESS",
        default_value_t
    )]
    pub progress: When,

    /// Time between two lines of progress where there is no bar [default: 60s]
    #[arg(long, value_name = "TIME", env = "HCSYNC_PROGRESS_INTERVAL", value_parser = values::duration)]
    pub progress_interval: Option<Duration>,
}

// Logs go to standard error and never contain a value of a customer.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Output")]
pub struct LogArgs {
    /// How log lines are written
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        env = "HCSYNC_LOG_FORMAT",
        default_value_t
    )]
    pub log_format: LogFormat,

    /// Also write what standard error says to this file; at 10 MB it is renamed to FILE.1, up to FILE.5
    #[arg(long, value_name = "FILE", env = "HCSYNC_LOG_FILE")]
    pub log_file: Option<PathBuf>,

    /// Log more; twice: each request
    #[arg(short, long, action = ArgAction::Count, env = "HCSYNC_VERBOSE")]
    pub verbose: u8,

    /// Log less; twice: errors only; cancels a --verbose
    #[arg(short, long, action = ArgAction::Count, env = "HCSYNC_QUIET")]
    pub quiet: u8,

    /// Colour; NO_COLOR is honoured
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        env = "HCSYNC_COLOR",
        default_value_t
    )]
    pub color: When,
}

impl LogArgs {
    /// The log level relative to the default: +1 for each `-v`, -1 for each `-q`.
    #[must_use]
    pub fn verbosity(&self) -> i16 {
        i16::from(self.verbose) - i16::from(self.quiet)
    }
}
