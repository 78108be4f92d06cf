//! Options that say which API is used, and how fast.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, value_parser};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// Address of the API [default: api.base_url, else HelpCrunch's own]
    #[arg(long, value_name = "URL", env = "HCSYNC_BASE_URL")]
    pub base_url: Option<String>,

    /// Your name for the account behind the key; state is kept under it [default: api.account]
    #[arg(long, value_name = "NAME", env = "HCSYNC_ACCOUNT")]
    pub account: Option<String>,

    /// Requests per minute, for the whole account [default: limits.requests_per_minute, else 120]
    ///
    /// 0 means no limit, and is accepted for a loopback host only.
    #[arg(long, value_name = "N", env = "HCSYNC_REQUESTS_PER_MINUTE")]
    pub requests_per_minute: Option<u32>,

    /// Requests in flight at the same time, 1 to 64 [default: limits.concurrency, else 4]
    #[arg(long, value_name = "N", env = "HCSYNC_CONCURRENCY", value_parser = value_parser!(u16).range(1..=64))]
    pub concurrency: Option<u16>,
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Connection")]
pub struct SandboxArg {
    /// Use an in-process sandbox with bundled customers instead of the real API; needs no key
    ///
    /// Overrides --base-url and --account. Allows 6000 requests per minute unless --requests-per-minute is given.
    #[arg(long, env = "HCSYNC_SANDBOX", value_parser = BoolishValueParser::new())]
    pub sandbox: bool,

    /// Customers that the sandbox starts with, JSONL or CSV as `export` writes them [default: a bundled set]
    #[arg(long, value_name = "FILE", env = "HCSYNC_CUSTOMERS")]
    #[serde(default)]
    pub customers: Option<PathBuf>,
}
