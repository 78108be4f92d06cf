//! Runs a case through the program.

use std::path::PathBuf;
use std::time::Duration;

use hcsync::config::{Overrides, RemoteStrategy, Settings, load};
use hcsync::helpcrunch::LimitSettings;
use hcsync::outcome::{OperationStatus, RowResult, RowStatus};
use hcsync::remote::{RemoteSettings, Strategy};
use hcsync::sandbox::{Quirks, Schedule};
use hcsync::source::SourceSettings;

use super::case::Case;
use super::customer::Customer;
use super::meaning::{Wanted, wanted};
use super::model::Status;
use super::setup;
use super::world::{World, WorldOptions};

/// The case's config, as the program reads it from a file.
pub(crate) fn settings(case: &Case) -> Settings {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hcsync.toml"), case.setup.to_toml()).unwrap();
    let overrides = Overrides {
        config: Some(PathBuf::from("hcsync.toml")),
        ..Overrides::default()
    };
    match load(folder.path(), &overrides) {
        Ok(loaded) => loaded.settings,
        Err(error) => panic!("the config is refused: {error}\n{case}"),
    }
}

/// A world for the case, to be made under a paused clock.
pub(crate) fn world(case: &Case, quirks: Quirks, schedule: Schedule, server_limit: u32) -> World {
    let settings = settings(case);
    let limits = &settings.limits;
    let options = WorldOptions {
        customers: case.customers.clone(),
        quirks,
        schedule,
        server_limit,
        limits: LimitSettings {
            requests_per_minute: limits.requests_per_minute,
            concurrency: u32::from(limits.concurrency),
            ..LimitSettings::default()
        },
        timeout: Duration::from_secs(30),
        source: SourceSettings {
            trim: settings.input.trim,
            ..SourceSettings::default()
        },
        mapping: settings.mapping,
        matching: settings.matching,
        duplicates: settings.duplicates,
        mode: settings.sync_mode,
        remote: RemoteSettings {
            strategy: match settings.remote.strategy {
                RemoteStrategy::Auto | RemoteStrategy::Snapshot => Strategy::Auto,
                RemoteStrategy::List => Strategy::List,
                RemoteStrategy::Lookup => Strategy::Lookup,
            },
            recheck_after: settings.remote.recheck_after,
            ..RemoteSettings::default()
        },
        max_failures: settings.safety.max_failures,
        ..WorldOptions::default()
    };
    World::new(case.seed, options)
}

pub(crate) fn customers(world: &World) -> Vec<Customer> {
    world.customers().iter().map(Customer::from_json).collect()
}

/// What the model calls a row's status; none for those that it does not know.
pub(crate) fn status(result: &RowResult) -> Option<Status> {
    match result.status {
        RowStatus::Created | RowStatus::WouldCreate => Some(Status::Created),
        RowStatus::Updated | RowStatus::WouldUpdate => Some(Status::Updated),
        RowStatus::Unchanged => Some(Status::Unchanged),
        RowStatus::Rejected => Some(Status::Rejected),
        RowStatus::Skipped => Some(Status::Skipped),
        RowStatus::Failed | RowStatus::InDoubt | RowStatus::Pending => None,
    }
}

/// Names of the row's operations, with a mark on those that are not done.
pub(crate) fn operations(result: &RowResult) -> Vec<String> {
    let name = |op: &hcsync::outcome::OperationResult| {
        let name = format!("{:?}", op.op).to_lowercase();
        match op.status {
            OperationStatus::Done | OperationStatus::Planned => name,
            other => format!("{name} {other:?}"),
        }
    };
    result.operations.iter().map(name).collect()
}

/// Whether a look-up left rows out for not knowing that e-mail search ignores case: "`lookup` rejects such a row with
/// that advice". The model knows no strategies.
pub(crate) fn was_not_told(case: &Case, results: &[RowResult]) -> bool {
    let advice = |result: &RowResult| {
        result
            .error
            .as_ref()
            .is_some_and(|e| e.code == "email_case")
    };
    case.setup.strategy == setup::Strategy::Lookup && results.iter().any(advice)
}

/// Whether the look-up of a case meets a customer whose e-mail address shows how search compares.
pub(crate) fn meets_an_address(case: &Case) -> bool {
    let rows = case.input.rows.iter();
    let rows: Vec<_> = rows
        .filter_map(|row| wanted(&case.setup, case.input.format, row).ok())
        .collect();
    let found = |customer: &Customer| {
        let email = customer.text("email").map(str::to_lowercase);
        let same = |row: &Wanted| {
            row.id.is_some() && row.id == customer.id
                || row.user_id.is_some() && row.user_id.as_deref() == customer.text("userId")
                || row.email.as_ref().map(|email| email.to_lowercase()) == email
        };
        email.is_some() && rows.iter().any(same)
    };
    case.customers
        .iter()
        .map(Customer::from_json)
        .any(|customer| found(&customer))
}
