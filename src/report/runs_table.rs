use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value as Json;

use super::json_text::write_line;
use super::page::{Page, View};
use super::terminal::{Style, human_count, padding, plural, text_width};

/// One run as a list of runs shows it.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RunEntry {
    pub run_id: String,
    /// RFC 3339, UTC; so is `ended_at`. Nothing where the run cannot be read; likewise the members below.
    pub created_at: Option<String>,
    pub ended_at: Option<String>,
    pub command: Option<String>,
    /// Whether it could not write, however it went.
    pub dry_run: bool,
    /// `planning`, `planned`, `applying`, `stopped`, `finished`, `superseded`, or `unreadable`.
    pub state: String,
    pub superseded_by: Option<String>,
    pub exit_code: Option<u8>,
    /// As the user named them.
    pub inputs: Vec<String>,
    /// Figures by name: of the results once there are any, else of the plan.
    pub counts: Json,
    /// The exact command that goes on with it, where one can.
    pub resume: Option<String>,
    /// Why it cannot be read.
    pub problem: Option<String>,
    /// Full path of its folder.
    pub path: String,
}

/// Everything that `runs` says.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RunsList {
    /// Full path of the folder that holds the runs.
    pub folder: String,
    /// Newest first.
    pub runs: Vec<RunEntry>,
    /// Ids of the runs that were removed; nothing where none were to be.
    pub removed: Option<Vec<String>>,
    /// Why runs that should have gone are still there.
    pub not_removed: Vec<String>,
}

#[derive(Serialize)]
struct RunsJson<'a> {
    hcsync_runs: u32,
    #[serde(flatten)]
    list: &'a RunsList,
}

/// Writes the list for `--output json`, one line.
///
/// # Errors
/// When the writer fails.
pub fn write_runs(out: impl Write, list: &RunsList) -> io::Result<()> {
    let json = RunsJson {
        hcsync_runs: 1,
        list,
    };
    write_line(out, &json)
}

const HEADS: [&str; 5] = ["run", "started (UTC)", "command", "state", "exit"];

/// The list as a text: a line with what each run is, below it what came of it and how to go on.
#[must_use]
pub fn render_runs(list: &RunsList, view: View) -> String {
    let mut page = Page::new(view);
    removed(&mut page, list);
    if list.runs.is_empty() {
        page.exact("no runs in ", &list.folder);
        return page.finish();
    }
    if list.removed.is_some() {
        page.heading("Runs");
    }
    let lines: Vec<[String; 5]> = list.runs.iter().map(cells).collect();
    let widths = widths(&lines);
    line(&mut page, &HEADS.map(str::to_owned), widths, Style::Heading);
    for (run, cells) in list.runs.iter().zip(&lines) {
        line(&mut page, cells, widths, style(run));
        page.item("    ", &what_came(run), Style::Plain);
        if let Some(command) = &run.resume {
            page.exact("    goes on with: ", command);
        }
    }
    page.finish()
}

fn removed(page: &mut Page, list: &RunsList) {
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

fn cells(run: &RunEntry) -> [String; 5] {
    let started = run.created_at.as_deref().map_or("?", short_time);
    [
        run.run_id.clone(),
        started.replace('T', " "),
        run.command.clone().unwrap_or_else(|| "?".to_owned()),
        run.state.clone(),
        run.exit_code
            .map_or_else(|| "-".to_owned(), |code| code.to_string()),
    ]
}

/// `2026-11-20T03:12` of `2026-11-20T03:12:44Z`.
fn short_time(time: &str) -> &str {
    time.get(..16).unwrap_or(time)
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

fn line(page: &mut Page, cells: &[String; 5], widths: [usize; 5], style: Style) {
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

fn what_came(run: &RunEntry) -> String {
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
    // A run against the sandbox within the program cannot write to HelpCrunch either, and still creates.
    let count = |name: &str| run.counts.get(name).and_then(Json::as_u64).unwrap_or(0);
    let wrote = count("created") + count("updated") > 0;
    let dry = if run.dry_run && !wrote {
        ", nothing written"
    } else {
        ""
    };
    let by = run.superseded_by.as_ref();
    let by = by.map(|by| format!("; {by} took its place"));
    format!(
        "{inputs}: {}{dry}{}",
        figures(&run.counts),
        by.unwrap_or_default()
    )
}

/// Names of counts in the order in which they are told, and what they are called.
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
        run                    started (UTC)     command  state       exit
        20261120T031244Z-k3f9  2026-11-20 03:12  sync     finished    3
            customers.csv: 1,234 created, 1 rejected
        20261119T031244Z-k3f8  2026-11-20 03:12  sync     stopped     7
            a.csv and 1 other input: 3 to create
            goes on with: hcsync resume 20261119T031244Z-k3f8
        20261118T031244Z-k3f7  2026-11-20 03:12  plan     planning    -
            customers.csv: not planned, nothing written
        20261117T031244Z-k3f6  2026-11-20 03:12  sync     superseded  3
            customers.csv: 2 not reached; 20261118T031244Z-k3f7 took its place
        20261116T031244Z-k3f5  ?                 ?        unreadable  -
            run.json is damaged
        "#);
    }

    #[test]
    fn no_line_is_wider_than_the_view_but_a_command() {
        for line in render_runs(&runs(), View::new(44, false)).lines() {
            assert!(
                text_width(line) <= 44 || line.contains("hcsync resume"),
                "{line:?}"
            );
        }
    }

    #[test]
    fn what_was_removed_is_said_first() {
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
    fn json_holds_every_member() {
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
