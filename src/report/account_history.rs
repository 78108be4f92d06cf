use std::cmp::Ordering;
use std::io::{self, Write};

use serde::Serialize;

use super::json_text::write_line;
use super::page::View;
use super::summary::Summary;
use super::terminal::{human_count, human_duration, plural};
use crate::domain::local_time::short_time;

/// The newest run is compared with the median of this many before it, and with no fewer than [`MIN_USUAL`].
const USUAL: usize = 10;
const MIN_USUAL: usize = 3;

/// Everything that `hcsync history` reports.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct HistoryReport {
    /// Full path of the folder that holds the runs.
    pub folder: String,
    pub accounts: Vec<AccountHistory>,
    /// Ids of runs whose summary cannot be read.
    pub unreadable: Vec<String>,
}

/// The runs of one account that could write.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccountHistory {
    pub account: Option<String>,
    pub account_id: String,
    pub base_url: String,
    /// What is wrong with the newest run, and since when.
    pub troubles: Vec<Trouble>,
    /// What the newest run has far more or less of than those before it.
    pub shifts: Vec<Shift>,
    /// Oldest first.
    pub runs: Vec<Summary>,
}

/// A problem that the newest run has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trouble {
    /// `exit_code`, or the code of rejected and failed rows.
    pub code: String,
    pub column: Option<String>,
    /// Rows in the newest run; for an exit code, the code.
    pub count: u64,
    /// When the first of the runs began that had it one after another (RFC 3339, UTC), and how many these are.
    pub since: String,
    pub runs: u64,
}

/// A figure of the newest run that is not as usual.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shift {
    /// `rows`, `changes`, `requests` or `duration_s`.
    pub figure: &'static str,
    /// The median of the runs before.
    pub usual: f64,
    pub newest: f64,
}

#[derive(Serialize)]
struct HistoryJson<'a> {
    hcsync_history: u32,
    #[serde(flatten)]
    report: &'a HistoryReport,
}

impl AccountHistory {
    /// Compares the newest of these runs with those before it. `runs` are oldest first.
    pub fn new(account_id: String, runs: Vec<Summary>) -> Self {
        let target = runs.last().and_then(|run| run.target.clone());
        let target = target.unwrap_or_default();
        Self {
            account: target.account,
            account_id,
            base_url: target.base_url,
            troubles: troubles(&runs),
            shifts: shifts(&runs),
            runs,
        }
    }

    /// The account's name, or its id.
    pub(super) fn name(&self) -> &str {
        self.account.as_deref().unwrap_or(&self.account_id)
    }

    /// What stands out, a sentence each.
    pub(super) fn findings(&self, view: View) -> Vec<String> {
        let troubles = self.troubles.iter().map(|trouble| {
            let since = short_time(&trouble.since, view.zone());
            let runs = plural(trouble.runs, "run", "runs");
            let what = match (trouble.code.as_str(), &trouble.column) {
                ("exit_code", _) => format!("exit code {}", trouble.count),
                (code, column) => {
                    let column = column.as_ref().map(|column| format!(" in `{column}`"));
                    let rows = plural(trouble.count, "row", "rows");
                    format!("{rows} with {code}{}", column.unwrap_or_default())
                }
            };
            match trouble.runs {
                1 => format!("{what}: new in the newest run"),
                _ => format!("{what}: since {since}, {runs} one after another"),
            }
        });
        let shifts = self.shifts.iter().map(|shift| {
            let text = |figure: f64| match shift.figure {
                "duration_s" => human_duration(figure),
                _ => human_count(whole(figure)),
            };
            let name = match shift.figure {
                "duration_s" => "duration",
                figure => figure,
            };
            format!(
                "{name}: {}, usually {}",
                text(shift.newest),
                text(shift.usual)
            )
        });
        troubles.chain(shifts).collect()
    }
}

fn troubles(runs: &[Summary]) -> Vec<Trouble> {
    let Some(newest) = runs.last() else {
        return Vec::new();
    };
    let streak = |has_it: &dyn Fn(&Summary) -> bool| {
        let streak = runs.iter().rev().take_while(|run| has_it(run));
        let first = streak.clone().last().unwrap_or(newest);
        (first.started_at.clone(), streak.count() as u64)
    };
    let mut troubles = Vec::new();
    if newest.exit_code != 0 {
        let (since, runs) = streak(&|run| run.exit_code != 0);
        troubles.push(Trouble {
            code: "exit_code".to_owned(),
            column: None,
            count: newest.exit_code.into(),
            since,
            runs,
        });
    }
    for error in &newest.errors {
        let is_same = |run: &Summary| {
            let mut errors = run.errors.iter();
            errors.any(|e| (e.kind, &e.code, &e.column) == (error.kind, &error.code, &error.column))
        };
        let (since, runs) = streak(&is_same);
        troubles.push(Trouble {
            code: error.code.clone(),
            column: error.column.clone(),
            count: error.count,
            since,
            runs,
        });
    }
    troubles
}

