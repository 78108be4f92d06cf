use std::io::{self, Write};

use serde::Serialize;

use super::json_text::write_line;
use super::page::{TextPage, View};
use super::runs_table::{RunEntry, description};
use super::terminal::{Style, human_count, human_duration, plural};
use crate::domain::local_time::local_time;

/// Everything that `hcsync status` reports.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct StatusReport {
    /// Full path of the state directory.
    pub folder: String,
    /// RFC 3339, UTC.
    pub now: String,
    pub accounts: Vec<AccountStatus>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct AccountStatus {
    /// The user's name for it.
    pub account: Option<String>,
    pub account_id: String,
    /// As its newest run had it.
    pub base_url: Option<String>,
    /// The newest run that could write.
    pub last_run: Option<RunEntry>,
    /// The newest that ended with exit code 0.
    pub last_success: Option<RunEntry>,
    pub running: Option<RunningStatus>,
    /// Runs that sent a part of their plan, newest first.
    pub interrupted: Vec<RunEntry>,
    pub snapshot: Option<SnapshotStatus>,
    /// When the account was last probed, RFC 3339 in UTC.
    pub probed_at: Option<String>,
}

/// The process that holds the account's lock.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunningStatus {
    pub pid: u32,
    pub host: String,
    pub since: String,
    /// `None` if it is no run, or has none yet.
    pub run_id: Option<String>,
    /// Customers written, and those of the plan; `None` before it sends.
    pub done: Option<u64>,
    pub of: Option<u64>,
    /// Estimate from the rate so far.
    pub seconds_left: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SnapshotStatus {
    /// When its customers were read, RFC 3339 in UTC.
    pub as_of: String,
    pub customers: u64,
}

#[derive(Serialize)]
struct StatusJson<'a> {
    hcsync_status: u32,
    #[serde(flatten)]
    report: &'a StatusReport,
}

/// Writes the status as one line of JSON.
pub fn write_status(out: impl Write, report: &StatusReport) -> io::Result<()> {
    let json = StatusJson {
        hcsync_status: 1,
        report,
    };
    write_line(out, &json)
}

/// Returns the status in one line.
pub fn status_headline(report: &StatusReport) -> String {
    let accounts = report.accounts.iter();
    let interrupted: usize = accounts
        .clone()
        .map(|account| account.interrupted.len())
        .sum();
    format!(
        "{}: {} running, {} interrupted",
        plural(report.accounts.len() as u64, "account", "accounts"),
        plural(
            accounts.filter(|account| account.running.is_some()).count() as u64,
            "run",
            "runs"
        ),
        interrupted
    )
}

/// Returns the status as text, a section for each account.
pub fn render_status(report: &StatusReport, view: View) -> String {
    let mut page = TextPage::new(view);
    if report.accounts.is_empty() {
        page.exact("no account was used yet; state directory: ", &report.folder);
    }
    for account in &report.accounts {
        render_account(&mut page, account, &report.now, view);
    }
    page.finish()
}

fn render_account(page: &mut TextPage, account: &AccountStatus, now: &str, view: View) {
    let name = account.account.as_deref().unwrap_or(&account.account_id);
    let at = account.base_url.as_ref();
    let at = at.map(|url| format!(" at {url}")).unwrap_or_default();
    page.heading(&format!("Account {name}{at}"));
    if let Some(running) = &account.running {
        page.item(
            "  running       ",
            &running_text(running, view),
            Style::Good,
        );
    }
    for run in &account.interrupted {
        let text = format!("{}: {}", run.run_id, description(run));
        page.item("  interrupted   ", &text, Style::Warn);
        if let Some(command) = &run.resume {
            page.exact("  resume with   ", command);
        }
    }
    let run = |run: Option<&RunEntry>| run.map(|run| run_text(run, now, view));
    let is_same = account.last_run == account.last_success;
    let last = run(account.last_run.as_ref()).unwrap_or_else(|| "none".to_owned());
    page.item("  last run      ", &last, Style::Plain);
    if !is_same {
        let success = run(account.last_success.as_ref()).unwrap_or_else(|| "none".to_owned());
        page.item("  last success  ", &success, Style::Plain);
    }
    let snapshot = account.snapshot.as_ref().map(|snapshot| {
        let customers = plural(snapshot.customers, "customer", "customers");
        format!("{customers}, {}", with_age(&snapshot.as_of, now, view))
    });
    page.item(
        "  snapshot      ",
        &snapshot.unwrap_or_else(|| "none".to_owned()),
        Style::Plain,
    );
    let probed = account.probed_at.as_ref();
    let probed = probed.map(|at| with_age(at, now, view));
    let probed = probed.unwrap_or_else(|| "never; `hcsync probe` makes runs cheaper".to_owned());
    page.item("  probed        ", &probed, Style::Plain);
}

