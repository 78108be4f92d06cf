//! What of a preview needs attention, the most serious first: refusals, rejected rows, losses, likely mistakes.

use crate::plan::{NewName, Preview};

use super::cause_list::{self, SEVERAL_PROBLEMS, name};
use super::page::{TextPage, View};
use super::screen::sentence;
use super::terminal::{Style, plural};

pub(super) fn items(preview: &Preview, view: View) -> Vec<TextPage> {
    let refused = preview.refused.iter();
    let mut items: Vec<_> = refused
        .map(|refusal| sentence(view, "!", refusal, Style::Bad))
        .collect();
    items.extend(rejected(preview, view));
    let losses = [
        (
            preview.cleared,
            format!(
                "{} would lose a value",
                plural(preview.cleared, "customer", "customers")
            ),
        ),
        (
            preview.turned_false,
            format!(
                "{} would turn from true to false",
                plural(preview.turned_false, "value", "values")
            ),
        ),
    ];
    let losses = losses.iter().filter(|(count, _)| *count > 0);
    items.extend(losses.map(|(_, loss)| sentence(view, "-", loss, Style::Bad)));
    let warnings = near_names(preview).chain(type_changes(preview));
    items.extend(warnings.map(|warning| sentence(view, "!", &warning, Style::Warn)));
    items
}

fn rejected(preview: &Preview, view: View) -> Vec<TextPage> {
    let causes: Vec<_> = preview
        .rejected_by_cause
        .iter()
        .map(|c| (c, None))
        .collect();
    let mut items = cause_list::items(view, &causes, Style::Bad);
    let problems: u64 = preview.rejected_by_cause.iter().map(|c| c.count).sum();
    if problems > preview.counts.rejected {
        let mut page = TextPage::new(view);
        page.item("  ", SEVERAL_PROBLEMS, Style::Dim);
        items.push(page);
    }
    items
}

fn near_names(preview: &Preview) -> impl Iterator<Item = String> {
    let tags = preview.new_tags.iter().map(|new| ("tag", new));
    let properties = preview.new_properties.iter().map(|new| ("property", new));
    tags.chain(properties)
        .filter_map(|(what, new): (&str, &NewName)| {
            let near = new.near.as_ref()?;
            Some(format!(
                "the {what} {} is new ({}); did you mean {}?",
                name(&new.name),
                plural(new.customers, "customer", "customers"),
                name(near)
            ))
        })
}

fn type_changes(preview: &Preview) -> impl Iterator<Item = String> {
    preview.type_changes.iter().map(|change| {
        format!(
            "the property {} would change from {} to {}: {}",
            name(&change.property),
            change.from.as_str(),
            change.to.as_str(),
            plural(change.customers, "customer", "customers")
        )
    })
}
