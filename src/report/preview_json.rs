use std::io::{self, Write};

use serde::Serialize;

use crate::domain::Repairs;
use crate::plan::{
    Cause, Destination, Estimate, Example, Explanation, MissingFigures, NewName, PlanCounts,
    Preview, RemoteFacts, TypeChange,
};

use super::json_text::write_line;

/// A preview as JSON, with named members instead of pairs.
#[derive(Serialize)]
pub(super) struct PreviewJson<'a> {
    hcsync_preview: u32,
    target: Option<&'a Destination>,
    refused: &'a [String],
    rows: u64,
    matched: u64,
    planned: PlanCounts,
    rejected_by_cause: &'a [Cause],
    changed_fields: Vec<ChangedField<'a>>,
    new_tags: &'a [NewName],
    new_properties: &'a [NewName],
    type_changes: &'a [TypeChange],
    cleared: u64,
    turned_false: u64,
    kept_true: u64,
    kept_edited: Vec<ChangedField<'a>>,
    repaired: Repairs,
    left_out: Vec<LeftOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<MissingFigures>,
    ignored_columns: &'a [String],
    notes: &'a [String],
    /// `None` if it is unknown: every change takes a request.
    estimate: Option<Estimate>,
    remote: &'a RemoteFacts,
    #[serde(skip_serializing_if = "Option::is_none")]
    explain: Option<&'a Explanation>,
    plan_digest: &'a str,
    examples: &'a [Example],
}

#[derive(Serialize)]
struct ChangedField<'a> {
    field: &'a str,
    customers: u64,
}

#[derive(Serialize)]
struct LeftOut<'a> {
    field: &'a str,
    rows: u64,
}

fn by_name(counts: &[(String, u64)]) -> Vec<ChangedField<'_>> {
    let named = counts.iter().map(|(field, count)| ChangedField {
        field,
        customers: *count,
    });
    named.collect()
}

impl<'a> From<&'a Preview> for PreviewJson<'a> {
    fn from(preview: &'a Preview) -> Self {
        Self {
            hcsync_preview: 1,
            target: preview.target.as_ref(),
            refused: &preview.refused,
            rows: preview.rows,
            matched: preview.matched,
            planned: preview.counts,
            rejected_by_cause: &preview.rejected_by_cause,
            changed_fields: by_name(&preview.changed_fields),
            new_tags: &preview.new_tags,
            new_properties: &preview.new_properties,
            type_changes: &preview.type_changes,
            cleared: preview.cleared,
            turned_false: preview.turned_false,
            kept_true: preview.kept_true,
            kept_edited: by_name(&preview.kept_edited),
            repaired: preview.repaired,
            left_out: preview
                .left_out
                .iter()
                .map(|(field, rows)| LeftOut { field, rows: *rows })
                .collect(),
            missing: preview.missing,
            ignored_columns: &preview.ignored_columns,
            notes: &preview.notes,
            estimate: (preview.estimate.requests > 0 || !preview.counts.has_changes())
                .then_some(preview.estimate),
            remote: &preview.remote,
            explain: preview.explain.as_ref(),
            plan_digest: &preview.digest,
            examples: &preview.examples,
        }
    }
}

/// What a plan file does not hold.
const NOT_IN_PLANS: [&str; 6] = [
    "refused",
    "rejected_by_cause",
    "new_tags",
    "new_properties",
    "kept_true",
    "ignored_columns",
];

/// Writes the preview of a plan file as one line of JSON; null is what such a file does not hold.
pub fn write_preview_of_file(out: impl Write, preview: &Preview) -> io::Result<()> {
    let mut json = serde_json::to_value(PreviewJson::from(preview))?;
    for name in NOT_IN_PLANS {
        if let Some(value) = json.get_mut(name) {
            *value = serde_json::Value::Null;
        }
    }
    write_line(out, &json)
}

/// Writes the preview as one line of JSON: the figures of the text, and every entry of its lists.
pub fn write_preview(out: impl Write, preview: &Preview) -> io::Result<()> {
    write_line(out, &PreviewJson::from(preview))
}
