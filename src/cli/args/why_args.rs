use clap::Args;
use clap::builder::BoolishValueParser;

use super::account_options::AccountArgs;
use super::commands::SameAccountArg;
use super::output_options::PlainConsoleArgs;

/// Shows what runs did with a row or customer, and why
///
/// Runs keep no record of rows that were unchanged or skipped. Dry runs are shown only with --run. The output shows values.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync why ann@example.com
  hcsync why u-1017 --output json
  hcsync why u-1017 --now                         also what would happen today
  hcsync why 12 --run 20261120T031244Z-k3f9       row 12 of that run")]
pub struct WhyArgs {
    /// A userId, an e-mail address or a customer's id; with --run also the number of a row
    #[arg(value_name = "KEY|ROW|ID")]
    pub query: String,

    /// Only this run
    #[arg(long, value_name = "RUN", env = "HCSYNC_RUN")]
    pub run: Option<String>,

    /// Also read the customer, and say what the newest row that is known would do today; nothing is written
    #[arg(long, env = "HCSYNC_NOW", value_parser = BoolishValueParser::new())]
    pub now: bool,

    #[command(flatten)]
    pub same_account: SameAccountArg,
    #[command(flatten)]
    pub account: AccountArgs,
    #[command(flatten)]
    pub console: PlainConsoleArgs,
}
