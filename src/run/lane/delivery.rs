//! Sends an operation until it is decided how it ends.

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::sleep;

use crate::domain::{Issue, IssueKind, RemoteCustomer};
use crate::helpcrunch::CallReport;
use crate::journal::JournalError;
use crate::outcome::OperationResult;
use crate::plan::{Operation, OperationKind};

use super::LaneRun;
use super::follow_up::{
    Again, Answer, FollowUp, OperationEnd, SentOperation, answer_after_reading,
};
use super::patch::Unsent;

/// Before a create in doubt is sent again where that makes no second customer.
const REPEAT_PAUSE: Duration = Duration::from_secs(1);

/// The report of a call. `None`: the customer is gone, as a delete wants.
pub(super) type OperationReport = CallReport<Option<RemoteCustomer>>;

/// An operation between its first request and its end.
struct Delivery {
    /// What it came to before.
    earlier: OperationResult,
    /// The answer to its last call; `None` if it is to be sent.
    answer: Option<Answer>,
    /// A request of it may have taken effect.
    in_doubt: bool,
    /// The customer was read to see whether it did.
    is_checked: bool,
}

impl LaneRun<'_> {
    /// Sends an operation until it is decided how it ends. `first`: the report of a call that was made already.
    pub(super) async fn deliver(
        &mut self,
        operation: &Operation,
        result: &mut OperationResult,
        first: Option<OperationReport>,
    ) -> Result<OperationEnd, JournalError> {
        let mut delivery = Delivery {
            earlier: result.clone(),
            answer: None,
            in_doubt: false,
            is_checked: false,
        };
        match first {
            Some(report) => {
                delivery.answer = Some(self.add_report(report, result, &mut delivery.in_doubt));
            }
            None if self.must_settle_first(operation) => {
                if let Some(end) = Box::pin(self.settle(result)).await? {
                    return Ok(end);
                }
            }
            None => {}
        }
        loop {
            // Kept until its answer is followed up: what may be sent can change meanwhile.
            let request = self.request(operation);
            let answer = match delivery.answer.take() {
                Some(answer) => answer,
                None => match self.send(&request).await {
                    Ok(report) => self.add_report(report, result, &mut delivery.in_doubt),
                    Err(Unsent::Failed(issue)) => return Ok(OperationEnd::Unsendable(issue)),
                    Err(Unsent::Journal(error)) => return Err(error),
                },
            };
            let sent = SentOperation {
                operation: &request,
                in_doubt: delivery.in_doubt,
                unsent: self.status_of_unsent(operation.kind()),
                has_written: self.has_written,
                has_attached_tags: self.attached_tags.is_some(),
                is_checked: delivery.is_checked,
                can_repeat: self.can_repeat(operation),
            };
            let again = match sent.follow_up(answer) {
                FollowUp::Again(again) => again,
                FollowUp::End(end) => {
                    if let OperationEnd::Answered(customer) = &end {
                        self.confirm_attached_tags(&delivery.earlier, result, customer);
                    }
                    return Ok(end);
                }
            };
            // Rare, and a large future.
            let prepared = self.prepare_again(again, operation, result, &mut delivery);
            if let Some(end) = Box::pin(prepared).await? {
                return Ok(end);
            }
        }
    }

    /// Does what has to precede the next request. Returns how the operation ends if there is none.
    async fn prepare_again(
        &mut self,
        again: Again,
        operation: &Operation,
        result: &mut OperationResult,
        delivery: &mut Delivery,
    ) -> Result<Option<OperationEnd>, JournalError> {
        match again {
            Again::CheckEffect(error) => {
                let read = self.read().await;
                let (answer, in_doubt) = answer_after_reading(operation, error, read);
                if let Ok(Some(_)) = &answer {
                    result.http_status = delivery.earlier.http_status;
                }
                delivery.is_checked = true;
                delivery.in_doubt = in_doubt;
                delivery.answer = Some(answer);
            }
            Again::Reread { failed } => {
                self.job.freshness.record_stale(failed);
                match self.read().await {
                    Ok(customer) => self.accept_read(customer),
                    Err(error) => delivery.answer = Some(Err(error)),
                }
            }
            Again::WithoutTags => self.attached_tags = None,
            Again::WithoutFields(fields) => {
                // A refused create makes no customer (documented), and what is sent next is another create.
                self.job.progress.creates_sent = self.job.progress.creates_sent.saturating_sub(1);
                self.context.lessons().refused.extend(fields);
            }
            Again::Repeat => {
                self.repeats += 1;
                self.has_create_in_doubt = true;
                sleep(REPEAT_PAUSE).await;
            }
            Again::Settle => return self.settle(result).await,
        }
        Ok(None)
    }

    /// Returns the operation as it is sent now.
    fn request<'o>(&self, operation: &'o Operation) -> Cow<'o, Operation> {
        match operation {
            Operation::Create(create) => Cow::Owned(Operation::Create(self.sendable(create))),
            _ => Cow::Borrowed(operation),
        }
    }

    async fn send(&mut self, operation: &Operation) -> Result<OperationReport, Unsent> {
        // A patch may have to read something first, and records its intent itself.
        if operation.kind() != OperationKind::Patch {
            self.record_intent(operation.kind()).await?;
        }
        let client = self.guarded_client(false);
        let report = match (operation, self.customer) {
            (Operation::Create(create), _) => client.create(create).await,
            (Operation::Patch(patch), Some(id)) => self.patch(id, patch).await?,
            (Operation::Tag(tags), Some(id)) => client.tag(id, tags).await,
            (Operation::Untag(tags), Some(id)) => client.untag(id, tags).await,
            (Operation::Delete(_), Some(id)) => {
                // The customer was compared with the plan when it was read, so the delete stands on that reading.
                let deleted = self.guarded_client(true).delete(id).await;
                return Ok(deleted.map(|()| None));
            }
            (_, None) => {
                let message = "the customer of this operation is not known";
                let issue = Issue::new(IssueKind::Api, "no_customer", message);
                return Err(Unsent::Failed(issue));
            }
        };
        Ok(report.map(Some))
    }

    /// Counts the attempts of a call, and returns its answer.
    fn add_report(
        &self,
        report: OperationReport,
        result: &mut OperationResult,
        in_doubt: &mut bool,
    ) -> Answer {
        result.attempts += report.attempts;
        result.http_status = report.http_status.or(result.http_status);
        if report.attempts > 0 {
            result.at = Some(self.context.clock.rfc3339());
        }
        // What an earlier request of a create may have done is settled by now, or does no harm.
        let creates = result.op == OperationKind::Create;
        *in_doubt = report.in_doubt || *in_doubt && !creates;
        report.result
    }
}
