//! The age of the reading that a lane's writes rely on: nothing is written on the strength of a stale one.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::RemoteCustomer;
use crate::helpcrunch::{CallError, StalenessGuard, WriteClient};
use crate::plan::writes::reading_lifetime;

use super::LaneRun;

/// A lane is read again at most this many times. If `recheck_after` is shorter than reading and writing take, the write
/// is then sent as soon after its reading as possible.
const MAX_REREADS: u32 = 5;

/// The age of the reading that the next write of a lane relies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadFreshness {
    /// When the customer was read or not found; `None` if an earlier process did it.
    pub read_at: Option<Instant>,
    /// How often the reading became stale before the write was sent.
    pub rereads: u32,
    /// Attempts at the write that failed on earlier readings.
    failed: u32,
}

impl ReadFreshness {
    pub fn renew(&mut self, read_at: Instant) {
        self.read_at = Some(read_at);
    }

    /// Returns the [`StalenessGuard`] of the next write, or `None` if it is sent at any age.
    pub(in crate::run) fn basis(
        self,
        recheck_after: Duration,
        is_whole: bool,
    ) -> Option<StalenessGuard> {
        let read_at = self.read_at.filter(|_| self.rereads < MAX_REREADS)?;
        Some(StalenessGuard {
            read_at,
            good_for: reading_lifetime(recheck_after),
            is_immediate: is_whole || recheck_after < reading_lifetime(recheck_after),
            failed: self.failed,
        })
    }

    pub(super) fn record_stale(&mut self, failed: u32) {
        self.failed = failed;
        self.rereads += 1;
    }
}

impl LaneRun<'_> {
    /// Reads the lane's customer.
    pub(super) async fn read(&self) -> Result<RemoteCustomer, CallError> {
        match self.customer {
            Some(id) => self.context.client.get(id).await.result,
            None => Err(CallError::Interrupted),
        }
    }

    /// Stores the customer as an answer to a read showed it.
    pub(super) fn accept_read(&mut self, customer: RemoteCustomer) {
        self.job.before = Some(customer);
        self.job.freshness.renew(self.context.clock.now());
    }

    /// Stores the customer as an answer to a write showed it. Attempts on earlier readings no longer count.
    pub(super) fn accept_write(&mut self, customer: RemoteCustomer) {
        self.job.freshness = ReadFreshness::default();
        self.has_written = true;
        self.accept_read(customer);
    }

    /// Returns a client that refuses to write once the reading is stale. `is_whole`: the write also holds values that
    /// were only read.
    pub(super) fn guarded_client(&self, is_whole: bool) -> WriteClient {
        let basis = self
            .job
            .freshness
            .basis(self.context.recheck_after, is_whole);
        self.context.client.guarded_by(basis)
    }
}
