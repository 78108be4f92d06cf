//! What all updates of a run share that go by what the probe found: whether it is believed, and what of it a watch
//! has shown to hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::sync::{Mutex, MutexGuard};

use crate::plan::writes::Carried;

use super::LostKinds;

/// So many refusals without a batch that is taken: ten rows, bisected to the last pair. Then patches one by one cost
/// less.
const MOST_REFUSED: u32 = 9;

/// Remembers for later runs what was seen of batches.
pub trait BatchMemory: std::fmt::Debug + Send + Sync {
    /// An update took away what it did not name: no later run may go by what was probed before the account is probed
    /// again.
    fn update_lost(&self, lost: LostKinds);
}

/// The state of a run's batches.
#[derive(Debug, Default)]
pub struct Batches {
    memory: Option<Arc<dyn BatchMemory>>,
    off: AtomicBool,
    lost: AtomicBool,
    refused: AtomicU32,
    proven: Mutex<Proven>,
}

/// What the watch has shown of each way to update.
#[derive(Debug, Default)]
pub(in crate::run) struct Proven {
    pub(super) batches: Shown,
    pub(in crate::run) patches: Shown,
}

/// What was carried by updates that were watched and lost nothing. One whose customers had nothing to lose beside
/// what it named shows little: so many of them, and no more are watched.
#[derive(Debug, Default)]
pub(in crate::run) struct Shown {
    harmless: Carried,
    without_stake: u32,
}

const MOST_WITHOUT_STAKE: u32 = 3;

impl Shown {
    pub(in crate::run) fn covers(&self, carried: Carried) -> bool {
        self.harmless.covers(carried)
    }

    /// An update lost nothing that carried this. Its customers had what is `at_stake`; one that cost no reading does
    /// not count as watched where they had nothing.
    pub(super) fn lost_nothing(
        &mut self,
        carried: Carried,
        at_stake: Carried,
        costs_reading: bool,
    ) {
        self.harmless = self.harmless.and(carried.common(at_stake));
        if !at_stake.covers(carried) {
            self.without_stake += u32::from(costs_reading);
            if self.without_stake >= MOST_WITHOUT_STAKE {
                self.harmless = self.harmless.and(carried);
            }
        }
    }
}

impl Batches {
    #[must_use]
    pub fn new(memory: Option<Arc<dyn BatchMemory>>) -> Self {
        Self {
            memory,
            ..Self::default()
        }
    }

    /// Held while an update is watched, so that none that goes by the same belief goes beside it.
    pub(in crate::run) async fn proven(&self) -> MutexGuard<'_, Proven> {
        self.proven.lock().await
    }

    /// Whether the rest of the run goes with single patches.
    #[must_use]
    pub fn are_off(&self) -> bool {
        self.off.load(Ordering::Relaxed)
    }

    /// Whether an update lost something, or could not be seen not to: then nothing that the probe found of writes is
    /// believed any more.
    #[must_use]
    pub fn have_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn turn_off(&self, why: &str) {
        if !self.off.swap(true, Ordering::Relaxed) {
            tracing::warn!(why, "no more batch updates in this run");
        }
    }

    pub(super) fn taken(&self) {
        self.refused.store(0, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) {
        if self.refused.fetch_add(1, Ordering::Relaxed) + 1 >= MOST_REFUSED {
            self.turn_off("batch updates are refused again and again");
        }
    }

    pub(super) fn disbelieve(&self, why: &str) {
        self.lost.store(true, Ordering::Relaxed);
        self.turn_off(why);
    }

    pub(super) fn lost(&self, lost: LostKinds) {
        self.disbelieve("an update took away what it did not name");
        if let Some(memory) = &self.memory {
            memory.update_lost(lost);
        }
    }
}
