use std::io::{self, Write};

use serde::Serialize;

use super::super::account_history::{AccountHistory, HistoryReport, number};
use super::super::history_text::{HEADS, cells};
use super::super::page::View;
use super::super::summary::Summary;
use super::super::terminal::{clean, human_count, human_duration};
use super::chart::{Chart, Column, columns};
use super::shell::write_page;
use crate::domain::local_time::short_time;

/// Runs that the plots show; the table has all.
const MAX_COLUMNS: usize = 120;

#[derive(Serialize)]
struct HistoryPage {
    title: String,
    origin: String,
    heads: [&'static str; 10],
    accounts: Vec<AccountPart>,
}

#[derive(Serialize)]
struct AccountPart {
    title: String,
    findings: Vec<String>,
    charts: Vec<Chart>,
    runs: Vec<Vec<String>>,
}

/// Writes the history as a page. It has no customers' values.
pub fn write_history_page(out: impl Write, report: &HistoryReport, view: View) -> io::Result<()> {
    let page = HistoryPage {
        title: "hcsync: runs over time".to_owned(),
        origin: format!("From {}.", clean(&report.folder)),
        heads: HEADS,
        accounts: report.accounts.iter().map(|a| part(a, view)).collect(),
    };
    write_page(out, include_str!("history.html"), &page)
}

fn part(account: &AccountHistory, view: View) -> AccountPart {
    let findings = account.findings(view);
    let runs = account.runs.iter().rev().map(|run| {
        let cells = cells(run, view).into_iter();
        cells.map(|cell| clean(&cell).into_owned()).collect()
    });
    let title = format!("Account {} at {}", account.name(), account.base_url);
    AccountPart {
        title: clean(&title).into_owned(),
        findings: findings.iter().map(|f| clean(f).into_owned()).collect(),
        charts: charts(&account.runs, view),
        runs: runs.collect(),
    }
}

/// A part of a column: its figure in a run, and its colour.
type Part = (fn(&Summary) -> f64, &'static str);

fn charts(runs: &[Summary], view: View) -> Vec<Chart> {
    let runs = runs
        .get(runs.len().saturating_sub(MAX_COLUMNS)..)
        .unwrap_or(runs);
    let chart = |title: &str, parts: &[Part], unit: &dyn Fn(f64) -> String| {
        let columns_of_runs = runs.iter().map(|run| {
            let figures: Vec<_> = parts.iter().map(|(of, kind)| (of(run), *kind)).collect();
            let sum = figures.iter().map(|(figure, _)| figure).sum();
            let started = short_time(&run.started_at, view.zone());
            Column {
                label: format!("{started}: {}", unit(sum)),
                parts: figures,
            }
        });
        let columns_of_runs: Vec<Column> = columns_of_runs.collect();
        let is_empty = columns_of_runs
            .iter()
            .all(|column| column.parts.iter().all(|(f, _)| *f == 0.0));
        (!is_empty).then(|| Chart {
            title: title.to_owned(),
            picture: Some(columns(&format!("{title}, by run"), &columns_of_runs, unit)),
            ..Chart::default()
        })
    };
    let count = |figure: f64| human_count(super::super::account_history::whole(figure));
    let all = vec![
        chart("Rows", &[(|run| number(run.input.rows), "quiet")], &count),
        chart(
            "Customers created and updated",
            &[
                (|run| number(run.results.created), "good"),
                (|run| number(run.results.updated), "new"),
            ],
            &count,
        ),
        chart(
            "Rows rejected, failed and in doubt",
            &[
                (|run| number(run.results.rejected), "warn"),
                (
                    |run| number(run.results.failed + run.results.in_doubt),
                    "bad",
                ),
            ],
            &count,
        ),
        chart(
            "Requests",
            &[(|run| number(run.requests.total), "quiet")],
            &count,
        ),
        chart(
            "Duration",
            &[(|run| run.duration_s, "quiet")],
            &human_duration,
        ),
        chart(
            "Use of the rate limit",
            &[(|run| run.rate.utilisation.unwrap_or(0.0) * 100.0, "quiet")],
            &|percent| format!("{percent:.0} %"),
        ),
    ];
    all.into_iter().flatten().collect()
}
