//! What all updates of a run share that rely on the probe: whether it still counts, and what of it watches have verified.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::sync::{Mutex, MutexGuard};

use crate::plan::writes::UpdateScope;

/// Consecutive refusals after which patches are sent one by one: ten rows, bisected to the last pair. Beyond that,
/// single patches cost less.
const MAX_REFUSED: u32 = 9;

/// Watched updates that cost a reading and whose customers had nothing to lose. They show little, and after this many no
/// more are watched.
const MAX_WITHOUT_STAKE: u32 = 3;

/// Remembers for later runs how batches behaved.
pub trait BatchMemory: std::fmt::Debug + Send + Sync {
    /// Records the kinds of members that an update lost although it did not name them: no later run may rely on what was
    /// probed of them before the account is probed again.
    fn update_lost(&self, lost: UpdateScope);
}

/// The state of a run's batches.
#[derive(Debug, Default)]
pub struct Batches {
    memory: Option<Arc<dyn BatchMemory>>,
    off: AtomicBool,
    lost: AtomicBool,
    refused: AtomicU32,
    verified: Mutex<VerifiedScopes>,
}

/// What watches have shown of each way to update.
#[derive(Debug, Default)]
pub(in crate::run) struct VerifiedScopes {
    pub(super) batches: WatchEvidence,
    pub(in crate::run) patches: WatchEvidence,
}

/// What watched updates carried without losing anything.
#[derive(Debug, Default)]
pub(in crate::run) struct WatchEvidence {
    harmless: UpdateScope,
    without_stake: u32,
}

impl WatchEvidence {
    pub(in crate::run) fn covers(&self, scope: UpdateScope) -> bool {
        self.harmless.covers(scope)
    }

    /// Records that an update which carried `scope` lost nothing. `at_stake` is what its customers had to lose;
    /// `costs_reading`: they were read only for the watch.
    pub(super) fn record_harmless(
        &mut self,
        scope: UpdateScope,
        at_stake: UpdateScope,
        costs_reading: bool,
    ) {
        self.harmless = self.harmless.union(scope.intersection(at_stake));
        if !at_stake.covers(scope) {
            self.without_stake += u32::from(costs_reading);
            if self.without_stake >= MAX_WITHOUT_STAKE {
                self.harmless = self.harmless.union(scope);
            }
        }
    }
}

impl Batches {
    pub fn new(memory: Option<Arc<dyn BatchMemory>>) -> Self {
        Self {
            memory,
            ..Self::default()
        }
    }

    /// Locks the verified scopes. The lock is held while an update is watched, so that no other update relies on the
    /// same assumption meanwhile.
    pub(in crate::run) async fn verified(&self) -> MutexGuard<'_, VerifiedScopes> {
        self.verified.lock().await
    }

    /// Whether the rest of the run uses single patches.
    pub fn is_disabled(&self) -> bool {
        self.off.load(Ordering::Relaxed)
    }

    /// Whether an update lost something, or it cannot be seen that it did not: then nothing that the probe found about
    /// writes counts any more.
    pub fn have_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn disable(&self, why: &str) {
        if !self.off.swap(true, Ordering::Relaxed) {
            tracing::warn!(why, "no more batch updates in this run");
        }
    }

    pub(super) fn record_accepted(&self) {
        self.refused.store(0, Ordering::Relaxed);
    }

    pub(super) fn record_refused(&self) {
        if self.refused.fetch_add(1, Ordering::Relaxed) + 1 >= MAX_REFUSED {
            self.disable("batch updates are refused again and again");
        }
    }

    /// Stops relying on what was probed about writes.
    pub(super) fn distrust_probe(&self, why: &str) {
        self.lost.store(true, Ordering::Relaxed);
        self.disable(why);
    }

    pub(super) fn record_loss(&self, lost: UpdateScope) {
        self.distrust_probe("an update removed data that it did not name");
        if let Some(memory) = &self.memory {
            memory.update_lost(lost);
        }
    }
}
