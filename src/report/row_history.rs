//! What runs did with one row or customer: `hcsync why`. It shows values, since that is what was asked for.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value as Json;

use crate::domain::Issue;
use crate::outcome::{OperationResult, RowResult};

use super::advice::advice;
use super::changes::Change;
use super::json_text::write_line;
use super::page::{TextPage, View};
use super::place::{key_parts, place};
use super::terminal::{Style, clean, plural};

const INDENT: &str = "    ";

/// A row of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HistoryEntry {
    pub run_id: String,
    pub command: String,
    /// RFC 3339, UTC.
    pub started_at: String,
    pub dry_run: bool,
    pub result: RowResult,
    /// Each changed attribute, old → new.
    pub changes: Vec<Change>,
}

/// Everything that `hcsync why` reports.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RowHistory {
    pub query: String,
    /// Newest run first.
    pub entries: Vec<HistoryEntry>,
    /// Runs that were searched.
    pub runs: u64,
    /// Runs that could not be read.
    pub unreadable: Vec<String>,
}

#[derive(Serialize)]
struct HistoryJson<'a> {
    hcsync_why: u32,
    #[serde(flatten)]
    history: &'a RowHistory,
}

/// Writes the history as one line of JSON.
pub fn write_history(out: impl Write, history: &RowHistory) -> io::Result<()> {
    let json = HistoryJson {
        hcsync_why: 1,
        history,
    };
    write_line(out, &json)
}

/// Returns the history in one line.
pub fn history_headline(history: &RowHistory) -> String {
    format!(
        "{} of {} for `{}`",
        plural(history.entries.len() as u64, "record", "records"),
        plural(history.runs, "run", "runs"),
        clean(&history.query)
    )
}

/// Returns the history as text.
pub fn render_history(history: &RowHistory, view: View) -> String {
    let mut page = TextPage::new(view);
    for entry in &history.entries {
        render_entry(&mut page, entry);
    }
    let summary = format!(
        "{}. Runs keep no record of rows that were unchanged or skipped.",
        history_headline(history)
    );
    page.item("", &summary, Style::Dim);
    for run in &history.unreadable {
        page.item("", &format!("run {run} cannot be read"), Style::Warn);
    }
    page.finish()
}

fn render_entry(page: &mut TextPage, entry: &HistoryEntry) {
    let HistoryEntry { result, .. } = entry;
    let started = entry.started_at.get(..16).unwrap_or(&entry.started_at);
    let dry = if entry.dry_run { ", dry run" } else { "" };
    page.heading(&format!(
        "{} UTC, {} {}{dry}: {}",
        started.replace('T', " "),
        entry.command,
        entry.run_id,
        result.status.as_str().replace('_', " ")
    ));
    let mut parts = vec![place(&result.source, result.line, result.row, page.width())];
    parts.extend(result.customer_id.map(|id| format!("customer {id}")));
    let keys = key_parts(&result.key).into_iter();
    parts.extend(keys.map(|(name, text)| format!("{name} {}", clean(&text))));
    page.item("  ", &parts.join(", "), Style::Plain);
    if let Some(row) = result.merged_into {
        page.item("  ", &format!("merged into row {row}"), Style::Plain);
    }
    for operation in &result.operations {
        page.item("  ", &operation_line(operation), Style::Plain);
        let of_operation = entry.changes.iter().filter(|c| c.op == operation.op);
        for change in of_operation {
            let (old, new) = (shown(&change.old), shown(&change.new));
            page.item(
                INDENT,
                &format!("{}: {old} → {new}", clean(&change.field)),
                Style::Plain,
            );
        }
    }
    for issue in result.problems() {
        render_issue(page, issue, Style::Bad);
    }
    for issue in &result.warnings {
        render_issue(page, issue, Style::Warn);
    }
}

fn operation_line(operation: &OperationResult) -> String {
    let status = serde_json::to_value(operation.status).unwrap_or_default();
    let status = status.as_str().unwrap_or_default().replace('_', " ");
    let mut parts = vec![format!("{}: {status}", operation.op.as_str())];
    parts.extend(operation.http_status.map(|status| format!("HTTP {status}")));
    if operation.attempts > 0 {
        parts.push(plural(operation.attempts.into(), "attempt", "attempts"));
    }
    parts.extend(operation.at.clone());
    parts.join(", ")
}

fn render_issue(page: &mut TextPage, issue: &Issue, style: Style) {
    let column = issue.column.as_ref();
    let column = column.map_or(String::new(), |column| {
        format!("column {}: ", clean(column))
    });
    page.item("  ", &format!("{column}{}", clean(&issue.message)), style);
    let general = || advice(issue.kind, &issue.code, issue.http_status);
    let hint = issue.hint.as_deref().unwrap_or_else(general);
    page.item(INDENT, &clean(hint), Style::Dim);
}

fn shown(value: &Json) -> String {
    match value {
        Json::Null => "(none)".to_owned(),
        Json::String(text) => clean(text).into_owned(),
        other => other.to_string(),
    }
}
