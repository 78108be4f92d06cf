use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value as Json;

use super::json_text::write_line;
use super::page::{TextPage, View};
use super::run_status::RunStatus;
use super::terminal::{Style, human_count, padding, plural, text_width};
use crate::domain::local_time::short_time;

/// One run as a list of runs shows it.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RunEntry {
    pub run_id: String,
    /// RFC 3339, UTC; so is `ended_at`. `None` if the run cannot be read, as are the members below.
    pub created_at: Option<String>,
    pub ended_at: Option<String>,
    pub command: Option<String>,
    /// What HelpCrunch calls its account, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Whether it could not write.
    pub dry_run: bool,
    /// What became of it; `None` if it cannot be read.
    pub status: Option<RunStatus>,
    /// As stored: `planning`, `planned`, `applying`, `stopped`, `finished`, `superseded`, or `unreadable`.
    pub state: String,
    pub superseded_by: Option<String>,
    /// The run that it takes back, if it is an undo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
    pub exit_code: Option<u8>,
    /// As the user named them.
    pub inputs: Vec<String>,
    /// Figures by name: of the results if there are any, else of the plan.
    pub counts: Json,
    /// The exact command that resumes it, if it can be resumed.
    pub resume: Option<String>,
    /// Why it cannot be read.
    pub problem: Option<String>,
    /// Full path of its folder.
    pub path: String,
}

/// Everything that `hcsync runs` reports.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RunsList {
    /// Full path of the folder that holds the runs.
    pub folder: String,
    /// Newest first.
    pub runs: Vec<RunEntry>,
    /// Ids of removed runs; `None` if none were to be removed.
    pub removed: Option<Vec<String>>,
    /// Why runs could not be removed, a sentence each.
    pub not_removed: Vec<String>,
}

#[derive(Serialize)]
struct RunsJson<'a> {
    hcsync_runs: u32,
    #[serde(flatten)]
    list: &'a RunsList,
}

/// Writes the list as one line of JSON.
pub fn write_runs(out: impl Write, list: &RunsList) -> io::Result<()> {
    let json = RunsJson {
        hcsync_runs: 1,
        list,
    };
    write_line(out, &json)
}

/// Returns the list in one line.
pub fn runs_headline(list: &RunsList) -> String {
    let resumable = list.runs.iter().filter(|run| run.resume.is_some());
    format!(
        "{}, {} can be resumed",
        plural(list.runs.len() as u64, "run", "runs"),
        resumable.count()
    )
}

const HEADS: [&str; 5] = ["run", "started", "command", "state", "exit"];

/// Returns the list as text: a line for each run, and below it what it did and how to resume it.
pub fn render_runs(list: &RunsList, view: View) -> String {
    let mut page = TextPage::new(view);
    render_removed(&mut page, list);
    if list.runs.is_empty() {
        page.exact("no runs in ", &list.folder);
        return page.finish();
    }
    if list.removed.is_some() {
        page.heading("Runs");
    }
    let lines = list.runs.iter().map(|run| cells(run, view));
    let lines: Vec<[String; 5]> = lines.collect();
    let widths = widths(&lines);
    render_line(&mut page, &HEADS.map(str::to_owned), widths, Style::Heading);
    for (run, cells) in list.runs.iter().zip(&lines) {
        render_line(&mut page, cells, widths, style(run));
        page.item("    ", &description(run), Style::Plain);
        if let Some(command) = &run.resume {
            page.exact("    resume with: ", command);
        }
    }
    page.finish()
}

fn render_removed(page: &mut TextPage, list: &RunsList) {
    let Some(removed) = &list.removed else {
        return;
    };
    if removed.is_empty() {
        page.item("", "no run was old enough to be removed", Style::Plain);
    } else {
        let runs = plural(removed.len() as u64, "run was", "runs were");
        page.item("", &format!("{runs} removed:"), Style::Heading);
    }
    for id in removed {
        page.item("  ", id, Style::Plain);
    }
    for problem in &list.not_removed {
        page.item("", problem, Style::Bad);
    }
}

