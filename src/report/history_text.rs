use super::account_history::{AccountHistory, HistoryReport};
use super::page::{TextPage, View};
use super::summary::Summary;
use super::terminal::{Style, human_count, human_duration, padding, plural, text_width};
use crate::domain::local_time::short_time;

/// Runs that the text lists; JSON and page have all.
const MAX_LISTED: usize = 30;

pub(super) const HEADS: [&str; 10] = [
    "started", "exit", "rows", "new", "changed", "rejected", "other", "requests", "took", "use",
];

/// The cells of a run in a table.
pub(super) fn cells(run: &Summary, view: View) -> [String; 10] {
    let results = &run.results;
    let utilisation = run.rate.utilisation.map(|share| share * 100.0);
    [
        short_time(&run.started_at, view.zone()),
        run.exit_code.to_string(),
        human_count(run.input.rows),
        human_count(results.created),
        human_count(results.updated),
        human_count(results.rejected),
        human_count(results.failed + results.in_doubt + results.pending),
        human_count(run.requests.total),
        human_duration(rounded(run.duration_s)),
        utilisation.map_or_else(|| "-".to_owned(), |percent| format!("{percent:.0} %")),
    ]
}

/// From ten minutes on, whole minutes.
fn rounded(seconds: f64) -> f64 {
    match seconds >= 600.0 {
        true => (seconds / 60.0).round() * 60.0,
        false => seconds,
    }
}

/// Returns the history in one line.
pub fn account_history_headline(report: &HistoryReport) -> String {
    let runs = report
        .accounts
        .iter()
        .map(|account| account.runs.len() as u64);
    let troubles = report
        .accounts
        .iter()
        .map(|account| account.troubles.len() as u64);
    format!(
        "{} of {}, {} in the newest",
        plural(runs.sum(), "run", "runs"),
        plural(report.accounts.len() as u64, "account", "accounts"),
        plural(troubles.sum(), "problem", "problems")
    )
}

/// Returns the history as text, a section for each account.
pub fn render_account_history(report: &HistoryReport, view: View) -> String {
    let mut page = TextPage::new(view);
    if report.accounts.is_empty() {
        page.exact("no runs that could write in ", &report.folder);
    }
    for account in &report.accounts {
        page.heading(&format!(
            "Account {} at {}",
            account.name(),
            account.base_url
        ));
        render_runs(&mut page, account, view);
        for finding in account.findings(view) {
            page.item("  - ", &finding, Style::Warn);
        }
    }
    let unreadable = report.unreadable.len() as u64;
    if unreadable > 0 {
        let runs = plural(unreadable, "run has", "runs have");
        page.item(
            "",
            &format!("{runs} no summary that can be read"),
            Style::Dim,
        );
    }
    page.finish()
}

fn render_runs(page: &mut TextPage, account: &AccountHistory, view: View) {
    let first = account.runs.len().saturating_sub(MAX_LISTED);
    if first > 0 {
        let runs = plural(first as u64, "older run is", "older runs are");
        page.item("  ", &format!("{runs} in --output json"), Style::Dim);
    }
    let lines = account.runs.iter().skip(first);
    let mut lines: Vec<_> = lines.map(|run| (cells(run, view), style(run))).collect();
    lines.insert(0, (HEADS.map(str::to_owned), Style::Heading));
    let mut widths = [0; 10];
    for (cells, _) in &lines {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(text_width(cell));
        }
    }
    for (cells, style) in lines {
        let padded = cells.iter().zip(widths).enumerate();
        let padded: Vec<_> = padded
            .map(|(column, (cell, width))| match column {
                0 => format!("{cell}{}", padding(cell, width)),
                _ => format!("{}{cell}", padding(cell, width)),
            })
            .collect();
        let text = padded.join(" ");
        let text = text.trim_end();
        match text_width(text) <= page.width() {
            true => page.line(&[(text, style)]),
            false => page.exact("", text),
        }
    }
}

fn style(run: &Summary) -> Style {
    match run.exit_code {
        0 => Style::Plain,
        3 | 7 => Style::Warn,
        _ => Style::Bad,
    }
}
