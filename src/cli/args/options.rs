//! Groups of options that several commands share.
//!
//! No option uses clap's `conflicts_with`: a flag that contradicts an environment variable must not be an error, and clap
//! does not distinguish them. If two options contradict each other, the help of one says that it takes precedence. The config alone
//! is not guessed: `config::Overrides::named_config` refuses two.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, value_parser};
use serde::{Deserialize, Serialize};

use super::option_group::OptionGroup;
use super::values;
use crate::config::Overrides;
use crate::plan::MissingAction;

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Config and state")]
pub struct DecisionsArg {
    /// Decide rows that match several customers as this file says: the ambiguous.csv of an earlier run, filled in
    #[arg(long, value_name = "FILE", env = "HCSYNC_DECISIONS")]
    pub decisions: Option<PathBuf>,
}

impl OptionGroup for DecisionsArg {
    fn apply(&self, overrides: &mut Overrides) {
        let Self { decisions } = self.clone();
        overrides.run.decisions = decisions;
    }
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Limits of this run")]
pub struct RowsArgs {
    /// Process only the first N rows
    #[arg(long, value_name = "N", env = "HCSYNC_LIMIT", value_parser = value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
}

impl OptionGroup for RowsArgs {
    fn apply(&self, overrides: &mut Overrides) {
        let Self { limit } = self.clone();
        overrides.run.limit = limit;
    }
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Reading HelpCrunch")]
pub struct ReadingArgs {
    /// Read all customers again instead of using the snapshot of the last reading, and save a new one
    #[arg(long, env = "HCSYNC_REFRESH", value_parser = BoolishValueParser::new())]
    pub refresh: bool,

    /// Show in the preview how the remote side could be read, what each way costs, and which was chosen
    #[arg(long, env = "HCSYNC_EXPLAIN", value_parser = BoolishValueParser::new())]
    pub explain: bool,

    /// Hold about this much in memory while planning, and what is known of the customers beyond it in a temporary file, e.g. 256MiB or 1GiB
    #[arg(long, value_name = "SIZE", env = "HCSYNC_MEMORY_LIMIT", value_parser = values::size)]
    #[serde(default)]
    pub memory_limit: Option<u64>,

    /// Send a field or property although HelpCrunch refused it before, e.g. notes or customData.plan
    #[arg(
        long = "force-field",
        value_name = "NAME",
        env = "HCSYNC_FORCE_FIELD",
        value_delimiter = ','
    )]
    #[serde(default)]
    pub force_fields: Vec<String>,
}

impl OptionGroup for ReadingArgs {
    fn apply(&self, overrides: &mut Overrides) {
        let Self {
            refresh,
            explain,
            memory_limit,
            force_fields,
        } = self.clone();
        overrides.run.refresh = refresh;
        overrides.run.explain = explain;
        overrides.run.memory_limit = memory_limit;
        overrides.run.force_fields = force_fields;
    }
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Limits of this run")]
pub struct BudgetArgs {
    /// Stop, resumable, after N requests (exit 7)
    #[arg(long, value_name = "N", env = "HCSYNC_MAX_REQUESTS", value_parser = value_parser!(u64).range(1..))]
    pub max_requests: Option<u64>,

    /// Stop, resumable, after this long, e.g. 30m or 2h (exit 7)
    #[arg(long, value_name = "TIME", env = "HCSYNC_MAX_DURATION", value_parser = values::budget)]
    pub max_duration: Option<Duration>,
}

impl OptionGroup for BudgetArgs {
    fn apply(&self, overrides: &mut Overrides) {
        let Self {
            max_requests,
            max_duration,
        } = self.clone();
        overrides.run.max_requests = max_requests;
        overrides.run.max_duration = max_duration;
    }
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Limits of this run")]
pub struct CanaryArgs {
    /// Send N customers first, read them again, and stop if anything changed that the plan does not name
    #[arg(long, value_name = "N", env = "HCSYNC_CANARY", value_parser = value_parser!(u32).range(1..))]
    #[serde(default)]
    pub canary: Option<u32>,

