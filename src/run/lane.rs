//! Runs the operations of one customer in order. Every answer is compared with what was meant; what did not take effect
//! is repaired with one further operation, or the row fails.

mod attached_tags;
mod context;
mod create;
mod delivery;
mod follow_up;
mod job;
mod lessons;
mod operation;
mod patch;
mod repair;
mod send_slot;
mod staleness;
mod taken_user_id;

pub use context::LaneContext;
pub use job::LaneJob;
pub(super) use repair::NOT_KEPT;
pub use send_slot::SendSlot;
pub use staleness::ReadFreshness;

use crate::domain::{CustomerId, Issue};
use crate::journal::{FinishedRow, JournalError, JournalRecord};
use crate::outcome::{OperationResult, OperationStatus, RowStatus};
use crate::plan::{Operation, OperationKind};

use super::batch::RowAlert;

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
    job: LaneJob,
    customer: Option<CustomerId>,
    results: Vec<OperationResult>,
    error: Option<Issue>,
    status: Option<RowStatus>,
    state: LaneState,
    /// The operation that runs is the last one: the record of the finished row has its outcome.
    is_last: bool,
    /// Held while requests are sent; released while a create is being settled.
    slot: &'a mut SendSlot,
    /// The tag operation whose tags go along with the patch before it.
    attached_tags: Option<Operation>,
    /// The result of tags that went along with a patch and took effect.
    attached_result: Option<OperationResult>,
    /// How often the create was sent again without looking for its customer.
    repeats: u32,
    /// An earlier request of the create may have made a customer.
    has_create_in_doubt: bool,
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
        customer: job.lane.customer.or(job.progress.customer_id),
        results: Vec::new(),
        error: None,
        status: None,
        state: LaneState::Running,
        is_last: false,
        slot,
        attached_tags: None,
        attached_result: None,
        repeats: 0,
        has_create_in_doubt: job.progress.create_in_doubt(),
        has_written: job.progress.has_applied(creates),
        job,
    };
    let operations = run.job.lane.operations.clone();
    for (index, operation) in operations.iter().enumerate() {
        match run.state {
            LaneState::Running => {
                run.attach_tags(operation, operations.get(index + 1));
                run.is_last = index + 1 == operations.len();
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
            LaneState::Stale => {
                self.job.batch_share = None;
                return Ok(LaneEnd::Stale(Box::new(self.job)));
            }
            LaneState::Running | LaneState::Failed => {}
        }
        let mut warnings = Vec::new();
        match self.job.alert.take() {
            Some(RowAlert::Failure(issue)) if self.error.is_none() => self.set_failed(issue),
            Some(RowAlert::Warning(issue) | RowAlert::Failure(issue)) => warnings.push(issue),
            None => {}
        }
        if let Some(left_out) = self.job.left_out.take() {
            self.results.push(left_out.result);
            match self.error {
                None => self.set_failed(left_out.issue),
                Some(_) => warnings.push(left_out.issue),
            }
        }
        let creates = operations
            .iter()
            .any(|op| op.kind() == OperationKind::Create);
        let status_of_success = match (creates, operations.is_empty()) {
            (true, _) => RowStatus::Created,
            (false, true) => RowStatus::Unchanged,
            (false, false) => RowStatus::Updated,
        };
        let finished = FinishedRow {
            row: self.job.lane.row,
            status: self.status.unwrap_or(status_of_success),
            customer_id: self.customer,
            operations: self.results,
            error: self.error,
            warnings,
        };
        let entry = JournalRecord::Row(finished.clone());
        self.context.journal.append_grouped(&entry).await?;
        if let Some(id) = self.customer {
            self.context.client.done_with(id);
        }
        Ok(LaneEnd::Finished(finished))
    }
}
