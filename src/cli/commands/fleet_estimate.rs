//! What a sync of a config of a fleet needs, as far as that can be known without the API.

use std::path::Path;

use crate::cli::exit::Failure;
use crate::cli::source_settings::budget_rules;
use crate::config::Settings;
use crate::domain::{CustomerId, Field, RowKey, RowNumber, TagMode};
use crate::journal::{AccountId, RunMeta, RunState, StateDir};
use crate::mapping::Schema;
use crate::plan::budget::{Budget, BudgetRules};
use crate::plan::{Create, FieldChange, Lane, Operation, Patch, PropertyChange, SyncMode};
use crate::platform::read_file;
use crate::probe::Findings;
use crate::report::{FleetNeed, Summary};

/// Keys that one search looks for, unless the account is known to take fewer.
const KEYS_PER_SEARCH: u64 = 100;
/// The first page of the listing, and the test whether search ignores case.
const FIRST_READS: u64 = 2;

/// The finished syncs of a state directory, newest first.
#[derive(Debug)]
pub(super) struct FinishedSyncs(Vec<(RunMeta, std::path::PathBuf)>);

impl FinishedSyncs {
    pub(super) fn read(state: &StateDir) -> Result<Self, Failure> {
        let runs = state.list_runs()?.into_iter();
        let runs = runs.filter_map(|run| Some((run.meta.ok()?, run.dir.summary())));
        let is_finished = |meta: &RunMeta| {
            meta.command == "sync"
                && !meta.dry_run
                && meta.state == RunState::Finished
                && matches!(meta.exit_code, Some(0 | 3))
        };
        Ok(Self(runs.filter(|(meta, _)| is_finished(meta)).collect()))
    }

    /// What the newest one of the account needed; with `config`, the newest one of this config.
    pub(super) fn last_need(
        &self,
        account: &AccountId,
        config: Option<&Path>,
    ) -> Option<FleetNeed> {
        let config = config.and_then(|config| std::path::absolute(config).ok());
        let is_ours = |meta: &RunMeta| {
            let saved = meta
                .config
                .get("config_file")
                .and_then(|file| file.as_str());
            let is_config =
                |config: &std::path::PathBuf| saved.is_some_and(|saved| Path::new(saved) == config);
            meta.account.as_ref() == Some(account) && config.as_ref().is_none_or(is_config)
        };
        let ours = self.0.iter().filter(|(meta, _)| is_ours(meta));
        let mut needs = ours.filter_map(|(_, summary)| need_of(summary));
        needs.next()
    }
}

/// `None` if the summary counts a part of the run only, because it was resumed, or cannot be read.
fn need_of(summary: &Path) -> Option<FleetNeed> {
    let bytes = read_file(summary).ok()??;
    let summary: Summary = serde_json::from_slice(&bytes).ok()?;
    let run_id = summary.run_id.filter(|_| summary.command == "sync")?;
    Some(FleetNeed::LastRun {
        run_id: run_id.to_string(),
        started_at: summary.started_at,
        rows: summary.input.rows,
        requests: summary.requests.total,
        duration_s: summary.duration_s,
    })
}

/// What is needed if each of these rows is written, and each of its keys searched for.
pub(super) fn upper_bound(
    settings: &Settings,
    schema: &Schema,
    findings: &Findings,
    rows: u64,
) -> FleetNeed {
    let rules = budget_rules(settings, false, findings);
    let keys = rows.saturating_mul(schema.keys().len() as u64);
    let per_search = findings
        .max_filters()
        .map_or(KEYS_PER_SEARCH, |max| max.clamp(1, KEYS_PER_SEARCH));
    let reads = FIRST_READS + keys.div_ceil(per_search);
    let creates = settings.sync_mode != SyncMode::Update;
    let patches = settings.sync_mode != SyncMode::Create;
    let lanes = [(creates, create()), (patches, patch(settings, schema))];
    let lanes = lanes
        .into_iter()
        .filter_map(|(is_possible, lane)| is_possible.then_some(lane));
    let requests = lanes
        .map(|lane| writes(&rules, &lane, rows))
        .max()
        .unwrap_or(0);
    let requests = requests + reads;
    FleetNeed::UpperBound {
        requests,
        duration_s: seconds(&rules, requests),
    }
}

fn writes(rules: &BudgetRules, lane: &Lane, rows: u64) -> u64 {
    let mut budget = Budget::new(rules.clone());
    (0..rows).for_each(|_| budget.add(lane));
    budget.estimate().requests
}

#[expect(
    clippy::cast_precision_loss,
    reason = "request counts are far below 2^52"
)]
fn seconds(rules: &BudgetRules, requests: u64) -> f64 {
    (requests as f64 * rules.interval_s * 10.0).round() / 10.0
}

fn create() -> Lane {
    Lane {
        row: RowNumber(1),
        key: RowKey::default(),
        customer: None,
        operations: vec![Operation::Create(Create::default())],
    }
}

/// A patch of everything that the config maps.
fn patch(settings: &Settings, schema: &Schema) -> Lane {
    let properties = schema.properties().take(1);
    let mut operations = vec![Operation::Patch(Patch {
        set: vec![FieldChange {
            field: Field::Name,
            from: None,
            to: None,
        }],
        custom_data: properties
            .map(|(name, ..)| PropertyChange {
                name: name.to_owned(),
                from: None,
                to: None,
            })
            .collect(),
    })];
    let tags = settings.mapping.tags.as_ref();
    let removes =
        tags.is_some_and(|tags| tags.mode != TagMode::Add || tags.remove_column.is_some());
    if schema.tags().is_some() {
        operations.push(Operation::Tag(Vec::new()));
    }
    if removes {
        operations.push(Operation::Untag(Vec::new()));
    }
    Lane {
        customer: Some(CustomerId(1)),
        operations,
        ..create()
    }
}
