//! Runs a case through the program.

use std::path::PathBuf;
use std::time::Duration;

use hcsync::config::{Overrides, RemoteStrategy, Settings, load};
use hcsync::helpcrunch::LimitSettings;
use hcsync::outcome::{OperationStatus, RowResult, RowStatus};
use hcsync::remote::{RemoteSettings, Strategy};
use hcsync::sandbox::{Quirks, Schedule};

use super::case::Case;
use super::customer::Customer;
use super::model::Status;
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