fn cells(run: &RunEntry, view: View) -> [String; 5] {
    let started = run.created_at.as_deref();
    [
        run.run_id.clone(),
        started.map_or_else(|| "?".to_owned(), |time| short_time(time, view.zone())),
        run.command.clone().unwrap_or_else(|| "?".to_owned()),
        run.status
            .map_or_else(|| run.state.clone(), |status| status.words().to_owned()),
        run.exit_code
            .map_or_else(|| "-".to_owned(), |code| code.to_string()),
    ]
}

fn widths(lines: &[[String; 5]]) -> [usize; 5] {
    let mut widths = HEADS.map(text_width);
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(text_width(cell));
        }
    }
    widths
}

fn render_line(page: &mut TextPage, cells: &[String; 5], widths: [usize; 5], style: Style) {
    let padded = cells.iter().zip(widths);
    let padded: Vec<_> = padded
        .map(|(cell, width)| format!("{cell}{}", padding(cell, width)))
        .collect();
    let text = padded.join("  ");
    let text = text.trim_end();
    if text_width(text) <= page.width() {
        page.line(&[(text, style)]);
    } else {
        page.item("", text, style);
    }
}

fn style(run: &RunEntry) -> Style {
    match (run.exit_code, run.resume.is_some()) {
        _ if run.problem.is_some() => Style::Bad,
        (_, true) => Style::Warn,
        (Some(0 | 6), _) => Style::Good,
        _ => Style::Plain,
    }
}

pub(super) fn description(run: &RunEntry) -> String {
    if let Some(problem) = &run.problem {
        return problem.clone();
    }
    let inputs = match run.inputs.as_slice() {
        [] => "no input".to_owned(),
        [one] => one.clone(),
        [first, rest @ ..] => format!(
            "{first} and {}",
            plural(rest.len() as u64, "other input", "other inputs")
        ),
    };
    // A run against the built-in sandbox cannot write to HelpCrunch, but still creates customers there.
    let count = |name: &str| run.counts.get(name).and_then(Json::as_u64).unwrap_or(0);
    let wrote = count("created") + count("updated") > 0;
    let dry = if run.dry_run && !wrote {
        ", nothing written"
    } else {
        ""
    };
    let account = run.organization.as_ref();
    let account = account.map(|name| format!(", account {name}"));
    let undone = run.undoes.as_ref();
    let undone = undone.map(|run| format!("; takes back run {run}"));
    let by = run.superseded_by.as_ref();
    let by = by.map(|by| format!("; superseded by {by}"));
    format!(
        "{inputs}: {}{dry}{}{}{}",
        figures(&run.counts),
        account.unwrap_or_default(),
        undone.unwrap_or_default(),
        by.unwrap_or_default()
    )
}

/// Names of counts in the order in which they are shown, and their labels.
const FIGURES: [(&str, &str); 14] = [
    ("created", "created"),
    ("updated", "updated"),
    ("would_create", "would be created"),
    ("would_update", "would be updated"),
    ("create", "to create"),
    ("patch", "to patch"),
    ("tag", "to tag"),
    ("untag", "to untag"),
    ("unchanged", "unchanged"),
    ("skipped", "skipped"),
    ("rejected", "rejected"),
    ("failed", "failed"),
    ("in_doubt", "in doubt"),
    ("pending", "not reached"),
];

