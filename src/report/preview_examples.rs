//! The examples of a preview, old → new: the only place where standard output shows customers' values.

use crate::plan::{Example, OperationKind, ShownChange};

use super::page::TextPage;
use super::place::{key_parts, place};
use super::terminal::{Style, clean, padding, plural, shorten_end, shorten_middle, text_width};

/// Changes that are shown of one operation.
const MAX_CHANGES: usize = 8;
const INDENT: &str = "    ";
const KEY_WIDTH: usize = 40;
const NO_VALUE: &str = "(none)";
const ARROW: &str = " → ";

pub(super) fn render(page: &mut TextPage, examples: &[Example]) {
    if examples.is_empty() {
        return;
    }
    page.heading("Examples");
    for example in examples {
        render_header(page, example);
        let shown = example.changes.iter().take(MAX_CHANGES);
        let widest = shown.clone().map(|c| text_width(&clean(&c.field))).max();
        let field_width = widest.unwrap_or(0).min(page.width() * 3 / 10);
        for change in shown {
            render_line(page, example.op, change, field_width);
        }
        let rest = example.changes.len().saturating_sub(MAX_CHANGES) as u64;
        if rest > 0 {
            page.item(
                INDENT,
                &format!("and {}", plural(rest, "more change", "more changes")),
                Style::Dim,
            );
        }
    }
}

fn render_header(page: &mut TextPage, example: &Example) {
    let (sign, style) = match example.op {
        OperationKind::Create => ("+", Style::Good),
        OperationKind::Patch | OperationKind::Tag => ("~", Style::Warn),
        OperationKind::Untag | OperationKind::Delete => ("-", Style::Bad),
    };
    let lead = format!("  {sign} {:<7}", example.op.as_str());
    let room = page.width().saturating_sub(lead.len());
    let mut parts = vec![place(
        &example.source,
        example.line,
        example.row,
        room * 3 / 5,
    )];
    parts.extend(example.customer_id.map(|id| format!("customer {id}")));
    let keys = key_parts(&example.key).into_iter();
    parts.extend(
        keys.map(|(name, text)| format!("{name} {}", shorten_middle(&clean(&text), KEY_WIDTH))),
    );
    page.led((&lead, style), &parts.join(", "), Style::Plain);
}

fn render_line(page: &mut TextPage, op: OperationKind, change: &ShownChange, field_width: usize) {
    let field = clean(&change.field);
    let field = shorten_end(&field, field_width);
    let lead = format!("{INDENT}{field}{}  ", padding(&field, field_width));
    let room = page.width().saturating_sub(text_width(&lead));
    let (old, new) = (shown(change.old.as_ref()), shown(change.new.as_ref()));
    if op == OperationKind::Create && change.old.is_none() {
        page.line(&[
            (&lead, Style::Plain),
            (&shorten_middle(&new, room), Style::Good),
        ]);
        return;
    }
    let (old_width, new_width) =
        share(room - text_width(ARROW), text_width(&old), text_width(&new));
    let (old, new) = (
        shorten_middle(&old, old_width),
        shorten_middle(&new, new_width),
    );
    page.line(&[
        (&lead, Style::Plain),
        (&old, Style::Dim),
        (ARROW, Style::Plain),
        (&new, style(change)),
    ]);
}

fn style(change: &ShownChange) -> Style {
    if change.new.is_some() {
        Style::Good
    } else {
        Style::Bad
    }
}

fn shown(value: Option<&String>) -> String {
    value.map_or_else(|| NO_VALUE.to_owned(), |text| clean(text).into_owned())
}

/// Divides the room between two texts: the longer one gets what the shorter one leaves.
fn share(room: usize, old: usize, new: usize) -> (usize, usize) {
    if old + new <= room {
        return (old, new);
    }
    let half = room / 2;
    if old <= half {
        (old, room - old)
    } else if new <= half {
        (room - new, new)
    } else {
        (half, room - half)
    }
}
