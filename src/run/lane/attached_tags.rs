//! A patch that was sent in a batch, and tags that go along with a patch where the account is known to add them.

use crate::domain::{RemoteCustomer, Tag};
use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::{Operation, OperationKind};

use super::delivery::OperationReport;
use super::{LaneJob, LaneRun};
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
        let may_attach = match &self.job.batch_share {
            Some(share) if share.result.is_some() => share.carried_tags,
            _ => self.context.patch_adds_tags(),
        };
        let earlier = self.job.progress.result(OperationKind::Tag);
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
    ) -> Option<OperationReport> {
        let share = self.job.batch_share.take()?;
        match share.result {
            Some(answer) => Some(OperationReport {
                in_doubt: answer.is_err() && share.in_doubt,
                result: answer.map(Some),
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

    /// Notes that the attached tags took effect. If they did not, their own request follows. `earlier`: what the patch had
    /// come to before it was sent with them.
    pub(super) fn confirm_attached_tags(
        &mut self,
        earlier: &OperationResult,
        patch: &OperationResult,
        answer: &RemoteCustomer,
    ) {
        if self.customer != Some(answer.id) {
            return;
        }
        let Some(tags) = self.attached_tags.take() else {
            return;
        };
        if shortfall(&tags, None, answer).is_empty() {
            self.attached_result = Some(OperationResult {
                status: OperationStatus::Done,
                attempts: patch.attempts - earlier.attempts,
                http_status: patch.http_status,
                at: patch.at.clone(),
                ..OperationResult::planned(&tags)
            });
        }
    }
}
