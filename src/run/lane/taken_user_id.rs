//! A write that was refused because another customer has the userId: the row is matched again.

use std::time::Duration;

use crate::domain::CustomerId;
use crate::helpcrunch::CallError;
use crate::journal::JournalError;
use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::{Operation, OperationKind};

use super::LaneRun;
use crate::run::settle::{CreateInDoubt, Settlement, Settler};

impl LaneRun<'_> {
    /// Looks for the customer that has the row's userId, and leaves the row to be planned again with it. If there is none,
    /// or the row was planned again already, the row fails. A create that was sent more than once may have made it.
    pub(super) async fn match_again(
        &mut self,
        operation: &Operation,
        result: OperationResult,
        error: &CallError,
    ) -> Result<(), JournalError> {
        let look = Settler {
            settle: Duration::ZERO,
        };
        let row = CreateInDoubt::of_lane(&self.job.lane);
        let creates = operation.kind() == OperationKind::Create;
        let may_be_ours = creates && self.job.progress.creates_sent > 1;
        let holder = match look.settle(&self.context.client, &row).await {
            Settlement::Found(customer) if may_be_ours => {
                self.record_settled(Some(customer.id)).await?;
                self.customer = Some(customer.id);
                return self.verify(operation, result, None, *customer).await;
            }
            Settlement::Found(customer) => Some(customer.id),
            Settlement::Stopped => {
                let status = self.status_of_unsent(operation.kind());
                return self.stop(result, status).await;
            }
            Settlement::NotCreated | Settlement::Doubt(_) => None,
        };
        if self.can_match_again(holder) {
            tracing::info!(row = %self.job.lane.row, "another customer has the row's userId; matching the row again");
            self.job.user_id_holder = holder;
            return self.defer(result, OperationStatus::Planned).await;
        }
        let issue = self.issue(operation, error);
        let issue = match holder {
            Some(id) => issue.hint(format!(
                "customer {id} has this userId: check which of the two is meant"
            )),
            None => issue.hint(
                "if another customer has this userId, no search shows it yet: run the sync again later",
            ),
        };
        self.fail(operation, result, issue);
        Ok(())
    }

    fn can_match_again(&self, holder: Option<CustomerId>) -> bool {
        let is_first = self.job.user_id_holder.is_none() && !self.has_written;
        is_first && holder.is_some() && holder != self.customer
    }
}