    /// With --canary: stop after it, resumable (exit 7)
    #[arg(long, env = "HCSYNC_PAUSE", value_parser = BoolishValueParser::new())]
    #[serde(default)]
    pub pause: bool,
}

// Each overrides the key of the same name in `[safety]` for one run; 0 switches the limit off.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Safety limits (0 switches one off)")]
pub struct SafetyArgs {
    /// Maximum percentage of matched customers that may change [default: safety.max_change_percent]
    #[arg(long, value_name = "PERCENT", env = "HCSYNC_MAX_CHANGE_PERCENT", value_parser = values::percent)]
    pub max_change_percent: Option<f64>,

    /// Maximum percentage of matched customers that may lose a value [default: safety.max_clear_percent]
    #[arg(long, value_name = "PERCENT", env = "HCSYNC_MAX_CLEAR_PERCENT", value_parser = values::percent)]
    pub max_clear_percent: Option<f64>,

    /// Minimum percentage of rows (or customers) that must match [default: safety.min_match_percent]
    #[arg(long, value_name = "PERCENT", env = "HCSYNC_MIN_MATCH_PERCENT", value_parser = values::percent)]
    pub min_match_percent: Option<f64>,

    /// Maximum number of customers that may be created [default: safety.max_creates]
    #[arg(long, value_name = "N", env = "HCSYNC_MAX_CREATES")]
    pub max_creates: Option<u64>,

    /// Maximum percentage of rows that may be rejected [default: safety.max_rejected_percent]
    #[arg(long, value_name = "PERCENT", env = "HCSYNC_MAX_REJECTED_PERCENT", value_parser = values::percent)]
    pub max_rejected_percent: Option<f64>,

    /// Maximum percentage of rows that may be gone since the last run [default: safety.max_missing_percent]
    #[arg(long, value_name = "PERCENT", env = "HCSYNC_MAX_MISSING_PERCENT", value_parser = values::percent)]
    pub max_missing_percent: Option<f64>,

    /// What happens to customers that the input no longer holds: ignore, tag, block or delete [default: sync.missing]
    #[arg(long, value_name = "ACTION", env = "HCSYNC_MISSING", value_parser = values::missing_action)]
    pub missing: Option<MissingAction>,

    /// Delete exactly N customers that the input no longer holds, with sync.missing = "delete"
    #[arg(long, value_name = "N", env = "HCSYNC_ALLOW_DELETE")]
    pub allow_delete: Option<u64>,
}

impl OptionGroup for SafetyArgs {
    fn apply(&self, overrides: &mut Overrides) {
        let Self {
            max_change_percent,
            max_clear_percent,
            min_match_percent,
            max_creates,
            max_rejected_percent,
            max_missing_percent,
            missing,
            allow_delete,
        } = *self;
        // TOML has no larger number; that many customers are as good as any number.
        let max_creates = max_creates.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        let missing = missing.map(MissingAction::as_str);
        overrides.set("safety.max_change_percent", max_change_percent);
        overrides.set("safety.max_clear_percent", max_clear_percent);
        overrides.set("safety.min_match_percent", min_match_percent);
        overrides.set("safety.max_rejected_percent", max_rejected_percent);
        overrides.set("safety.max_missing_percent", max_missing_percent);
        overrides.set("safety.max_creates", max_creates);
        overrides.set("sync.missing", missing);
        overrides.run.allow_delete = allow_delete;
    }
}

#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Output")]
pub struct ExamplesArgs {
    /// Number of examples of each kind of change or problem; 0 shows no values
    #[arg(long, value_name = "N", env = "HCSYNC_EXAMPLES", default_value_t = 3)]
    pub examples: u32,
}

impl OptionGroup for ExamplesArgs {
    fn apply(&self, overrides: &mut Overrides) {
        let Self { examples } = self.clone();
        overrides.run.examples = Some(examples);
    }
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Asking")]
pub struct AskArgs {
    /// Do not ask before writing
    #[arg(short, long, env = "HCSYNC_YES", value_parser = BoolishValueParser::new())]
    pub yes: bool,

    /// Always ask for confirmation, even with --yes; an error without a terminal
    #[arg(long, env = "HCSYNC_CONFIRM", value_parser = BoolishValueParser::new())]
    pub confirm: bool,
}
