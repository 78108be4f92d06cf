//! How causes are listed, alike in the preview and at the end of a run.

use crate::plan::Cause;

use super::page::Page;
use super::place::place;
use super::terminal::{Style, clean, human_count, plural, shorten_end, text_width};

/// Causes that are listed; results hold them all.
const MOST: usize = 10;
/// Columns that a name of the user's may take in a sentence.
pub(super) const NAME_WIDTH: usize = 32;

/// Said of a list whose counts add up to more than the rows.
pub(super) const SEVERAL_PROBLEMS: &str =
    "A row with several problems is counted under each of them.";

/// A cause with the status of its answers.
pub(super) type Listed<'a> = (&'a Cause, Option<u16>);

/// Most first: count, what is wrong, one example row, what to do.
pub(super) fn list(page: &mut Page, causes: &[Listed<'_>], style: Style) {
    let counts = causes
        .iter()
        .take(MOST)
        .map(|(c, _)| human_count(c.count).len());
    let width = counts.max().unwrap_or(0);
    for (cause, status) in causes.iter().take(MOST) {
        let lead = format!("  {:>width$}  ", human_count(cause.count));
        page.led((&lead, style), &title(cause, *status), Style::Plain);
        let margin = " ".repeat(text_width(&lead));
        let room = page.width().saturating_sub(margin.len() + "e.g. ".len());
        let example = place(
            &cause.example_source,
            cause.example_line,
            cause.example_row,
            room,
        );
        if !cause.message.is_empty() {
            page.item(&margin, &cause.message, Style::Plain);
        }
        page.item(&margin, &format!("e.g. {example}"), Style::Dim);
        page.item(
            &format!("{margin}→ "),
            what_to_do(cause, *status),
            Style::Plain,
        );
    }
    let rest: Vec<_> = causes.iter().skip(MOST).map(|(c, _)| c.count).collect();
    if !rest.is_empty() {
        let causes = plural(rest.len() as u64, "more cause", "more causes");
        let rows = plural(rest.iter().sum(), "row", "rows");
        page.item("  ", &format!("and {causes}, {rows}"), Style::Dim);
    }
}

fn title(cause: &Cause, status: Option<u16>) -> String {
    let code = clean(&cause.code);
    let mut title = format!(
        "{}: {}",
        cause.kind.as_str(),
        shorten_end(&code, NAME_WIDTH)
    );
    if let Some(column) = &cause.column {
        title.push_str(&format!(", column {}", name(column)));
    }
    if let Some(status) = status {
        title.push_str(&format!(", HTTP {status}"));
    }
    title
}

/// What to do about a cause: its own hint, else what is known of its code.
pub(super) fn what_to_do(cause: &Cause, status: Option<u16>) -> &str {
    let general = || super::advice(cause.kind, &cause.code, status);
    cause.hint.as_deref().unwrap_or_else(general)
}

/// A name of the user's in a sentence.
pub(super) fn name(name: &str) -> String {
    format!("`{}`", shorten_end(&clean(name), NAME_WIDTH))
}
