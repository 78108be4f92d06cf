//! Creating a customer: the intent is recorded before the send, and nothing is sent again before the first send is settled.

use crate::domain::{CustomerId, Field, Issue, IssueKind};
use crate::journal::{JournalError, JournalRecord, Settled};
use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::{Create, Operation};

use super::LaneRun;
use super::delivery::OperationReport;
use super::follow_up::OperationEnd;
use crate::run::settle::{CreateInDoubt, Settlement};

/// A create in doubt is sent this many times at once where that makes no second customer.
const MAX_REPEATS: u32 = 2;

/// A create is sent at most this many times, not counting those.
const MAX_SENDS: u32 = 2;

impl LaneRun<'_> {
    /// Returns why an operation that took effect could not be repaired before the run was interrupted.
    pub(super) fn failed_repair(&self) -> Option<Issue> {
        let failed = |result: &OperationResult| result.status == OperationStatus::Failed;
        let error = self.job.progress.error.clone();
        error.filter(|_| !self.job.progress.operations.iter().any(failed))
    }

    /// Reads the customer of a create that was found before the run was interrupted.
    pub(super) async fn read_created(&self) -> Option<OperationReport> {
        let read = self.context.client.get(self.customer?).await;
        Some(OperationReport {
            result: read.result.map(Some),
            attempts: 0,
            http_status: None,
            in_doubt: true,
        })
    }

    /// Whether an earlier process sent this create, which may have made its customer.
    pub(super) fn must_settle_first(&self, operation: &Operation) -> bool {
        matches!(operation, Operation::Create(_))
            && self.job.progress.create_in_doubt()
            && !self.can_repeat(operation)
    }

    /// Whether a create in doubt may be sent again without looking for its customer: where a userId belongs to one customer
    /// only, the second create makes none.
    pub(super) fn can_repeat(&self, operation: &Operation) -> bool {
        let Operation::Create(create) = operation else {
            return false;
        };
        let names_user_id = create.set.iter().any(|(field, _)| *field == Field::UserId);
        self.context.rules.unique_user_ids && names_user_id && self.repeats < MAX_REPEATS
    }

    /// Returns a create without the fields that creates are refused for. A PATCH sets them once the customer exists.
    pub(super) fn sendable(&self, create: &Create) -> Create {
        let mut create = self.context.rules.without_refused_fields(create);
        let refused = &self.context.lessons().refused;
        create.set.retain(|(field, _)| !refused.contains(field));
        create
    }

    pub(super) async fn record_settled(
        &self,
        found: Option<CustomerId>,
    ) -> Result<(), JournalError> {
        let entry = JournalRecord::Settled(Settled {
            row: self.job.lane.row,
            found,
            at: self.context.clock.rfc3339(),
        });
        self.context.journal.append(&entry).await
    }

    /// Settles a create in doubt. Returns how it ends, or `None` if it created no customer and is to be sent once more.
    pub(super) async fn settle(
        &mut self,
        result: &OperationResult,
    ) -> Result<Option<OperationEnd>, JournalError> {
        let in_doubt = result.clone().with_status(OperationStatus::InDoubt);
        self.record(in_doubt).await?;
        Ok(match self.find_created().await {
            Settlement::Found(customer) => {
                self.record_settled(Some(customer.id)).await?;
                self.customer = Some(customer.id);
                Some(OperationEnd::Answered(customer))
            }
            Settlement::NotCreated => {
                self.record_settled(None).await?;
                self.has_create_in_doubt = false;
                if self.job.progress.creates_sent.saturating_sub(self.repeats) < MAX_SENDS {
                    self.job.freshness.renew(self.context.clock.now());
                    return Ok(None);
                }
                let message = "the create got no usable answer twice, and no customer was created";
                let issue = Issue::new(IssueKind::Network, "no_answer", message);
                Some(OperationEnd::Unsendable(issue.hint("run the sync again")))
            }
            Settlement::Doubt(issue) => Some(OperationEnd::Doubtful(issue)),
            Settlement::Stopped => Some(OperationEnd::StoppedSettling),
        })
    }

    /// Looks for the customer of a create in doubt. The lane gives up its slot meanwhile.
    async fn find_created(&mut self) -> Settlement {
        let in_doubt = CreateInDoubt::of_lane(&self.job.lane);
        let context = self.context;
        let _settling = context.settling.acquire().await;
        self.slot.release();
        context.settler.settle(&context.client, &in_doubt).await
    }
}