/// The figures that runs are compared by.
type Figure = (&'static str, fn(&Summary) -> f64);

const FIGURES: [Figure; 4] = [
    ("rows", |run| number(run.input.rows)),
    ("changes", |run| number(changes(run))),
    ("requests", |run| number(run.requests.total)),
    ("duration_s", |run| run.duration_s),
];

pub(super) fn changes(run: &Summary) -> u64 {
    run.results.created + run.results.updated
}

/// A shift is at least half as much again, or half, and at least ten.
fn shifts(runs: &[Summary]) -> Vec<Shift> {
    let Some((newest, before)) = runs.split_last() else {
        return Vec::new();
    };
    let before = before
        .get(before.len().saturating_sub(USUAL)..)
        .unwrap_or(before);
    let shift = |(figure, of): &Figure| {
        let mut usual: Vec<f64> = before.iter().map(of).collect();
        usual.sort_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
        let usual = *usual
            .get(usual.len() / 2)
            .filter(|_| before.len() >= MIN_USUAL)?;
        let newest = of(newest);
        let is_far = newest >= usual * 1.5 || newest <= usual / 2.0;
        (is_far && (newest - usual).abs() >= 10.0).then_some(Shift {
            figure,
            usual,
            newest,
        })
    };
    FIGURES.iter().filter_map(shift).collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of rows and requests are far below 2^52"
)]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it was a count before"
)]
pub(super) fn whole(figure: f64) -> u64 {
    figure as u64
}

/// Writes the history as one line of JSON.
pub fn write_account_history(out: impl Write, report: &HistoryReport) -> io::Result<()> {
    write_line(
        out,
        &HistoryJson {
            hcsync_history: 1,
            report,
        },
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::history_text::render_account_history;
    use super::super::summary::tests::sample;
    use super::*;
    use crate::domain::RunId;

    /// Five runs: the newest has more rows and a cause that is in the one before it too.
    pub(in crate::report) fn report() -> HistoryReport {
        let run = |day: u64, rows: u64, exit_code: u8| {
            let mut run = sample();
            run.run_id = Some(RunId::new(format!("202611{day:02}T031244Z-k3f9")).unwrap());
            run.started_at = format!("2026-11-{day:02}T03:12:44Z");
            run.input.rows = rows;
            run.exit_code = exit_code;
            if exit_code == 0 {
                run.errors.clear();
            }
            run
        };
        let runs = vec![
            run(16, 12_000, 3),
            run(17, 12_010, 0),
            run(18, 12_100, 0),
            run(19, 12_300, 3),
            run(20, 30_000, 3),
        ];
        HistoryReport {
            folder: "/var/lib/hcsync/runs".into(),
            accounts: vec![AccountHistory::new(
                "n-production-0123456789ab".into(),
                runs,
            )],
            unreadable: vec!["20261115T031244Z-k3f9".into()],
        }
    }

    #[test]
    fn a_history_says_what_is_new_and_what_is_wrong_since_when() {
        insta::assert_snapshot!(render_account_history(&report(), View::default()), @r#"
        Account production at https://api.helpcrunch.com/v1
        started           exit   rows new changed rejected other requests   took  use
        2026-11-16 03:12Z    3 12,000 400   1,234       40     5    1,234 10 min 99 %
        2026-11-17 03:12Z    0 12,010 400   1,234       40     5    1,234 10 min 99 %
        2026-11-18 03:12Z    0 12,100 400   1,234       40     5    1,234 10 min 99 %
        2026-11-19 03:12Z    3 12,300 400   1,234       40     5    1,234 10 min 99 %
        2026-11-20 03:12Z    3 30,000 400   1,234       40     5    1,234 10 min 99 %
          - exit code 3: since 2026-11-19 03:12Z, 2 runs one after another
          - 40 rows with bad_date in `Signed up`: since 2026-11-19 03:12Z, 2 runs one
            after another
          - rows: 30,000, usually 12,100
        1 run has no summary that can be read
        "#);
        let account = &report().accounts[0];
        assert_eq!(account.troubles.len(), 2);
        assert!(account.troubles.iter().all(|t| t.runs == 2));
        assert_eq!(account.troubles[1].since, "2026-11-19T03:12:44Z");
        assert_eq!(account.shifts.len(), 1);
        assert_eq!(
            (account.shifts[0].figure, account.shifts[0].usual),
            ("rows", 12_100.0)
        );
    }

    #[test]
    fn few_runs_have_no_usual_figures_and_none_is_a_history_too() {
        let runs: Vec<Summary> = report().accounts[0].runs[2..].to_vec();
        let account = AccountHistory::new("a".into(), runs);
        assert_eq!(account.shifts, []);
        let none = HistoryReport::default();
        assert!(render_account_history(&none, View::default()).starts_with("no runs"));
        let mut out = Vec::new();
        write_account_history(&mut out, &none).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "{\"hcsync_history\":1,\"folder\":\"\",\"accounts\":[],\"unreadable\":[]}\n"
        );
    }
}
