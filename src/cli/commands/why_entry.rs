//! What a run's files say about one row.

use std::fs;

use crate::cli::all_rows::settings_of;
use crate::cli::saved_settings::SavedSettings;
use crate::domain::{DesiredCustomer, KeyField};
use crate::journal::{RunDir, RunMeta};
use crate::plan::{Lane, LeftReason, LeftValue, Operation};
use crate::report::{HistoryEntry, LaneFacts, RowValues, Summary};
use crate::run::results::ResultRow;

/// A row that a run kept, with what it wants or why it was rejected.
pub(super) struct KeptRow {
    pub(super) row: ResultRow,
    pub(super) meta: RunMeta,
    pub(super) saved: SavedSettings,
}

pub(super) fn entry(
    row: &ResultRow,
    dir: &RunDir,
    meta: &RunMeta,
    saved: &SavedSettings,
    is_dry_run: bool,
) -> HistoryEntry {
    let (record, result) = (&row.record, &row.result);
    let lane = row.lane.as_ref().map(|planned| &planned.lane);
    let values = lane.map(|lane| {
        let facts = LaneFacts {
            lane,
            source: &result.source,
            line: result.line,
            result: (!is_dry_run).then_some(result),
        };
        values(facts, record.desired.as_ref(), record.left.clone(), saved)
    });
    HistoryEntry {
        run_id: meta.run_id.to_string(),
        command: meta.command.clone(),
        started_at: meta.created_at.clone(),
        dry_run: is_dry_run,
        nothing_sent: match is_dry_run || dir.journal().exists() {
            true => None,
            false => stop_message(dir),
        },
        matched_by: lane.and_then(|lane| matched_by(lane, saved)),
        result: result.clone(),
        values: values.unwrap_or_else(|| RowValues {
            left: record.left.clone(),
            ..RowValues::default()
        }),
    }
}

/// What a row says of each attribute. `left` was found when it was planned; what it changed since is not left.
pub(super) fn values(
    facts: LaneFacts<'_>,
    desired: Option<&DesiredCustomer>,
    left: Vec<LeftValue>,
    saved: &SavedSettings,
) -> RowValues {
    let creates = matches!(facts.lane.operations.as_slice(), [Operation::Create(_), ..]);
    let mut values = RowValues::of_lane(facts);
    let left = left.into_iter().filter(|left| !values.has(&left.field));
    values.left = left.collect();
    let Some(desired) = desired else {
        return values;
    };
    let mentioned = mentioned(desired);
    let is_same = |name: &&String| !creates && *name != "tags" && !values.has(name);
    values.same = mentioned.iter().filter(is_same).cloned().collect();
    // Of the attributes that have a column, these are no fields or properties.
    let mapped = saved.attributes.keys();
    let mapped =
        mapped.filter(|name| !["id", "tags to remove", "rows.where"].contains(&name.as_str()));
    let is_silent = |name: &&String| !mentioned.contains(name) && !values.has(name);
    let silent: Vec<_> = mapped
        .filter(is_silent)
        .map(|name| LeftValue::uncompared(name, LeftReason::NoValue))
        .collect();
    values.left.extend(silent);
    values
}

fn mentioned(desired: &DesiredCustomer) -> Vec<String> {
    let fields = desired
        .fields
        .iter()
        .map(|(field, _)| field.name().to_owned());
    let properties = desired.custom_data.iter();
    let properties = properties.map(|(name, _)| format!("customData.{name}"));
    let tags = &desired.tags;
    let has_tags = tags.is_full_list || !tags.add.is_empty() || !tags.remove.is_empty();
    let tags = has_tags.then(|| "tags".to_owned());
    fields.chain(properties).chain(tags).collect()
}

/// The key by which a row found its customer: the first that the row has and does not give to the customer.
fn matched_by(lane: &Lane, saved: &SavedSettings) -> Option<&'static str> {
    lane.customer?;
    let keys = settings_of(saved).ok()?.matching.keys;
    let given: Vec<String> = lane.operations.iter().flat_map(Operation::fields).collect();
    let names = keys.into_iter().filter_map(|key| match key {
        KeyField::Id => lane.key.id.map(|_| "id"),
        KeyField::UserId => lane.key.user_id.as_ref().map(|_| "userId"),
        KeyField::Email => lane.key.email.as_ref().map(|_| "email"),
    });
    let mut names = names.filter(|name| !given.iter().any(|given| given == name));
    names.next()
}

/// Why a run ended before it sent anything, as its summary says.
fn stop_message(dir: &RunDir) -> Option<String> {
    let summary = fs::read(dir.summary()).ok()?;
    let summary: Summary = serde_json::from_slice(&summary).ok()?;
    Some(summary.stop?.message)
}
