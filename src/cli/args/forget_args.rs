use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::account_options::AccountArgs;
use super::options::AskArgs;
use super::output_options::PlainConsoleArgs;

/// Erases people from all that hcsync keeps
///
/// Their rows are erased from the files of runs, where only number and outcome of each stay, and from the snapshots. Inputs,
/// and reports that were written elsewhere, are yours to erase.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync forget --email ann@example.com
  hcsync forget --list leavers.txt                an address on each line
  hcsync forget --email ann@example.com --remote  delete the customer, too")]
pub struct ForgetArgs {
    /// E-mail address of a person; may be given several times
    #[arg(
        long,
        value_name = "ADDRESS",
        required_unless_present = "list",
        env = "HCSYNC_EMAIL"
    )]
    pub email: Vec<String>,

    /// File with an e-mail address on each line
    #[arg(long, value_name = "FILE", env = "HCSYNC_LIST")]
    pub list: Option<PathBuf>,

    /// Also delete these customers, with their chats, in HelpCrunch
    #[arg(long, env = "HCSYNC_REMOTE", value_parser = BoolishValueParser::new())]
    pub remote: bool,

    #[command(flatten)]
    pub account: AccountArgs,
    #[command(flatten)]
    pub ask: AskArgs,
    #[command(flatten)]
    pub console: PlainConsoleArgs,
}