fn running_text(running: &RunningStatus, view: View) -> String {
    let run = running.run_id.as_deref().unwrap_or("no run yet");
    let progress = match (running.done, running.of) {
        (Some(done), Some(of)) => format!(
            ", {} of {}",
            human_count(done),
            plural(of, "customer", "customers")
        ),
        _ => String::new(),
    };
    let left = running.seconds_left;
    let left = left.map(|left| format!(", about {} left", human_duration(left)));
    format!(
        "{run}{progress}{}; process {} on {} since {}",
        left.unwrap_or_default(),
        running.pid,
        running.host,
        local_time(&running.since, view.zone())
    )
}

fn run_text(run: &RunEntry, now: &str, view: View) -> String {
    let status = run.status.map_or(run.state.as_str(), |s| s.words());
    let exit = run.exit_code.map(|code| format!(", exit code {code}"));
    let started = run.created_at.as_deref().unwrap_or_default();
    format!(
        "{}, {status}{}, {}: {}",
        run.run_id,
        exit.unwrap_or_default(),
        with_age(started, now, view),
        description(run)
    )
}

/// A time, and how long ago it was.
fn with_age(time: &str, now: &str, view: View) -> String {
    let text = local_time(time, view.zone());
    let parsed = |text: &str| text.parse::<jiff::Timestamp>().ok();
    match parsed(time).zip(parsed(now)) {
        Some((then, now)) if now >= then => {
            let age = now.duration_since(then).as_secs_f64();
            format!("{text}, {} ago", human_duration(age))
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::run_status::RunStatus;
    use crate::report::schema_check;

    fn report() -> StatusReport {
        let applied = RunEntry {
            run_id: "20261119T031200Z-aaaa".into(),
            created_at: Some("2026-11-19T03:12:00Z".into()),
            command: Some("sync".into()),
            status: Some(RunStatus::Applied),
            state: "finished".into(),
            exit_code: Some(0),
            inputs: vec!["customers.csv".into()],
            counts: json!({"created": 12, "unchanged": 488}),
            path: "/var/lib/hcsync/runs/20261119T031200Z-aaaa".into(),
            ..RunEntry::default()
        };
        let interrupted = RunEntry {
            run_id: "20261120T031200Z-bbbb".into(),
            created_at: Some("2026-11-20T03:12:00Z".into()),
            status: Some(RunStatus::Interrupted),
            exit_code: Some(7),
            counts: json!({"updated": 40, "pending": 60}),
            resume: Some("hcsync resume 20261120T031200Z-bbbb --state-dir /var/lib/hcsync".into()),
            ..applied.clone()
        };
        let nightly = AccountStatus {
            account: Some("production".into()),
            account_id: "n-production-0123456789ab".into(),
            base_url: Some("https://api.helpcrunch.com/v1".into()),
            last_run: Some(interrupted.clone()),
            last_success: Some(applied),
            running: Some(RunningStatus {
                pid: 4711,
                host: "backup".into(),
                since: "2026-11-20T05:00:00Z".into(),
                run_id: Some("20261120T050000Z-cccc".into()),
                done: Some(120),
                of: Some(400),
                seconds_left: Some(140.0),
            }),
            interrupted: vec![interrupted],
            snapshot: Some(SnapshotStatus {
                as_of: "2026-11-19T03:12:00Z".into(),
                customers: 500,
            }),
            probed_at: None,
        };
        StatusReport {
            folder: "/var/lib/hcsync".into(),
            now: "2026-11-20T05:01:00Z".into(),
            accounts: vec![
                nightly,
                AccountStatus {
                    account_id: "0123456789abcdef".into(),
                    ..AccountStatus::default()
                },
            ],
        }
    }

    #[test]
    fn each_account_has_its_section() {
        insta::assert_snapshot!(render_status(&report(), View::default()), @r#"
        Account production at https://api.helpcrunch.com/v1
          running       20261120T050000Z-cccc, 120 of 400 customers, about 2 min 20 s
                        left; process 4711 on backup since 2026-11-20 05:00 UTC
          interrupted   20261120T031200Z-bbbb: customers.csv: 40 updated, 60 not reached
          resume with   hcsync resume 20261120T031200Z-bbbb --state-dir /var/lib/hcsync
          last run      20261120T031200Z-bbbb, interrupted, exit code 7, 2026-11-20
                        03:12 UTC, 1 h 49 min ago: customers.csv: 40 updated, 60 not
                        reached
          last success  20261119T031200Z-aaaa, applied, exit code 0, 2026-11-19 03:12
                        UTC, 1 d 1 h ago: customers.csv: 12 created, 488 unchanged
          snapshot      500 customers, 2026-11-19 03:12 UTC, 1 d 1 h ago
          probed        never; `hcsync probe` makes runs cheaper

        Account 0123456789abcdef
          last run      none
          snapshot      none
          probed        never; `hcsync probe` makes runs cheaper
        "#);
    }

    #[test]
    fn json_fits_its_schema() {
        for report in [report(), StatusReport::default()] {
            let mut out = Vec::new();
            write_status(&mut out, &report).unwrap();
            schema_check::assert_fits("status", &String::from_utf8(out).unwrap());
        }
    }
}
