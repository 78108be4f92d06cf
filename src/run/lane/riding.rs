//! A patch that goes with others in a batch, and tags that ride along with a patch where the account is known to add
//! them.

use crate::domain::{RemoteCustomer, Tag};
use crate::helpcrunch::{CallError, Sent};
use crate::journal::JournalError;
use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::{Operation, OperationKind};

use super::{Flush, LaneJob, Pace, Run};
use crate::run::verify::shortfall;

impl LaneJob {
    /// The tags that may go along with the lane's patch: those of the operation after it.
    #[must_use]
    pub fn riding_tags(&self) -> Option<&[Tag]> {
        match self.lane.operations.as_slice() {
            [Operation::Patch(_), Operation::Tag(tags), ..] => {
                let earlier = self.progress.result(OperationKind::Tag);
                let is_done = earlier.is_some_and(|r| r.status == OperationStatus::Done);
                (!is_done).then_some(tags)
            }
            _ => None,
        }
    }
}

impl Run<'_> {
    /// Sees whether the tags of the next operation go along with this one.
    pub(super) fn let_ride(&mut self, operation: &Operation, next: Option<&Operation>) {
        let carried = match &self.batched {
            Some(batched) if batched.result.is_some() => batched.carried_tags,
            _ => self.context.patch_adds_tags(),
        };
        let is_done = |result: &OperationResult| result.status == OperationStatus::Done;
        let earlier = self.progress.result(OperationKind::Tag);
        self.riding = match (operation, next) {
            (Operation::Patch(_), Some(tag @ Operation::Tag(_)))
                if carried && !earlier.is_some_and(is_done) =>
            {
                Some(tag.clone())
            }
            _ => None,
        };
    }

    /// What a batch brought this operation. One that was refused counts as attempts at it, and it goes alone.
    pub(super) fn answer_of_batch(
        &mut self,
        result: &mut OperationResult,
    ) -> Option<Sent<RemoteCustomer>> {
        let batched = self.batched.take()?;
        match batched.result {
            Some(answer) => Some(Sent {
                in_doubt: answer.is_err() && batched.in_doubt,
                result: answer,
                attempts: batched.attempts,
                http_status: batched.http_status,
            }),
            None => {
                result.attempts += batched.attempts;
                result.http_status = batched.http_status;
                None
            }
        }
    }

    /// Waits for a place to send from. False if the run stops first: the operation is left for a resume, as planned if it
    /// was not sent yet, else in doubt.
    pub(super) async fn has_place(
        &mut self,
        result: &OperationResult,
        left: OperationStatus,
    ) -> Result<bool, JournalError> {
        if self.place.take().await {
            return Ok(true);
        }
        self.pace = Pace::Stopped;
        let left = OperationResult {
            status: left,
            ..result.clone()
        };
        self.record(left, None, Flush::No).await?;
        Ok(false)
    }

    /// Takes note that the tags took which rode along. Else their own request mends that.
    pub(super) fn ride(&mut self, attempts: u32, patch: &OperationResult, answer: &RemoteCustomer) {
        let Some(tags) = self.riding.take() else {
            return;
        };
        if shortfall(&tags, None, answer).is_empty() {
            self.rode = Some(OperationResult {
                status: OperationStatus::Done,
                attempts,
                http_status: patch.http_status,
                at: patch.at.clone(),
                ..OperationResult::planned(&tags)
            });
        }
    }
}

pub(super) fn is_about_tags(error: &CallError) -> bool {
    match error {
        CallError::Refused { errors, .. } => errors.iter().any(|e| e.code.starts_with("tags")),
        _ => false,
    }
}
