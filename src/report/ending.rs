use serde::Serialize;

use crate::outcome::{CREATED_TWICE, RowStatus};
use crate::plan::causes::CauseGroup;
use crate::plan::{Explanation, Preview};

use super::cause_list;
use super::page::{Figure, Page, View};
use super::summary::Summary;
use super::terminal::{Style, human_count, human_duration, plural};

/// Everything that is said at the end of a run. The same facts in every format; never a value of a customer.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    pub summary: &'a Summary,
    /// Causes of errors, most rows first.
    pub errors: &'a [CauseGroup],
    /// Causes of warnings, most first.
    pub warnings: &'a [CauseGroup],
    /// Other things worth knowing, a sentence each.
    pub notes: &'a [String],
    /// Why the remote side was read as it was, where that was asked for.
    pub explain: Option<&'a Explanation>,
    /// The preview of what was then sent, for JSON.
    pub preview: Option<&'a Preview>,
    /// The files that were written.
    pub files: &'a [NamedPath],
}

/// A file that was written, with its full path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedPath {
    /// `results`, `rejected`, `summary`.
    pub name: String,
    pub path: String,
}

/// How a run ended, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Done,
    FinishedWithProblems,
    /// It could not be finished, or was told to stop.
    Stopped,
    /// Nothing was sent: usage, a safety limit, or another run's lock.
    Refused,
}

impl Outcome {
    /// By the exit code: rows with problems that the user tolerates are done.
    #[must_use]
    pub fn of(summary: &Summary) -> Self {
        match summary.exit_code {
            2 | 4 | 5 => Self::Refused,
            0 | 6 => Self::Done,
            3 => Self::FinishedWithProblems,
            _ => Self::Stopped,
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Done => Style::Good,
            Self::FinishedWithProblems => Style::Warn,
            Self::Stopped | Self::Refused => Style::Bad,
        }
    }
}

/// The end of a run as a text: one headline, figures, causes, files, and what goes on from there.
#[must_use]
pub fn render_ending(ending: &Ending<'_>, view: View) -> String {
    let mut page = Page::new(view);
    page.item(
        "",
        &headline(ending.summary),
        Outcome::of(ending.summary).style(),
    );
    counts(&mut page, ending.summary);
    requests(&mut page, ending.summary);
    causes(&mut page, "Problems", ending.errors, Style::Bad);
    causes(&mut page, "Warnings", ending.warnings, Style::Warn);
    if !ending.notes.is_empty() {
        page.heading("Notes");
    }
    for note in ending.notes {
        page.item("  - ", note, Style::Plain);
    }
    files(&mut page, ending.files);
    next(&mut page, ending.summary);
    page.finish()
}

pub(super) fn headline(summary: &Summary) -> String {
    let results = &summary.results;
    let twice = summary.errors.iter().filter(|e| e.code == CREATED_TWICE);
    let bad = results.need_attention() + twice.map(|e| e.count).sum::<u64>();
    let attention = plural(bad, "row needs", "rows need");
    let reason = summary.stop.as_ref().map(|stop| stop.message.as_str());
    let after = human_duration(summary.duration_s);
    let dry = if summary.dry_run {
        "; a dry run, nothing was written to HelpCrunch"
    } else {
        ""
    };
    match Outcome::of(summary) {
        Outcome::Done => {
            let tolerated = match bad {
                0 => String::new(),
                _ => format!(", of which {attention} attention"),
            };
            let all = plural(results.total(), "row", "rows");
            format!("Done: {all} in {after}{tolerated}{dry}")
        }
        Outcome::FinishedWithProblems => {
            let all = plural(results.total(), "row", "rows");
            format!("Finished with problems: of {all}, {attention} attention{dry}")
        }
        Outcome::Stopped => format!(
            "Stopped after {after}: {}",
            reason.unwrap_or("the run could not be finished")
        ),
        Outcome::Refused => format!(
            "Nothing was sent: {}",
            reason.unwrap_or(refusal(summary.exit_code))
        ),
    }
}

fn refusal(exit_code: u8) -> &'static str {
    match exit_code {
        4 => "a safety limit refused the plan",
        5 => "another run holds this account's lock",
        _ => "the command, its config or its input cannot be used",
    }
}

fn counts(page: &mut Page, summary: &Summary) {
    use RowStatus::{
        Created, Failed, InDoubt, Pending, Rejected, Skipped, Unchanged, Updated, WouldCreate,
        WouldUpdate,
    };
    let rows = [
        ("created", Created, Style::Good),
        ("updated", Updated, Style::Good),
        ("would be created", WouldCreate, Style::Good),
        ("would be updated", WouldUpdate, Style::Good),
        ("unchanged", Unchanged, Style::Plain),
        ("skipped", Skipped, Style::Plain),
        ("rejected", Rejected, Style::Bad),
        ("failed", Failed, Style::Bad),
        ("in doubt", InDoubt, Style::Bad),
        ("not reached", Pending, Style::Warn),
    ];
    let figures = rows
        .into_iter()
        .map(|(label, status, style)| (label, summary.results.get(status), style));
    let figures: Vec<_> = figures
        .filter(|(_, count, _)| *count > 0)
        .map(|(label, count, style)| Figure::new(label, count, style))
        .collect();
    if !figures.is_empty() {
        page.heading("Rows");
        page.figures(&figures);
    }
}

