//! The text of `hcsync why`.

use crate::domain::Issue;
use crate::outcome::{OperationResult, OperationStatus, RowStatus};
use crate::plan::{LeftReason, LeftValue, OperationKind, ShownChange};

use super::advice::advice;
use super::page::{TextPage, View};
use super::place::{key_parts, place};
use super::results_csv::status_text;
use super::row_history::{HistoryEntry, RowHistory, RowToday, RowValues};
use super::terminal::{Style, clean, plural};
use crate::domain::local_time::local_time;

const INDENT: &str = "    ";

/// Returns the history in one line.
pub fn history_headline(history: &RowHistory) -> String {
    let records = records(history);
    match &history.today {
        Some(today) => format!("{records}; today: {}", today_in_words(today)),
        None => records,
    }
}

fn records(history: &RowHistory) -> String {
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
    if let Some(today) = &history.today {
        render_today(&mut page, today);
    }
    for entry in &history.entries {
        render_entry(&mut page, entry, view);
    }
    let summary = format!(
        "{}. Runs keep no record of rows that were unchanged or skipped.",
        records(history)
    );
    page.item("", &summary, Style::Dim);
    for run in &history.unreadable {
        page.item("", &format!("run {run} cannot be read"), Style::Warn);
    }
    page.finish()
}

fn render_today(page: &mut TextPage, today: &RowToday) {
    page.heading(&format!("Today: {}", today_in_words(today)));
    if let Some(id) = today.gone {
        let text = format!("customer {id} does not exist any more");
        page.item("  ", &text, Style::Warn);
    }
    let mut parts: Vec<_> = today
        .of
        .iter()
        .map(|of| {
            let place = place(&of.source, of.line, of.row, page.width());
            format!("{place} of run {}", of.run_id)
        })
        .collect();
    parts.extend(today.customer_id.map(|id| format!("customer {id}")));
    let keys = today.key.iter().flat_map(key_parts);
    let keys = keys.filter(|(name, _)| *name != "id");
    parts.extend(keys.map(|(name, text)| format!("{name} {}", clean(&text))));
    if !parts.is_empty() {
        page.item("  ", &parts.join(", "), Style::Plain);
    }
    for op in OperationKind::ALL {
        let mut changes = today
            .values
            .shown
            .iter()
            .filter(|(of, _)| *of == op)
            .peekable();
        if changes.peek().is_some() {
            page.item("  ", op.as_str(), Style::Plain);
        }
        changes.for_each(|(_, change)| render_change(page, change));
    }
    render_values(page, &today.values);
    if let Some(issue) = &today.error {
        render_issue(page, issue, Style::Bad);
    }
    for issue in &today.warnings {
        render_issue(page, issue, Style::Warn);
    }
}

fn today_in_words(today: &RowToday) -> &'static str {
    match today.status {
        Some(RowStatus::WouldCreate) => "the row would create a customer",
        Some(RowStatus::WouldUpdate) => "the row would be written",
        Some(RowStatus::Unchanged) => "unchanged, the customer is as the row wants it",
        Some(RowStatus::Skipped) => "the row would be skipped, as `[sync] mode` says",
        Some(_) => "the row would be rejected",
        None if today.customer_id.is_some() => "the customer exists, and no run keeps a row for it",
        None => "no customer was found, and no run keeps a row for it",
    }
}

