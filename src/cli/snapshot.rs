//! A command's use of its account's snapshot: claimed if no other process has it, updated while a run writes.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::domain::CustomerId;
use crate::helpcrunch::ReadClient;
use crate::journal::AccountDir;
use crate::plan::codec::LaneReader;
use crate::platform::open_file;
use crate::remote::{LiveSnapshot, SnapshotError, SnapshotFiles, invalidate_snapshot};

/// A command's access to its account's snapshot.
#[derive(Debug, Default)]
pub(super) enum AccountSnapshot {
    Ours(Mutex<SnapshotFiles>),
    /// Another process uses it, or it cannot be read. Holds the account's folder.
    Busy(PathBuf),
    /// The account has none, such as that of the in-process sandbox.
    #[default]
    None,
}

impl AccountSnapshot {
    /// Claims the snapshot of an account, if it has a lasting folder. A run works without one too.
    pub(super) fn claim(account: Option<&AccountDir>) -> Self {
        let Some(account) = account else {
            return Self::None;
        };
        match SnapshotFiles::claim(account.path()) {
            Ok(Some(files)) => Self::Ours(Mutex::new(files)),
            Ok(None) => {
                tracing::debug!("another process uses the snapshot: running without it");
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

    /// Prepares the snapshot for a run that will write the customers of this plan.
    pub(super) fn begin(self, plan: &Path) -> SnapshotUpdater {
        match self {
            Self::Ours(files) => {
                let live = LiveSnapshot::begin(files.into_inner(), customers(plan));
                SnapshotUpdater::Live(Arc::new(live))
            }
            Self::Busy(folder) => {
                void(&folder);
                SnapshotUpdater::Void(folder)
            }
            Self::None => SnapshotUpdater::None,
        }
    }
}

/// Updates the snapshot while a run writes.
#[derive(Debug)]
pub(super) enum SnapshotUpdater {
    Live(Arc<LiveSnapshot>),
    /// The run's writes cannot be added, so a snapshot from before its end must not be used. Holds the account's folder.
    Void(PathBuf),
    None,
}

impl SnapshotUpdater {
    /// Returns the client with its answers added to the snapshot.
    pub(super) fn observed(&self, client: ReadClient) -> ReadClient {
        match self {
            Self::Live(live) => client.with_observer(Arc::<LiveSnapshot>::clone(live)),
            Self::Void(_) | Self::None => client,
        }
    }

    /// Closes the snapshot after the last answer.
    pub(super) fn end(&self) {
        match self {
            Self::Live(live) => live.close(),
            Self::Void(folder) => void(folder),
            Self::None => {}
        }
    }
}

fn void(folder: &Path) {
    if let Err(error) = invalidate_snapshot(folder) {
        warn("the snapshot could not be marked as out of date", &error);
    }
}

fn warn(what: &str, error: &SnapshotError) {
    tracing::warn!(error = error as &dyn std::error::Error, "{what}");
}

/// The customers that a plan writes. An unreadable plan has none here: sending it reports the error.
fn customers(plan: &Path) -> impl Iterator<Item = CustomerId> + use<> {
    let open = || LaneReader::new(BufReader::with_capacity(1 << 18, open_file(plan).ok()?)).ok();
    open()
        .into_iter()
        .flatten()
        .filter_map(|lane| lane.ok()?.lane.customer)
}