fn requests(page: &mut Page, summary: &Summary) {
    let requests = &summary.requests;
    if requests.total == 0 {
        return;
    }
    page.heading("Requests");
    page.item("  ", &pace(summary), Style::Plain);
    let kinds = format!(
        "{} to read, {} to write",
        human_count(requests.read),
        human_count(requests.write)
    );
    let repeated = plural(requests.retries, "retry", "retries");
    let limited = plural(requests.rate_limited, "answer", "answers");
    let trouble = match (requests.retries, requests.rate_limited) {
        (0, 0) => String::new(),
        (_, 0) => format!("; {repeated}"),
        _ => format!("; {repeated}, {limited} over the rate limit"),
    };
    page.item("  ", &format!("{kinds}{trouble}"), Style::Plain);
}

fn pace(summary: &Summary) -> String {
    let sent = plural(summary.requests.total, "request", "requests");
    let (time, rate) = (human_duration(summary.duration_s), &summary.rate);
    let text = format!("{sent} in {time}, {:.1} a minute", rate.achieved_per_minute);
    match (rate.limit_per_minute, rate.utilisation) {
        (Some(limit), Some(share)) => {
            format!(
                "{text}: {:.0} % of the limit of {}",
                share * 100.0,
                human_count(limit.into())
            )
        }
        _ => text,
    }
}

fn causes(page: &mut Page, heading: &str, groups: &[CauseGroup], style: Style) {
    if groups.is_empty() {
        return;
    }
    page.heading(heading);
    let listed: Vec<_> = groups.iter().map(|g| (&g.cause, g.http_status)).collect();
    cause_list::list(page, &listed, style);
}

fn files(page: &mut Page, files: &[NamedPath]) {
    if files.is_empty() {
        return;
    }
    page.heading("Files");
    let width = files.iter().map(|f| f.name.len()).max().unwrap_or(0);
    for file in files {
        page.exact(&format!("  {:<width$}  ", file.name), &file.path);
    }
}

