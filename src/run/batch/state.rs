//! What all batches of a run share: whether they are used, and whether the first one was watched.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::sync::Mutex;

use crate::plan::writes::Carried;

use super::LostKinds;

/// So many refusals without a batch that is taken: ten rows, bisected to the last pair. Then patches one by one cost
/// less.
const MOST_REFUSED: u32 = 9;

/// Remembers for later runs what was seen of batches.
pub trait BatchMemory: std::fmt::Debug + Send + Sync {
    /// A batch took away what it did not name: no later run may use batches before the account is probed again.
    fn batch_lost(&self, lost: LostKinds);
}

/// The state of a run's batches.
#[derive(Debug, Default)]
pub struct Batches {
    memory: Option<Arc<dyn BatchMemory>>,
    off: AtomicBool,
    lost: AtomicBool,
    refused: AtomicU32,
    /// What batches carried that were read before and after, and lost nothing. Held while one is, so that none goes
    /// beside it.
    pub(super) proven: Mutex<Carried>,
}

impl Batches {
    #[must_use]
    pub fn new(memory: Option<Arc<dyn BatchMemory>>) -> Self {
        Self {
            memory,
            ..Self::default()
        }
    }

    /// Whether the rest of the run goes with single patches.
    #[must_use]
    pub fn are_off(&self) -> bool {
        self.off.load(Ordering::Relaxed)
    }

    /// Whether a batch lost something: then nothing that the probe found of writes is believed any more.
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

    pub(super) fn lost(&self, lost: LostKinds) {
        self.lost.store(true, Ordering::Relaxed);
        self.turn_off("a batch update took away what it did not name");
        if let Some(memory) = &self.memory {
            memory.batch_lost(lost);
        }
    }
}