fn render_entry(page: &mut TextPage, entry: &HistoryEntry, view: View) {
    let HistoryEntry { result, .. } = entry;
    let dry = if entry.dry_run { ", dry run" } else { "" };
    page.heading(&format!(
        "{}, {} {}{dry}: {}",
        local_time(&entry.started_at, view.zone()),
        entry.command,
        entry.run_id,
        result.status.as_str().replace('_', " ")
    ));
    let mut parts = vec![place(&result.source, result.line, result.row, page.width())];
    parts.extend(result.customer_id.map(|id| match entry.matched_by {
        Some(key) => format!("customer {id}, found by its {key}"),
        None => format!("customer {id}"),
    }));
    let keys = key_parts(&result.key).into_iter();
    parts.extend(keys.map(|(name, text)| format!("{name} {}", clean(&text))));
    page.item("  ", &parts.join(", "), Style::Plain);
    if let Some(row) = result.merged_into {
        page.item("  ", &format!("merged into row {row}"), Style::Plain);
    }
    if let Some(why) = &entry.nothing_sent {
        let text = format!("the run sent nothing: {}", clean(why));
        page.item("  ", &text, Style::Bad);
    }
    for operation in &result.operations {
        page.item("  ", &operation_line(operation, view), Style::Plain);
        let of_operation = entry.values.shown.iter();
        let of_operation = of_operation.filter(|(op, _)| *op == operation.op);
        of_operation.for_each(|(_, change)| render_change(page, change));
    }
    render_values(page, &entry.values);
    for issue in result.problems() {
        render_issue(page, issue, Style::Bad);
    }
    for issue in &result.warnings {
        render_issue(page, issue, Style::Warn);
    }
}

fn render_change(page: &mut TextPage, change: &ShownChange) {
    let ShownChange { field, old, new } = change;
    let text = format!(
        "{}: {} → {}",
        clean(field),
        shown(old.as_ref()),
        shown(new.as_ref())
    );
    page.item(INDENT, &text, Style::Plain);
}

/// Shows what was not written, and why.
fn render_values(page: &mut TextPage, values: &RowValues) {
    let (empty, left): (Vec<&LeftValue>, Vec<_>) = values
        .left
        .iter()
        .partition(|left| left.reason == LeftReason::NoValue);
    if !left.is_empty() {
        page.item("  ", "left as HelpCrunch has it", Style::Plain);
    }
    for value in left {
        page.item(INDENT, &left_line(value), Style::Plain);
    }
    let names = |names: Vec<&str>| clean(&names.join(", ")).into_owned();
    if !values.same.is_empty() {
        let same = names(values.same.iter().map(String::as_str).collect());
        page.item("  ", &format!("already as wanted: {same}"), Style::Plain);
    }
    if !empty.is_empty() {
        let empty = names(empty.iter().map(|left| left.field.as_str()).collect());
        let text = format!("the row has no value, so what HelpCrunch has is kept: {empty}");
        page.item("  ", &text, Style::Plain);
    }
}

fn left_line(left: &LeftValue) -> String {
    let field = clean(&left.field);
    let why = why_left(left.reason);
    if left.reason == LeftReason::Invalid {
        return format!("{field}: {why}");
    }
    let (before, wish) = (shown(left.before.as_ref()), shown(left.wish.as_ref()));
    format!("{field}: stays {before}, although the row says {wish}: {why}")
}

fn why_left(reason: LeftReason) -> &'static str {
    match reason {
        LeftReason::IfEmpty => "`overwrite = \"if_empty\"`, and HelpCrunch has a value",
        LeftReason::IfUnedited => {
            "`overwrite = \"if_unedited\"`, and HelpCrunch does not have what hcsync wrote last"
        }
        LeftReason::OneWay => "true becomes false only with `overwrite = \"always\"`",
        LeftReason::Rewritten => "HelpCrunch kept another value each time it was written",
        LeftReason::Refused => "HelpCrunch is known to refuse it",
        LeftReason::Invalid => "the cell does not fit, and `on_invalid = \"skip\"`",
        LeftReason::NoValue => "the row has no value",
    }
}

fn operation_line(operation: &OperationResult, view: View) -> String {
    let status = match operation.status {
        OperationStatus::NotSent => "not sent",
        OperationStatus::InDoubt => "in doubt",
        status => status_text(status),
    };
    let mut parts = vec![format!("{}: {status}", operation.op.as_str())];
    parts.extend(operation.http_status.map(|status| format!("HTTP {status}")));
    if operation.attempts > 0 {
        parts.push(plural(operation.attempts.into(), "attempt", "attempts"));
    }
    let at = operation.at.as_deref();
    parts.extend(at.map(|at| local_time(at, view.zone())));
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

fn shown(value: Option<&String>) -> String {
    value.map_or_else(|| "(none)".to_owned(), |text| clean(text).into_owned())
}