fn next(page: &mut Page, summary: &Summary) {
    let stop = summary.stop.as_ref();
    if let Some(command) = stop.and_then(|s| s.next_command.as_ref()) {
        page.heading("To go on from here");
        page.exact("  ", command);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Issue, IssueKind};
    use crate::report::summary::tests::sample;
    use crate::report::terminal::{is_hidden, text_width};
    use crate::report::{ResultCounts, Stop, Tally, samples, write_ending};

    fn paths() -> Vec<NamedPath> {
        let path = |name: &str, path: &str| NamedPath {
            name: name.into(),
            path: path.into(),
        };
        vec![
            path(
                "results",
                "/var/lib/hcsync/runs/20261120T031244Z-k3f9/results.csv",
            ),
            path(
                "rejected",
                "/var/lib/hcsync/accounts/production/runs/20261120T031244Z-k3f9/rejected by HelpCrunch.csv",
            ),
        ]
    }

    fn stop(message: &str, command: &str) -> Option<Stop> {
        Some(Stop {
            reason: "max_requests".into(),
            message: message.into(),
            next_command: Some(command.into()),
        })
    }

    fn text(ending: &Ending<'_>) -> String {
        render_ending(ending, View::default())
    }

    fn bare(summary: &Summary) -> Ending<'_> {
        Ending {
            summary,
            errors: &[],
            warnings: &[],
            notes: &[],
            explain: None,
            preview: None,
            files: &[],
        }
    }

    fn tally() -> Tally {
        let mut tally = Tally::default();
        samples::results().iter().for_each(|r| tally.add(r));
        tally.add(&samples::rejected());
        tally
    }

    #[test]
    fn a_run_with_problems_in_80_columns() {
        let (summary, tally) = (sample(), tally());
        let ending = Ending {
            errors: &tally.errors(),
            warnings: &tally.warnings(),
            notes: &["the run of yesterday was settled first".into()],
            files: &paths(),
            ..bare(&summary)
        };
        insta::assert_snapshot!(text(&ending));
        let coloured = render_ending(&ending, View::new(80, true));
        insta::assert_snapshot!(
            "a_run_with_problems_in_colour",
            coloured.replace('\u{1b}', "␛")
        );
    }

    #[test]
    fn a_clean_run_is_short() {
        let mut summary = sample();
        summary.exit_code = 0;
        summary.results = ResultCounts {
            created: 1,
            unchanged: 4,
            ..ResultCounts::default()
        };
        summary.requests.rate_limited = 0;
        insta::assert_snapshot!(text(&bare(&summary)), @r#"
        Done: 5 rows in 10 min 24 s

        Rows
          created             1
          unchanged           4

        Requests
          1,234 requests in 10 min 24 s, 118.7 a minute: 99 % of the limit of 120
          134 to read, 1,100 to write; 3 retries
        "#);
        summary.dry_run = true;
        assert!(
            text(&bare(&summary))
                .starts_with("Done: 5 rows in 10 min 24 s; a dry run, nothing was written")
        );
    }

    #[test]
    fn a_stop_ends_with_the_exact_command_unbroken() {
        let command = "hcsync resume 20261120T031244Z-k3f9 --state-dir '/var/lib/hcsync/a folder with a long name'";
        let summary = Summary {
            exit_code: 7,
            stop: stop(
                "1,000 requests were sent, as `--max-requests` said",
                command,
            ),
            results: ResultCounts {
                created: 100,
                pending: 900,
                ..ResultCounts::default()
            },
            ..sample()
        };
        insta::assert_snapshot!(text(&bare(&summary)), @r#"
        Stopped after 10 min 24 s: 1,000 requests were sent, as `--max-requests` said

        Rows
          created           100
          not reached       900

        Requests
          1,234 requests in 10 min 24 s, 118.7 a minute: 99 % of the limit of 120
          134 to read, 1,100 to write; 3 retries, 1 answer over the rate limit

        To go on from here
            hcsync resume 20261120T031244Z-k3f9 --state-dir '/var/lib/hcsync/a folder with a long name'
        "#);
        assert!(text(&bare(&summary)).ends_with(&format!("    {command}\n")));
    }

    #[test]
    fn the_exit_code_decides_what_the_headline_says() {
        use Outcome::{Done, FinishedWithProblems, Refused, Stopped};
        for (exit_code, outcome, start) in [
            (0, Done, "Done: "),
            (1, Stopped, "Stopped after "),
            (2, Refused, "Nothing was sent: the command"),
            (3, FinishedWithProblems, "Finished with problems: "),
            (4, Refused, "Nothing was sent: a safety limit"),
            (5, Refused, "Nothing was sent: another run"),
            (6, Done, "Done: "),
            (7, Stopped, "Stopped after "),
            (130, Stopped, "Stopped after "),
            (143, Stopped, "Stopped after "),
        ] {
            let summary = Summary {
                exit_code,
                ..sample()
            };
            assert_eq!(Outcome::of(&summary), outcome, "{exit_code}");
            assert!(
                headline(&summary).starts_with(start),
                "{exit_code}: {}",
                headline(&summary)
            );
        }
    }

    #[test]
    fn json_says_the_same() {
        let (summary, tally) = (sample(), tally());
        let ending = Ending {
            errors: &tally.errors(),
            files: &paths(),
            ..bare(&summary)
        };
        let mut out = Vec::new();
        write_ending(&mut out, &ending).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(json["outcome"], "finished_with_problems");
        assert_eq!(json["problems"][0]["count"], 2);
        assert_eq!(json["problems"][0]["code"], "bad_date");
        assert!(
            json["problems"][0]["what_to_do"]
                .as_str()
                .unwrap()
                .contains("`format`")
        );
        assert_eq!(json["files"][0]["name"], "results");
        assert_eq!(
            serde_json::from_value::<Summary>(json["summary"].clone()).unwrap(),
            summary
        );
    }

    proptest! {
        #[test]
        fn only_paths_and_commands_may_be_too_wide(
            texts in proptest::collection::vec("\\PC{0,40}|[a-z ]{0,120}|(?s).{0,20}", 6),
            width in 40_usize..120,
        ) {
            let mut tally = Tally::default();
            let issue = Issue::new(IssueKind::Api, &texts[0], &texts[1]).column(&texts[2]).status(400);
            let mut row = samples::failed();
            row.source = texts[3].clone();
            row.error = Some(issue);
            tally.add(&row);
            let command = format!("hcsync {}", "x".repeat(100));
            let summary = Summary { exit_code: 1, stop: stop(&texts[4], &command), ..sample() };
            let ending = Ending {
                errors: &tally.errors(),
                notes: &[texts[5].clone()],
                files: &paths(),
                ..bare(&summary)
            };
            let text = render_ending(&ending, View::new(width, false));
            prop_assert!(text.contains(&command));
            prop_assert!(paths().iter().all(|p| text.contains(&p.path)));
            for line in text.lines() {
                prop_assert!(!line.chars().any(is_hidden), "{line:?}");
                let exact = line.trim() == command || paths().iter().any(|p| line.trim() == p.path);
                prop_assert!(exact || text_width(line) <= width, "{line:?}");
            }
        }
    }
}
