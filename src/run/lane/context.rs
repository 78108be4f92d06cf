//! What all lanes of a run share.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::helpcrunch::WriteClient;
use crate::journal::JournalWriter;
use crate::pace::Clock;
use crate::plan::writes::WriteRules;
use crate::run::batch::Batches;
use crate::run::field_refusals::FieldRefusals;
use crate::run::memory::{CreateLessons, ServerOverride};
use crate::run::settle::Settler;

/// What all lanes of a run share.
#[derive(Debug)]
pub struct LaneContext {
    pub client: WriteClient,
    pub journal: JournalWriter,
    pub clock: Clock,
    pub settler: Settler,
    /// How the account is known to take writes.
    pub rules: WriteRules,
    /// A reading older than this is stale: nothing is written on the strength of it.
    pub recheck_after: Duration,
    pub batches: Batches,
    /// The input's column of each field and property, for messages.
    pub columns: BTreeMap<String, String>,
    /// Values that the API did not keep, to be remembered for the account.
    pub overrides: Mutex<Vec<ServerOverride>>,
    /// Fields that creates took, ignored or were refused for, to be remembered for the account.
    pub lessons: Mutex<CreateLessons>,
    /// Fields that the API refuses for row after row.
    pub refusals: FieldRefusals,
    /// Lanes that wait for a create to be settled; they do not count as running.
    pub settling: Semaphore,
}

impl LaneContext {
    pub(super) fn lessons(&self) -> MutexGuard<'_, CreateLessons> {
        self.lessons.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether PATCH is known to keep the properties that it does not name. Once an update of this run behaved otherwise
    /// than the probe found, nothing that was probed counts.
    pub(super) fn patch_merges(&self) -> bool {
        self.rules.patch_merges && !self.batches.have_lost()
    }

    pub(super) fn patch_adds_tags(&self) -> bool {
        self.rules.patch_adds_tags && !self.batches.have_lost()
    }
}
