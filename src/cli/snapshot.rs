//! The account's snapshot in a command: taken where it is free, kept up while a run writes.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::domain::CustomerId;
use crate::helpcrunch::ReadClient;
use crate::journal::AccountDir;
use crate::plan::codec::LaneReader;
use crate::platform::open_file;
use crate::remote::{LiveSnapshot, SnapshotError, SnapshotFiles, void_snapshot};

use super::connection::Target;

/// What a command has of its account's snapshot.
#[derive(Debug)]
pub(super) enum Snapshot {
    Ours(Mutex<SnapshotFiles>),
    /// Another process has it; the account's folder.
    Busy(PathBuf),
    /// None is kept: the in-process sandbox is gone with its process.
    None,
}

impl Snapshot {
    /// Takes the account's snapshot. A run goes on without what it cannot have.
    pub(super) fn of(target: &Target, account: &AccountDir) -> Self {
        if target.is_sandbox {
            return Self::None;
        }
        match SnapshotFiles::claim(account.path()) {
            Ok(Some(files)) => Self::Ours(Mutex::new(files)),
            Ok(None) => {
                tracing::debug!("another process has the snapshot: going without it");
                Self::Busy(account.path().to_owned())
            }
            Err(error) => {
                warn("the snapshot cannot be used", &error);
                Self::Busy(account.path().to_owned())
            }
        }
    }

    pub(super) fn files(&self) -> Option<&Mutex<SnapshotFiles>> {
        match self {
            Self::Ours(files) => Some(files),
            Self::Busy(_) | Self::None => None,
        }
    }

    /// The customers of this plan are going to be written.
    pub(super) fn begin(self, plan: &Path) -> Upkeep {
        match self {
            Self::Ours(files) => {
                let live = LiveSnapshot::begin(files.into_inner(), customers(plan));
                Upkeep::Live(Arc::new(live))
            }
            Self::Busy(folder) => {
                void(&folder);
                Upkeep::Void(folder)
            }
            Self::None => Upkeep::None,
        }
    }
}

/// How a run that writes treats the snapshot.
#[derive(Debug)]
pub(super) enum Upkeep {
    Live(Arc<LiveSnapshot>),
    /// What the run writes is not noted, so that no snapshot from before its end may be used.
    Void(PathBuf),
    None,
}

impl Upkeep {
    /// The client whose answers bring the snapshot up to date.
    pub(super) fn observed(&self, client: ReadClient) -> ReadClient {
        match self {
            Self::Live(live) => client.observed_by(Arc::<LiveSnapshot>::clone(live)),
            Self::Void(_) | Self::None => client,
        }
    }

    /// Every answer is in.
    pub(super) fn end(&self) {
        match self {
            Self::Live(live) => live.close(),
            Self::Void(folder) => void(folder),
            Self::None => {}
        }
    }
}

fn void(folder: &Path) {
    if let Err(error) = void_snapshot(folder) {
        warn("the snapshot could not be marked as out of date", &error);
    }
}

fn warn(what: &str, error: &SnapshotError) {
    tracing::warn!(error = error as &dyn std::error::Error, "{what}");
}

/// The customers that a plan writes. A plan that cannot be read is told by those who send it.
fn customers(plan: &Path) -> impl Iterator<Item = CustomerId> + use<> {
    let open = || LaneReader::new(BufReader::with_capacity(1 << 18, open_file(plan).ok()?)).ok();
    open()
        .into_iter()
        .flatten()
        .filter_map(|lane| lane.ok()?.lane.customer)
}
