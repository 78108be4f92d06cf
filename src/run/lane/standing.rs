//! The reading that a lane's writes stand on: what was read too long ago is read again before anything is sent on the
//! strength of it.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::{CustomerId, RemoteCustomer};
use crate::helpcrunch::{Basis, CallError, Sent, WriteClient};
use crate::journal::JournalError;
use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::Operation;
use crate::plan::writes::counts_for;

use super::patching::Unsent;
use super::{Flush, LaneJob, Pace, Run};

/// So often a lane is read again. Where `recheck_after` is shorter than reading and writing take, it then goes all the
/// same, as soon after its reading as can be.
const MOST_REREADS: u32 = 5;

/// What the next write of a lane stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// When the customer was read, or when nobody was found; nothing where an earlier process did it.
    pub read_at: Option<Instant>,
    /// How often that grew old before the write went.
    pub rereads: u32,
    /// Attempts at the write that failed on earlier readings.
    failed: u32,
}

impl Standing {
    /// Stands on a new reading.
    pub fn renew(&mut self, read_at: Instant) {
        self.read_at = Some(read_at);
    }

    /// The same for a write that is sent: see [`Basis`].
    pub(in crate::run) fn basis(self, recheck_after: Duration, is_whole: bool) -> Option<Basis> {
        let read_at = self.read_at.filter(|_| self.rereads < MOST_REREADS)?;
        Some(Basis {
            read_at,
            good_for: counts_for(recheck_after),
            is_immediate: is_whole || recheck_after < counts_for(recheck_after),
            failed: self.failed,
        })
    }
}

impl Run<'_> {
    /// Takes over the customer as an answer showed it.
    pub(super) fn saw(&mut self, customer: RemoteCustomer) {
        self.seen = Some(customer);
        self.standing.renew(self.context.clock.now());
    }

    /// The same of the answer to a write, which ends what was tried on earlier readings.
    pub(super) fn wrote(&mut self, customer: RemoteCustomer) {
        self.standing = Standing::default();
        self.has_written = true;
        self.saw(customer);
    }

    /// A client for a write on the strength of what was seen. A whole one holds what was seen besides what is meant.
    pub(super) fn client_on_reading(&self, is_whole: bool) -> WriteClient {
        let basis = self.standing.basis(self.context.recheck_after, is_whole);
        self.context.client.on(basis)
    }

    /// Sends an operation. Where its reading grew old, a lane that has written already reads its customer again and
    /// goes on; one that has not is given back to be planned anew.
    pub(super) async fn send(
        &mut self,
        id: CustomerId,
        operation: &Operation,
    ) -> Result<Sent<RemoteCustomer>, Unsent> {
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
            self.grew_old(*failed);
            match self.context.client.get(id).await.result {
                Ok(customer) => self.saw(customer),
                Err(error) => {
                    sent.result = Err(error);
                    return Ok(sent);
                }
            }
        }
    }

    fn grew_old(&mut self, failed: u32) {
        self.standing.failed = failed;
        self.standing.rereads += 1;
    }

    /// Gives the lane back: its reading grew old before its first write.
    pub(super) async fn give_back(
        &mut self,
        result: OperationResult,
        error: &CallError,
    ) -> Result<(), JournalError> {
        if let CallError::Outdated { failed, .. } = error {
            self.grew_old(*failed);
        }
        let status = if error.is_unsent() {
            self.status_of_unsent(result.op)
        } else {
            OperationStatus::InDoubt
        };
        let result = OperationResult { status, ..result };
        self.record(result.clone(), None, Flush::No).await?;
        self.progress.put(result);
        self.pace = Pace::Outdated;
        Ok(())
    }

    /// The lane as it is to be planned anew.
    pub(super) fn into_job(self) -> LaneJob {
        LaneJob {
            lane: self.lane,
            desired: self.desired,
            before: self.seen,
            progress: self.progress,
            batched: None,
            notice: self.notice,
            standing: self.standing,
        }
    }
}
