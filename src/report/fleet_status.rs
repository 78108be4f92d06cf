//! Many accounts at a glance: when each was last right, what its last run did, and who works on it.

use std::io::{self, Write};

use serde::Serialize;

use super::json_text::write_line;
use super::page::{TextPage, View};
use super::table::Table;
use super::terminal::{Style, human_count, human_duration, plural};

/// Everything that `hcsync fleet status` reports.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct FleetStatus {
    /// The state database, without its password.
    pub database: String,
    /// RFC 3339, UTC.
    pub now: String,
    /// Those whose last success is the longest ago come first.
    pub accounts: Vec<FleetAccountStatus>,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct FleetAccountStatus {
    pub account: Option<String>,
    pub account_id: String,
    pub base_url: String,
    pub state: FleetState,
    /// The process that works on it.
    pub running: Option<String>,
    pub last_run: Option<FleetLastRun>,
    /// When a run last ended with every row as it was asked for; RFC 3339, UTC.
    pub last_success: Option<String>,
    /// Seconds since then.
    pub last_success_age_s: Option<f64>,
}

/// The last run that could write.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct FleetLastRun {
    pub run_id: String,
    pub command: String,
    pub created_at: String,
    pub ended_at: Option<String>,
    pub exit_code: Option<u8>,
    pub counts: serde_json::Value,
    pub requests: Option<u64>,
    pub duration_s: Option<f64>,
}

/// How an account does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FleetState {
    /// It has no run that could write.
    #[default]
    Never,
    Running,
    Fine,
    /// Its last run finished, and some rows need attention.
    Attention,
    /// Its last run was refused, stopped or interrupted.
    Failing,
}

impl FleetState {
    /// The state of an account on which no process works, by how its last run ended; `None`: it was interrupted.
    #[must_use]
    pub fn of_exit(code: Option<u8>) -> Self {
        match code {
            Some(0) => Self::Fine,
            Some(3) => Self::Attention,
            _ => Self::Failing,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Never => "never run",
            Self::Running => "running",
            Self::Fine => "fine",
            Self::Attention => "attention",
            Self::Failing => "failing",
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Never | Self::Running | Self::Fine => Style::Plain,
            Self::Attention => Style::Warn,
            Self::Failing => Style::Bad,
        }
    }
}

const TABLE: Table<6> = Table {
    heads: [
        "account",
        "state",
        "exit",
        "requests",
        "time",
        "last success",
    ],
    names: 0..1,
    figures: 2..5,
};

/// Writes the report as one line of JSON.
pub fn write_fleet_status(out: impl Write, report: &FleetStatus) -> io::Result<()> {
    #[derive(Serialize)]
    struct Json<'a> {
        hcsync_fleet_status: u32,
        #[serde(flatten)]
        report: &'a FleetStatus,
    }
    let json = Json {
        hcsync_fleet_status: 1,
        report,
    };
    write_line(out, &json)
}

/// Returns the report in one line.
pub fn fleet_status_headline(report: &FleetStatus) -> String {
    let accounts = plural(report.accounts.len() as u64, "account", "accounts");
    let states = [
        FleetState::Fine,
        FleetState::Running,
        FleetState::Attention,
        FleetState::Failing,
        FleetState::Never,
    ];
    let counts = states.iter().filter_map(|state| {
        let count = report.accounts.iter().filter(|a| a.state == *state).count();
        (count > 0).then(|| format!("{} {}", human_count(count as u64), state.words()))
    });
    let counts: Vec<_> = counts.collect();
    match counts.is_empty() {
        true => accounts,
        false => format!("{accounts}: {}", counts.join(", ")),
    }
}

/// Returns the report as text: a line for each account.
pub fn render_fleet_status(report: &FleetStatus, view: View) -> String {
    let mut page = TextPage::new(view);
    if report.accounts.is_empty() {
        page.exact("no account has a run in ", &report.database);
        return page.finish();
    }
    page.heading(&fleet_status_headline(report));
    let lines = report.accounts.iter().map(|a| (a.state.style(), cells(a)));
    TABLE.render(&mut page, &lines.collect::<Vec<_>>());
    page.finish()
}

fn cells(account: &FleetAccountStatus) -> [String; 6] {
    let unknown = || "-".to_owned();
    let run = account.last_run.as_ref();
    let ago = |seconds| format!("{} ago", human_duration(seconds));
    [
        account
            .account
            .clone()
            .unwrap_or_else(|| account.account_id.clone()),
        account.state.words().to_owned(),
        run.and_then(|run| run.exit_code)
            .map_or_else(unknown, |code| code.to_string()),
        run.and_then(|run| run.requests)
            .map_or_else(unknown, human_count),
        run.and_then(|run| run.duration_s)
            .map_or_else(unknown, human_duration),
        account
            .last_success_age_s
            .map_or_else(|| "none".to_owned(), ago),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str, state: FleetState, age: Option<f64>) -> FleetAccountStatus {
        FleetAccountStatus {
            account: Some(name.to_owned()),
            state,
            last_success_age_s: age,
            ..FleetAccountStatus::default()
        }
    }

    #[test]
    fn the_headline_counts_what_there_is() {
        let report = FleetStatus {
            accounts: vec![
                account("a", FleetState::Fine, Some(60.0)),
                account("b", FleetState::of_exit(Some(1)), None),
                account("c", FleetState::of_exit(None), None),
            ],
            ..FleetStatus::default()
        };
        assert_eq!(
            fleet_status_headline(&report),
            "3 accounts: 1 fine, 2 failing"
        );
        let text = render_fleet_status(&report, View::default());
        assert!(text.contains("1 min ago"), "{text}");
    }
}
