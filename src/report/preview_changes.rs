//! The part of a preview that says what changes: fields, new names, values that are kept or left out.

use crate::plan::Preview;

use super::cause_list::name;
use super::page::{Figure, TextPage};
use super::terminal::{Style, plural};

/// Entries of each list; `--output json` has them all.
const MAX_LISTED: usize = 10;

pub(super) fn render(page: &mut TextPage, preview: &Preview) {
    render_changed_fields(page, preview);
    render_new_names(page, preview);
    render_kept(page, preview);
    render_left_out(page, preview);
}

fn render_changed_fields(page: &mut TextPage, preview: &Preview) {
    if preview.changed_fields.is_empty() {
        return;
    }
    page.heading("Most changed fields (customers)");
    render_field_counts(page, &preview.changed_fields, Style::Plain);
}

fn render_field_counts(page: &mut TextPage, counts: &[(String, u64)], style: Style) {
    let listed = counts.iter().take(MAX_LISTED);
    let figures: Vec<_> = listed
        .map(|(field, count)| Figure::new(field, *count, style))
        .collect();
    page.figures(&figures);
    render_more(page, counts.len(), "field", "fields");
}

fn render_more(page: &mut TextPage, all: usize, one: &str, many: &str) {
    let rest = all.saturating_sub(MAX_LISTED) as u64;
    if rest > 0 {
        let noun = plural(rest, &format!("more {one}"), &format!("more {many}"));
        page.item("  ", &format!("and {noun}"), Style::Dim);
    }
}

fn render_new_names(page: &mut TextPage, preview: &Preview) {
    let lists = [
        (
            "New tags (no known customer has them yet)",
            &preview.new_tags,
            "tag",
            "tags",
        ),
        (
            "New properties (no known customer has them yet)",
            &preview.new_properties,
            "property",
            "properties",
        ),
    ];
    for (heading, names, one, many) in lists {
        // Likely misspellings need attention, and are listed there.
        let plain = names.iter().filter(|new| new.near.is_none());
        let plain: Vec<_> = plain.collect();
        if plain.is_empty() {
            continue;
        }
        page.heading(heading);
        for new in plain.iter().take(MAX_LISTED) {
            let customers = plural(new.customers, "customer", "customers");
            let text = format!("{} is new: {customers}", name(&new.name));
            page.item("  ", &text, Style::Plain);
        }
        render_more(page, plain.len(), one, many);
    }
}

fn render_kept(page: &mut TextPage, preview: &Preview) {
    let kept = preview.kept_true;
    if kept == 0 && preview.kept_edited.is_empty() {
        return;
    }
    page.heading("Values that are kept");
    if kept > 0 {
        let stays = if kept == 1 { "stays" } else { "stay" };
        let values = plural(kept, "value", "values");
        let text = format!(
            "{values} of `unsubscribed` or `blocked` {stays} true, though the row says false"
        );
        page.item("  ", &text, Style::Plain);
    }
    if !preview.kept_edited.is_empty() {
        page.item("  ", &kept_edited(&preview.kept_edited), Style::Plain);
    }
}

fn render_left_out(page: &mut TextPage, preview: &Preview) {
    if preview.left_out.is_empty() {
        return;
    }
    page.heading("Values that do not fit and are left out, in rows");
    render_field_counts(page, &preview.left_out, Style::Warn);
}

fn kept_edited(fields: &[(String, u64)]) -> String {
    let total = fields.iter().map(|(_, count)| count).sum();
    let shown = fields.iter().take(MAX_LISTED);
    let mut shown: Vec<_> = shown
        .map(|(field, count)| format!("{} {count}", name(field)))
        .collect();
    let more = fields.len().saturating_sub(MAX_LISTED);
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    format!(
        "{} edited in HelpCrunch ({})",
        plural(total, "value", "values"),
        shown.join(", ")
    )
}
