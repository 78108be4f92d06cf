//! The list of causes in previews and at the end of a run.

use crate::plan::Cause;

use super::page::{TextPage, View};
use super::place::place;
use super::terminal::{Style, clean, human_count, plural, shorten_end, text_width};

/// Causes that are listed; results have them all.
const MAX_CAUSES: usize = 10;
/// Width of the user's names in a sentence, in columns.
pub(super) const NAME_WIDTH: usize = 32;

/// Explains a list whose counts add up to more than the rows.
pub(super) const SEVERAL_PROBLEMS: &str =
    "A row with several problems is counted under each of them.";

/// A cause with the HTTP status of its answers.
pub(super) type CauseWithStatus<'a> = (&'a Cause, Option<u16>);

/// Returns a page for each cause, in the given order: count, what is wrong, what to do, one example row, and the code.
pub(super) fn items(view: View, causes: &[CauseWithStatus<'_>], style: Style) -> Vec<TextPage> {
    let listed = causes.iter().take(MAX_CAUSES);
    let counts = listed.clone().map(|(c, _)| human_count(c.count).len());
    let width = counts.max().unwrap_or(0);
    let mut items: Vec<_> = listed
        .map(|cause| item(view, *cause, width, style))
        .collect();
    let rest = causes.iter().skip(MAX_CAUSES).map(|(c, _)| c.count);
    if rest.len() > 0 {
        let causes = plural(rest.len() as u64, "more cause", "more causes");
        let rows = plural(rest.sum(), "row", "rows");
        let mut page = TextPage::new(view);
        page.item("  ", &format!("and {causes}, {rows}"), Style::Dim);
        items.push(page);
    }
    items
}

fn item(view: View, (cause, status): CauseWithStatus<'_>, width: usize, style: Style) -> TextPage {
    let mut page = TextPage::new(view);
    let lead = format!("  {:>width$}  ", human_count(cause.count));
    let margin = " ".repeat(text_width(&lead));
    let code = code(cause, status);
    // Only a cause of an older run has no message.
    let message = match cause.message.as_str() {
        "" => &code,
        message => message,
    };
    page.led((&lead, style), message, Style::Plain);
    page.item(
        &format!("{margin}→ "),
        what_to_do(cause, status),
        Style::Plain,
    );
    let room = page
        .width()
        .saturating_sub(margin.len() + "e.g. ; ".len() + text_width(&code));
    let room = room.max(page.width() / 2);
    let example = place(
        &cause.example_source,
        cause.example_line,
        cause.example_row,
        room,
    );
    page.item(&margin, &format!("e.g. {example}; {code}"), Style::Dim);
    page
}

/// The column, and what programs know the cause by.
fn code(cause: &Cause, status: Option<u16>) -> String {
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

/// Returns what to do about a cause: its own hint, else general advice.
pub fn what_to_do(cause: &Cause, status: Option<u16>) -> &str {
    let general = || super::advice(cause.kind, &cause.code, status);
    cause.hint.as_deref().unwrap_or_else(general)
}

/// Returns one of the user's names, quoted for a sentence.
pub(super) fn name(name: &str) -> String {
    format!("`{}`", shorten_end(&clean(name), NAME_WIDTH))
}
