//! Runs the operations of one customer in order. Every answer is compared with what was meant; what did not take effect
//! is repaired with one further operation, or the row fails.

mod attached_tags;
mod create;
mod delete;
mod intent;
mod job;
mod lessons;
mod operation;
mod patch;
mod repair;
mod send_slot;
mod staleness;
mod taken_user_id;

pub use job::LaneJob;
pub(super) use repair::NOT_KEPT;
pub use send_slot::SendSlot;
pub use staleness::ReadFreshness;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::domain::{CustomerId, DesiredCustomer, Issue, RemoteCustomer};
use crate::helpcrunch::WriteClient;
use crate::journal::{FinishedRow, JournalError, JournalRecord, JournalWriter, RowProgress};
use crate::outcome::{OperationResult, OperationStatus, RowStatus};
use crate::pace::Clock;
use crate::plan::writes::WriteRules;
use crate::plan::{Lane, Operation, OperationKind};

use super::batch::{BatchShare, Batches, RowAlert};
use super::field_refusals::FieldRefusals;
use super::memory::{CreateLessons, ServerOverride};
use super::settle::Settler;

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
    fn lessons(&self) -> MutexGuard<'_, CreateLessons> {
        self.lessons.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether PATCH is known to keep the properties that it does not name. Once an update of this run behaved otherwise
    /// than the probe found, nothing that was probed counts.
    fn patch_merges(&self) -> bool {
        self.rules.patch_merges && !self.batches.have_lost()
    }

    fn patch_adds_tags(&self) -> bool {
        self.rules.patch_adds_tags && !self.batches.have_lost()
    }
}

/// How a lane ended.
#[derive(Debug, Clone)]
pub enum LaneEnd {
    Finished(FinishedRow),
    /// Its reading became stale before anything was written: it has to be read again.
    Stale(Box<LaneJob>),
    /// The run stopped before the lane was done; a resume continues from the journal.
    Pending,
}

/// Whether the lane continues with its next operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LaneState {
    Running,
    /// An operation failed: the rest is not sent.
    Failed,
    /// Its reading became stale before the first write.
    Stale,
    /// The run stops: the rest is left for a resume.
    Stopped,
}

struct LaneRun<'a> {
    context: &'a LaneContext,
    lane: Lane,
    customer: Option<CustomerId>,
    /// The customer as the last answer showed it.
    seen: Option<RemoteCustomer>,
    progress: RowProgress,
    results: Vec<OperationResult>,
    error: Option<Issue>,
    status: Option<RowStatus>,
    state: LaneState,
    /// Held while requests are sent; released while a create is being settled.
    slot: &'a mut SendSlot,
    /// What a batch brought for the first operation.
    batch_share: Option<BatchShare>,
    /// The tag operation whose tags go along with the patch before it.
    attached_tags: Option<Operation>,
    /// The result of tags that went along with a patch and took effect.
    attached_result: Option<OperationResult>,
    alert: Option<RowAlert>,
    desired: Option<DesiredCustomer>,
    freshness: ReadFreshness,
    user_id_holder: Option<CustomerId>,
    left_out: Option<OperationResult>,
    /// Something of the lane took effect, so that its customer is no longer as planned.
    has_written: bool,
}

/// Runs a lane to its end.
///
/// # Errors
/// When the journal cannot be written: then nothing more may be sent.
pub async fn run(
    context: &LaneContext,
    job: LaneJob,
    slot: &mut SendSlot,
) -> Result<LaneEnd, JournalError> {
    let creates = job.lane.customer.is_none();
    let mut run = LaneRun {
        context,
        has_written: job.progress.has_applied(creates),
        desired: job.desired,
        freshness: job.freshness,
        user_id_holder: job.user_id_holder,
        left_out: job.left_out,
        customer: job.lane.customer.or(job.progress.customer_id),
        lane: job.lane,
        seen: job.before,
        progress: job.progress,
        results: Vec::new(),
        error: None,
        status: None,
        state: LaneState::Running,
        slot,
        batch_share: job.batch_share,
        attached_tags: None,
        attached_result: None,
        alert: job.alert,
    };
    let operations = run.lane.operations.clone();
    for (index, operation) in operations.iter().enumerate() {
        match run.state {
            LaneState::Running => {
                run.attach_tags(operation, operations.get(index + 1));
                run.run_operation(operation).await?;
            }
            LaneState::Failed => run
                .results
                .push(OperationResult::planned(operation).with_status(OperationStatus::NotSent)),
            LaneState::Stale | LaneState::Stopped => break,
        }
    }
    run.finish(&operations).await
}

impl LaneRun<'_> {
    async fn finish(mut self, operations: &[Operation]) -> Result<LaneEnd, JournalError> {
        match self.state {
            LaneState::Stopped => return Ok(LaneEnd::Pending),
            LaneState::Stale => return Ok(LaneEnd::Stale(Box::new(self.into_job()))),
            LaneState::Running | LaneState::Failed => {}
        }
        let mut warnings = Vec::new();
        match self.alert.take() {
            Some(RowAlert::Failure(issue)) if self.error.is_none() => self.set_failed(issue),
            Some(RowAlert::Warning(issue) | RowAlert::Failure(issue)) => warnings.push(issue),
            None => {}
        }
        self.results.extend(self.left_out.take());
        let creates = operations
            .iter()
            .any(|op| op.kind() == OperationKind::Create);
        let status_of_success = match (creates, operations.is_empty()) {
            (true, _) => RowStatus::Created,
            (false, true) => RowStatus::Unchanged,
            (false, false) => RowStatus::Updated,
        };
        let finished = FinishedRow {
            row: self.lane.row,
            status: self.status.unwrap_or(status_of_success),
            customer_id: self.customer,
            operations: self.results,
            error: self.error,
            warnings,
        };
        let entry = JournalRecord::Row(finished.clone());
        self.context.journal.append(&entry).await?;
        if let Some(id) = self.customer {
            self.context.client.done_with(id);
        }
        Ok(LaneEnd::Finished(finished))
    }

    /// Turns the lane back into a job, to be read again and replanned.
    fn into_job(self) -> LaneJob {
        LaneJob {
            lane: self.lane,
            desired: self.desired,
            before: self.seen,
            progress: self.progress,
            batch_share: None,
            alert: self.alert,
            freshness: self.freshness,
            user_id_holder: self.user_id_holder,
            left_out: self.left_out,
        }
    }
}
