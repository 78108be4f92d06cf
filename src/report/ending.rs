use serde::Serialize;

use crate::outcome::CREATED_TWICE;
use crate::plan::causes::CauseGroup;
use crate::plan::{Cause, Explanation, Preview};

use super::cause_list;
use super::counts_text::counts;
use super::page::{TextPage, View};
use super::screen::{describe_target, render_first, render_left_out};
use super::summary::Summary;
use super::terminal::{Style, human_count, human_duration, plural};
use crate::domain::local_time::local_time;

/// Everything that is reported at the end of a run, in every format. It has no customers' values.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    pub summary: &'a Summary,
    /// Causes of errors, most rows first.
    pub errors: &'a [CauseGroup],
    /// Causes of warnings, most first.
    pub warnings: &'a [CauseGroup],
    /// Other things worth knowing, a sentence each.
    pub notes: &'a [String],
    /// Why customers were read in the way that they were, with `--explain`.
    pub explain: Option<&'a Explanation>,
    /// The preview of what was sent, for JSON.
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
pub enum RunOutcome {
    Done,
    FinishedWithProblems,
    /// It could not be finished, or was stopped.
    Stopped,
    /// Nothing was sent: usage, a safety limit, or another run's lock.
    Refused,
}

impl RunOutcome {
    /// Derived from the exit code: problems that the config tolerates still count as done.
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

/// Returns the end of a run as text. The first screen has the headline, figures, problems as far as they fit, files, and the
/// command that continues; below it follow the other problems and the notes, unless the view is brief.
pub fn render_ending(ending: &Ending<'_>, view: View) -> String {
    let mut page = TextPage::new(view);
    let summary = ending.summary;
    page.item("", &headline(summary), RunOutcome::of(summary).style());
    render_facts(&mut page, summary, view);
    let mut foot = TextPage::new(view);
    render_files(&mut foot, ending.files);
    render_next(&mut foot, summary);
    let errors = with_status(ending.errors);
    let mut items = cause_list::items(view, &errors, Style::Bad);
    let warnings = with_status(ending.warnings);
    items.extend(cause_list::items(view, &warnings, Style::Warn));
    // Below it are an empty line, the files, and up to three lines on standard error.
    let rest = render_first(&mut page, "Problems", &items, foot.lines() + 4);
    if view.is_brief() {
        render_left_out(&mut page, rest.len());
    }
    if foot.lines() > 0 {
        page.gap();
        page.append(&foot);
    }
    if !view.is_brief() {
        render_rest(&mut page, rest, ending.notes);
    }
    page.finish()
}

fn render_rest(page: &mut TextPage, problems: &[TextPage], notes: &[String]) {
    if !problems.is_empty() {
        page.heading("More problems");
    }
    problems.iter().for_each(|item| page.append(item));
    if !notes.is_empty() {
        page.heading("Notes");
    }
    for note in notes {
        page.item("  - ", note, Style::Plain);
    }
}

fn with_status(groups: &[CauseGroup]) -> Vec<(&Cause, Option<u16>)> {
    groups.iter().map(|g| (&g.cause, g.http_status)).collect()
}

/// Returns the end of a run in one line.
pub fn headline(summary: &Summary) -> String {
    let results = &summary.results;
    let twice = summary.errors.iter().filter(|e| e.code == CREATED_TWICE);
    let missing = summary.missing.map_or(0, |m| m.needing_attention());
    let bad = results.needing_attention() + missing + twice.map(|e| e.count).sum::<u64>();
    let attention = plural(bad, "row needs", "rows need");
    let reason = summary.stop.as_ref().map(|stop| stop.message.as_str());
    let after = human_duration(summary.duration_s);
    let dry = if summary.dry_run {
        "; a dry run, nothing was written to HelpCrunch"
    } else {
        ""
    };
    match RunOutcome::of(summary) {
        RunOutcome::Done => {
            let tolerated = match bad {
                0 => String::new(),
                _ => format!(", of which {attention} attention"),
            };
            let all = plural(results.total(), "row", "rows");
            format!("Done: {all} in {after}{tolerated}{dry}")
        }
        RunOutcome::FinishedWithProblems => {
            let all = plural(results.total(), "row", "rows");
            format!("Finished with problems: of {all}, {attention} attention{dry}")
        }
        RunOutcome::Stopped => format!(
            "Stopped after {after}: {}",
            reason.unwrap_or("the run could not be finished")
        ),
        RunOutcome::Refused => format!(
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

fn render_facts(page: &mut TextPage, summary: &Summary, view: View) {
    if let Some(target) = &summary.target {
        page.item("  in        ", &describe_target(target), Style::Plain);
    }
    let rows = counts(&summary.results);
    if !rows.is_empty() {
        page.item("  rows      ", &rows, Style::Plain);
    }
    if let Some(missing) = &summary.missing {
        let text = format!("{} (no longer in the input)", counts(missing));
        page.item("  missing   ", &text, Style::Plain);
    }
    if summary.requests.total > 0 {
        page.item("  requests  ", &pace(summary), Style::Plain);
    }
    if !summary.finished_at.is_empty() {
        let ended = local_time(&summary.finished_at, view.zone());
        page.item("  ended     ", &ended, Style::Plain);
    }
}

fn pace(summary: &Summary) -> String {
    let requests = &summary.requests;
    let (time, rate) = (human_duration(summary.duration_s), &summary.rate);
    let mut text = format!(
        "{} in {time} ({} to read, {} to write), {:.1} a minute",
        human_count(requests.total),
        human_count(requests.read),
        human_count(requests.write),
        rate.achieved_per_minute
    );
    if let (Some(limit), Some(share)) = (rate.limit_per_minute, rate.utilisation) {
        let limit = human_count(limit.into());
        text.push_str(&format!(": {:.0} % of the limit of {limit}", share * 100.0));
    }
    if requests.retries > 0 {
        text.push_str(&format!(
            "; {}",
            plural(requests.retries, "retry", "retries")
        ));
    }
    if requests.rate_limited > 0 {
        let answers = plural(requests.rate_limited, "answer", "answers");
        text.push_str(&format!(", {answers} over the rate limit"));
    }
    text
}

fn render_files(page: &mut TextPage, files: &[NamedPath]) {
    if files.is_empty() {
        return;
    }
    page.heading("Files");
    let width = files.iter().map(|f| f.name.len()).max().unwrap_or(0);
    for file in files {
        page.exact(&format!("  {:<width$}  ", file.name), &file.path);
    }
}

fn render_next(page: &mut TextPage, summary: &Summary) {
    let stop = summary.stop.as_ref();
    if let Some(command) = stop.and_then(|s| s.next_command.as_ref()) {
        page.heading("To continue");
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
          in        account production at api.helpcrunch.com
          rows      +1 created, 4 unchanged
          requests  1,234 in 10 min 24 s (134 to read, 1,100 to write), 118.7 a minute:
                    99 % of the limit of 120; 3 retries
          ended     2026-11-20 03:23 UTC
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
          in        account production at api.helpcrunch.com
          rows      +100 created, 900 not reached
          requests  1,234 in 10 min 24 s (134 to read, 1,100 to write), 118.7 a minute:
                    99 % of the limit of 120; 3 retries, 1 answer over the rate limit
          ended     2026-11-20 03:23 UTC

        To continue
            hcsync resume 20261120T031244Z-k3f9 --state-dir '/var/lib/hcsync/a folder with a long name'
        "#);
        assert!(text(&bare(&summary)).ends_with(&format!("    {command}\n")));
    }

    #[test]
    fn the_exit_code_decides_what_the_headline_says() {
        use RunOutcome::{Done, FinishedWithProblems, Refused, Stopped};
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
            assert_eq!(RunOutcome::of(&summary), outcome, "{exit_code}");
            assert!(
                headline(&summary).starts_with(start),
                "{exit_code}: {}",
                headline(&summary)
            );
        }
    }

    #[test]
    fn json_has_the_same_facts() {
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