fn figures(counts: &Json) -> String {
    let figure = |(name, words): &(&str, &str)| {
        let count = counts.get(name).and_then(Json::as_u64);
        let count = count.filter(|count| *count > 0)?;
        Some(format!("{} {words}", human_count(count)))
    };
    let figures: Vec<_> = FIGURES.iter().filter_map(figure).collect();
    match figures.as_slice() {
        [] if counts.is_null() => "not planned".to_owned(),
        [] => "no rows".to_owned(),
        some => some.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn runs() -> RunsList {
        let run = RunEntry {
            run_id: "20261120T031244Z-k3f9".into(),
            created_at: Some("2026-11-20T03:12:44Z".into()),
            command: Some("sync".into()),
            state: "finished".into(),
            exit_code: Some(3),
            inputs: vec!["customers.csv".into()],
            counts: json!({"created": 1_234, "rejected": 1, "failed": 0}),
            path: "/var/lib/hcsync/runs/20261120T031244Z-k3f9".into(),
            ..RunEntry::default()
        };
        let stopped = RunEntry {
            run_id: "20261119T031244Z-k3f8".into(),
            state: "stopped".into(),
            exit_code: Some(7),
            inputs: vec!["a.csv".into(), "b.csv".into()],
            counts: json!({"create": 3, "pending": 0}),
            resume: Some("hcsync resume 20261119T031244Z-k3f8".into()),
            ..run.clone()
        };
        let planned = RunEntry {
            run_id: "20261118T031244Z-k3f7".into(),
            command: Some("plan".into()),
            state: "planning".into(),
            exit_code: None,
            dry_run: true,
            counts: Json::Null,
            ..run.clone()
        };
        let superseded = RunEntry {
            run_id: "20261117T031244Z-k3f6".into(),
            state: "superseded".into(),
            superseded_by: Some("20261118T031244Z-k3f7".into()),
            counts: json!({"pending": 2}),
            ..run.clone()
        };
        let unreadable = RunEntry {
            run_id: "20261116T031244Z-k3f5".into(),
            state: "unreadable".into(),
            problem: Some("run.json is damaged".into()),
            ..RunEntry::default()
        };
        RunsList {
            folder: "/var/lib/hcsync/runs".into(),
            runs: vec![run, stopped, planned, superseded, unreadable],
            ..RunsList::default()
        }
    }

    #[test]
    fn a_list_in_80_columns() {
        insta::assert_snapshot!(render_runs(&runs(), View::default()), @r#"
        run                    started            command  state       exit
        20261120T031244Z-k3f9  2026-11-20 03:12Z  sync     finished    3
            customers.csv: 1,234 created, 1 rejected
        20261119T031244Z-k3f8  2026-11-20 03:12Z  sync     stopped     7
            a.csv and 1 other input: 3 to create
            resume with: hcsync resume 20261119T031244Z-k3f8
        20261118T031244Z-k3f7  2026-11-20 03:12Z  plan     planning    -
            customers.csv: not planned, nothing written
        20261117T031244Z-k3f6  2026-11-20 03:12Z  sync     superseded  3
            customers.csv: 2 not reached; superseded by 20261118T031244Z-k3f7
        20261116T031244Z-k3f5  ?                  ?        unreadable  -
            run.json is damaged
        "#);
    }

    #[test]
    fn only_commands_are_wider_than_the_view() {
        for line in render_runs(&runs(), View::new(44, false)).lines() {
            assert!(
                text_width(line) <= 44 || line.contains("hcsync resume"),
                "{line:?}"
            );
        }
    }

    #[test]
    fn removed_runs_come_first() {
        let list = RunsList {
            runs: Vec::new(),
            removed: Some(vec!["20260101T000000Z-aaaa".into()]),
            not_removed: vec!["20260102T000000Z-aaaa: permission denied".into()],
            ..runs()
        };
        insta::assert_snapshot!(render_runs(&list, View::default()), @r#"
        1 run was removed:
          20260101T000000Z-aaaa
        20260102T000000Z-aaaa: permission denied
        no runs in /var/lib/hcsync/runs
        "#);
    }

    #[test]
    fn json_has_every_member() {
        let mut out = Vec::new();
        write_runs(&mut out, &runs()).unwrap();
        let json: Json = serde_json::from_slice(&out).unwrap();
        assert_eq!(json["hcsync_runs"], 1);
        assert_eq!(json["runs"][0]["counts"]["created"], 1_234);
        assert_eq!(
            json["runs"][1]["resume"],
            "hcsync resume 20261119T031244Z-k3f8"
        );
        assert_eq!(json["runs"][4]["problem"], "run.json is damaged");
        assert_eq!(json["removed"], Json::Null);
    }
}
