//! A patch that was sent in a batch, and tags that go along with a patch where the account is known to add them.

use crate::domain::{RemoteCustomer, Tag};
use crate::helpcrunch::CallReport;
use crate::journal::JournalError;
use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::{Operation, OperationKind};

use super::operation::Flush;
use super::{LaneJob, LaneRun, LaneState};
use crate::run::verify::shortfall;

impl LaneJob {
    /// Returns the tags that may go along with the lane's patch: those of the operation after it.
    pub fn attachable_tags(&self) -> Option<&[Tag]> {
        match self.lane.operations.as_slice() {
            [Operation::Patch(_), Operation::Tag(tags), ..] => {
                let earlier = self.progress.result(OperationKind::Tag);
                (!earlier.is_some_and(OperationResult::is_done)).then_some(tags)
            }
            _ => None,
        }
    }
}

impl LaneRun<'_> {
    /// Attaches the tags of the next operation to this one, if they may go along.
    pub(super) fn attach_tags(&mut self, operation: &Operation, next: Option<&Operation>) {
        let may_attach = match &self.batch_share {
            Some(share) if share.result.is_some() => share.carried_tags,
            _ => self.context.patch_adds_tags(),
        };
        let earlier = self.progress.result(OperationKind::Tag);
        self.attached_tags = match (operation, next) {
            (Operation::Patch(_), Some(tag @ Operation::Tag(_)))
                if may_attach && !earlier.is_some_and(OperationResult::is_done) =>
            {
                Some(tag.clone())
            }
            _ => None,
        };
    }

    /// Takes what a batch brought for this operation. A refused batch counts as attempts at it, and the operation is sent
    /// alone.
    pub(super) fn take_batch_share(
        &mut self,
        result: &mut OperationResult,
    ) -> Option<CallReport<RemoteCustomer>> {
        let share = self.batch_share.take()?;
        match share.result {
            Some(answer) => Some(CallReport {
                in_doubt: answer.is_err() && share.in_doubt,
                result: answer,
                attempts: share.attempts,
                http_status: share.http_status,
            }),
            None => {
                result.attempts += share.attempts;
                result.http_status = share.http_status;
                None
            }
        }
    }

    /// Waits for a slot to send from. Returns false if the run stops first: then the operation is recorded with
    /// `status_if_stopped` and left for a resume.
    pub(super) async fn acquire_slot(
        &mut self,
        result: &OperationResult,
        status_if_stopped: OperationStatus,
    ) -> Result<bool, JournalError> {
        if self.slot.acquire().await {
            return Ok(true);
        }
        self.state = LaneState::Stopped;
        let unsent = result.clone().with_status(status_if_stopped);
        self.record(unsent, None, Flush::No).await?;
        Ok(false)
    }

    /// Notes that the attached tags took effect. If they did not, their own request follows.
    pub(super) fn confirm_attached_tags(
        &mut self,
        attempts: u32,
        patch: &OperationResult,
        answer: &RemoteCustomer,
    ) {
        let Some(tags) = self.attached_tags.take() else {
            return;
        };
        if shortfall(&tags, None, answer).is_empty() {
            self.attached_result = Some(OperationResult {
                status: OperationStatus::Done,
                attempts,
                http_status: patch.http_status,
                at: patch.at.clone(),
                ..OperationResult::planned(&tags)
            });
        }
    }
}
