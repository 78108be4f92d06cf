//! The age of the reading that a lane's writes rely on: nothing is written on the strength of a stale one.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::{CustomerId, RemoteCustomer};
use crate::helpcrunch::{CallError, CallReport, StalenessGuard, WriteClient};
use crate::journal::JournalError;
use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::Operation;
use crate::plan::writes::reading_lifetime;

use super::operation::Flush;
use super::patch::Unsent;
use super::{LaneRun, LaneState};

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

    fn record_stale(&mut self, failed: u32) {
        self.failed = failed;
        self.rereads += 1;
    }
}

impl LaneRun<'_> {
    /// Stores the customer as an answer to a read showed it.
    pub(super) fn accept_read(&mut self, customer: RemoteCustomer) {
        self.seen = Some(customer);
        self.freshness.renew(self.context.clock.now());
    }

    /// Stores the customer as an answer to a write showed it. Attempts on earlier readings no longer count.
    pub(super) fn accept_write(&mut self, customer: RemoteCustomer) {
        self.freshness = ReadFreshness::default();
        self.has_written = true;
        self.accept_read(customer);
    }

    /// Returns a client that refuses to write once the reading is stale. `is_whole`: the write also holds values that
    /// were only read.
    pub(super) fn guarded_client(&self, is_whole: bool) -> WriteClient {
        let basis = self.freshness.basis(self.context.recheck_after, is_whole);
        self.context.client.guarded_by(basis)
    }

    /// Sends an operation. If its reading is stale and the lane has written already, the customer is read again and the
    /// operation sent again; a lane that has not written is deferred by the caller, to be replanned.
    pub(super) async fn send(
        &mut self,
        id: CustomerId,
        operation: &Operation,
    ) -> Result<CallReport<RemoteCustomer>, Unsent> {
        let (mut attempts, mut in_doubt) = (0, false);
        loop {
            let mut sent = self.send_once(id, operation).await?;
            attempts += sent.attempts;
            in_doubt |= sent.in_doubt;
            sent.attempts = attempts;
            sent.in_doubt = in_doubt && sent.result.is_err();
            let Err(CallError::Outdated { failed, .. }) = &sent.result else {
                return Ok(sent);
            };
            if !self.has_written {
                return Ok(sent);
            }
            self.freshness.record_stale(*failed);
            match self.context.client.get(id).await.result {
                Ok(customer) => self.accept_read(customer),
                Err(error) => {
                    sent.result = Err(error);
                    return Ok(sent);
                }
            }
        }
    }

    /// Defers the lane: the reading that it relies on became stale before its first write.
    pub(super) async fn defer(
        &mut self,
        result: OperationResult,
        error: &CallError,
    ) -> Result<(), JournalError> {
        if let CallError::Outdated { failed, .. } = error {
            self.freshness.record_stale(*failed);
        }
        let status = if error.is_unsent() {
            self.status_of_unsent(result.op)
        } else {
            OperationStatus::InDoubt
        };
        let result = result.with_status(status);
        self.record(result.clone(), None, Flush::No).await?;
        self.progress.put(result);
        self.state = LaneState::Stale;
        Ok(())
    }
}
