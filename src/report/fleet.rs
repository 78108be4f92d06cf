use std::io::{self, Write};

use serde::Serialize;

use super::json_text::write_line;
use super::terminal::{human_duration, plural};

/// Everything that `hcsync fleet check` reports.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct FleetReport {
    /// The folder of configs, as the user named it.
    pub folder: String,
    /// In byte order of their names, which is what `--index` counts.
    pub configs: Vec<FleetConfig>,
    /// Longest first.
    pub chains: Vec<FleetChain>,
}

/// A config of the folder.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct FleetConfig {
    /// Its file, below the folder.
    pub config: String,
    /// Why it cannot be used; then nothing below is known.
    pub problem: Option<String>,
    /// The user's name for the account.
    pub account: Option<String>,
    /// `None` if neither name nor key is known here.
    pub account_id: Option<String>,
    pub base_url: Option<String>,
    /// 0: no limit.
    pub requests_per_minute: Option<u32>,
    /// Its `input.files`.
    pub inputs: Vec<String>,
    /// Rows of these, and those that would be rejected; `None` if the config names no files.
    pub rows: Option<u64>,
    pub bad_rows: Option<u64>,
    pub need: FleetNeed,
    /// What is not known about it, a sentence each.
    pub notes: Vec<String>,
}

/// What a sync of a config needs.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum FleetNeed {
    #[default]
    Unknown,
    /// What the last finished run of the account needed.
    LastRun {
        run_id: String,
        started_at: String,
        rows: u64,
        requests: u64,
        duration_s: f64,
    },
    /// What is needed if every row is written.
    UpperBound { requests: u64, duration_s: f64 },
}

impl FleetNeed {
    /// Requests and seconds, if they are known.
    pub(super) fn figures(&self) -> Option<(u64, f64)> {
        match self {
            Self::Unknown => None,
            Self::LastRun {
                requests,
                duration_s,
                ..
            }
            | Self::UpperBound {
                requests,
                duration_s,
            } => Some((*requests, *duration_s)),
        }
    }

    /// As a cell of the table.
    pub(super) fn words(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::LastRun { .. } => "last run",
            Self::UpperBound { .. } => "at most",
        }
    }
}

/// Configs that share the rate limit of one account, and so take turns.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct FleetChain {
    pub configs: Vec<String>,
    pub requests: u64,
    pub duration_s: f64,
    /// Whether the need of each of them is known.
    pub is_complete: bool,
}

impl FleetChain {
    /// The chain of these configs.
    pub fn of(configs: &[&FleetConfig]) -> Self {
        let figures = configs.iter().map(|config| config.need.figures());
        let known = || figures.clone().flatten();
        Self {
            configs: configs.iter().map(|c| c.config.clone()).collect(),
            requests: known().map(|(requests, _)| requests).sum(),
            duration_s: known().map(|(_, seconds)| seconds).sum(),
            is_complete: figures.clone().all(|figures| figures.is_some()),
        }
    }
}

impl FleetReport {
    /// Sorts the chains, the longest first.
    #[must_use]
    pub fn with_chains(mut self, mut chains: Vec<FleetChain>) -> Self {
        chains.sort_by(|a, b| b.duration_s.total_cmp(&a.duration_s));
        self.chains = chains;
        self
    }

    pub(super) fn is_complete(&self) -> bool {
        self.chains.iter().all(|chain| chain.is_complete)
    }

    /// Length of the night: that of the longest chain.
    pub(super) fn night_s(&self) -> f64 {
        self.chains.first().map_or(0.0, |chain| chain.duration_s)
    }

    /// Length of all chains one after another.
    pub(super) fn total_s(&self) -> f64 {
        self.chains.iter().map(|chain| chain.duration_s).sum()
    }
}

#[derive(Serialize)]
struct FleetCheckJson<'a> {
    hcsync_fleet_check: u32,
    #[serde(flatten)]
    report: &'a FleetReport,
    night: NightJson,
}

#[derive(Serialize)]
struct NightJson {
    duration_s: f64,
    one_after_another_s: f64,
    is_complete: bool,
}

/// Writes the report as one line of JSON.
pub fn write_fleet_check(out: impl Write, report: &FleetReport) -> io::Result<()> {
    let json = FleetCheckJson {
        hcsync_fleet_check: 1,
        report,
        night: NightJson {
            duration_s: report.night_s(),
            one_after_another_s: report.total_s(),
            is_complete: report.is_complete(),
        },
    };
    write_line(out, &json)
}

/// Returns the report in one line.
pub fn fleet_check_headline(report: &FleetReport) -> String {
    let configs = plural(report.configs.len() as u64, "config", "configs");
    let invalid = report.configs.iter().filter(|c| c.problem.is_some());
    match invalid.count() {
        0 => format!("{configs}, the night takes {}", night_text(report)),
        invalid => format!("{configs}, {invalid} of them not usable"),
    }
}

/// The length of the night, as far as it is known.
pub(super) fn night_text(report: &FleetReport) -> String {
    let length = human_duration(report.night_s());
    match report.is_complete() {
        true => length,
        false => format!("{length}, plus what is not known"),
    }
}
