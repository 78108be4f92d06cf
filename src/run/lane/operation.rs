//! Running one operation: sending it, judging its answer, and recording its outcome.

use crate::domain::{CustomerId, Field, Issue, IssueKind, RemoteCustomer};
use crate::helpcrunch::{CallError, CallReport};
use crate::journal::{JournalError, JournalRecord, Outcome};
use crate::outcome::{OperationResult, OperationStatus, RowStatus};
use crate::plan::{Operation, OperationKind};

use super::patch::Unsent;
use super::{LaneRun, LaneState};
use crate::run::cause::{self, CallFate};
use crate::run::merge::patch_body;
use crate::run::verify::shortfall;

/// Whether an outcome has to be on disk before the lane continues. Losing an unflushed one in a power cut does no harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flush {
    Yes,
    No,
}

impl LaneRun<'_> {
    pub(super) async fn run_operation(
        &mut self,
        operation: &Operation,
    ) -> Result<(), JournalError> {
        if let Some(earlier) = self.progress.result(operation.kind())
            && earlier.is_done()
        {
            // Done before the run was interrupted: never sent again.
            self.results.push(earlier.clone());
            if let Some(issue) = self.failed_repair() {
                self.set_failed(issue);
            }
            return Ok(());
        }
        if let (Operation::Tag(_), Some(attached)) = (operation, self.attached_result.take()) {
            self.record(attached.clone(), None, Flush::Yes).await?;
            self.results.push(attached);
            return Ok(());
        }
        match operation {
            Operation::Create(create) => self.create(operation, create).await,
            _ => self.change(operation).await,
        }
    }

    /// Sends a patch, tag, untag or delete.
    async fn change(&mut self, operation: &Operation) -> Result<(), JournalError> {
        let mut result = OperationResult::planned(operation);
        if let Some(earlier) = self.progress.result(operation.kind()) {
            result.attempts = earlier.attempts;
            result.http_status = earlier.http_status;
        }
        let Some(id) = self.customer else {
            let message = "the customer of this operation is not known";
            let issue = Issue::new(IssueKind::Api, "no_customer", message);
            return self.fail(operation, result, issue).await;
        };
        if let Operation::Delete(_) = operation {
            return self.delete(operation, id).await;
        }
        let before = self.seen.clone();
        let status_if_stopped = self.status_of_unsent(operation.kind());
        let mut sent = match self.take_batch_share(&mut result) {
            Some(sent) => sent,
            None if !self.acquire_slot(&result, status_if_stopped).await? => return Ok(()),
            None => match self.send(id, operation).await {
                Ok(sent) => sent,
                Err(Unsent::Failed(issue)) => return self.fail(operation, result, issue).await,
                Err(Unsent::Journal(error)) => return Err(error),
            },
        };
        self.check_effect(id, operation, &mut sent).await;
        self.add_attempts(&mut result, &sent);
        match sent.result {
            Ok(customer) => {
                self.context.refusals.accept(operation);
                let mut missing = shortfall(operation, before.as_ref(), &customer);
                if customer.id == id {
                    self.confirm_attached_tags(sent.attempts, &result, &customer);
                    // What a partial answer leaves out may have taken effect.
                    missing.unknown |= !missing.is_empty() && !customer.is_complete();
                    self.accept_write(customer);
                } else {
                    // The answer is about another customer and says nothing about this one.
                    self.has_written = true;
                    missing.unknown = true;
                }
                self.verify(operation, result, missing, before).await
            }
            Err(error) if Self::is_about_user_id(operation, &error) => {
                self.match_again(operation, result, &error, false).await
            }
            Err(error) => {
                self.handle_error(operation, result, &error, sent.in_doubt)
                    .await
            }
        }
    }

    pub(super) async fn send_once(
        &mut self,
        id: CustomerId,
        operation: &Operation,
    ) -> Result<CallReport<RemoteCustomer>, Unsent> {
        // A patch may have to read something first, and records its intent itself.
        if operation.kind() != OperationKind::Patch {
            self.record_intent(operation.kind()).await?;
        }
        let client = self.guarded_client(false);
        Ok(match operation {
            Operation::Create(create) => client.create(create).await,
            Operation::Patch(patch) => self.patch(id, patch).await?,
            Operation::Tag(tags) => client.tag(id, tags).await,
            Operation::Untag(tags) => client.untag(id, tags).await,
            // `delete` sends it: there is no customer to compare the answer with.
            Operation::Delete(_) => return Err(Unsent::Failed(not_a_change())),
        })
    }

    /// Describes why an operation was refused.
    pub(super) fn issue(&self, operation: &Operation, error: &CallError) -> Issue {
        let properties: Vec<String> = match operation {
            Operation::Create(create) => create.custom_data.iter().map(|p| p.0.clone()).collect(),
            Operation::Patch(patch) => {
                let merges = self.context.patch_merges();
                let sent = patch_body(patch, self.seen.as_ref(), merges).custom_data;
                sent.into_iter().flatten().map(|(name, _)| name).collect()
            }
            Operation::Tag(_) | Operation::Untag(_) | Operation::Delete(_) => Vec::new(),
        };
        let issue = cause::issue(error, &self.context.columns, &properties);
        match operation {
            Operation::Create(_) if names_undocumented_field(&issue) => issue.hint(
                "run `hcsync probe`: it finds the fields that a create is refused for here, and they are set by a PATCH from then on",
            ),
            _ => issue,
        }
    }

    /// Handles a call that brought no result. `in_doubt`: an attempt may have taken effect.
    pub(super) async fn handle_error(
        &mut self,
        operation: &Operation,
        result: OperationResult,
        error: &CallError,
        in_doubt: bool,
    ) -> Result<(), JournalError> {
        let status = match cause::fate(error) {
            CallFate::Failed => {
                let mut issue = self.issue(operation, error);
                self.context.refusals.refuse(operation, &issue);
                if in_doubt {
                    issue.message.push_str("; it may have been applied");
                }
                return self.fail(operation, result, issue).await;
            }
            CallFate::Stale => return self.defer(result, error).await,
            CallFate::NotDone if !in_doubt => self.status_of_unsent(operation.kind()),
            CallFate::NotDone | CallFate::Unknown => OperationStatus::InDoubt,
        };
        self.state = LaneState::Stopped;
        self.record(result.with_status(status), None, Flush::No)
            .await
    }

    /// Returns the status of an operation whose latest attempt is known to have had no effect. An earlier attempt may
    /// still take effect, even if its customer did not show it: a server may be slow, and a read may lag.
    pub(super) fn status_of_unsent(&self, op: OperationKind) -> OperationStatus {
        let was_sent = self.progress.result(op).is_some_and(|r| r.attempts > 0);
        match was_sent && op != OperationKind::Create {
            true => OperationStatus::InDoubt,
            false => OperationStatus::Planned,
        }
    }

    pub(super) async fn fail(
        &mut self,
        operation: &Operation,
        result: OperationResult,
        issue: Issue,
    ) -> Result<(), JournalError> {
        tracing::warn!(row = %self.lane.row, op = operation.kind().as_str(), code = issue.code, "the operation failed");
        let failed = result.with_status(OperationStatus::Failed);
        self.record(failed.clone(), Some(issue.clone()), Flush::Yes)
            .await?;
        self.results.push(failed);
        self.set_failed(issue);
        Ok(())
    }

    pub(super) fn set_failed(&mut self, issue: Issue) {
        self.status = Some(RowStatus::Failed);
        self.error = Some(issue);
        self.state = LaneState::Failed;
    }

    pub(super) fn add_attempts<T>(&self, result: &mut OperationResult, sent: &CallReport<T>) {
        result.attempts += sent.attempts;
        result.http_status = sent.http_status.or(result.http_status);
        if sent.attempts > 0 {
            result.at = Some(self.context.clock.rfc3339());
        }
    }

    /// Writes an outcome to the journal.
    pub(super) async fn record(
        &mut self,
        operation: OperationResult,
        error: Option<Issue>,
        flush: Flush,
    ) -> Result<(), JournalError> {
        if operation.status != OperationStatus::InDoubt {
            self.progress.close(operation.op);
        }
        let entry = JournalRecord::Outcome(Outcome {
            row: self.lane.row,
            customer_id: self.customer,
            operation,
            error,
        });
        match flush {
            Flush::Yes => self.context.journal.append(&entry).await,
            Flush::No => self.context.journal.append_unsynced(&entry),
        }
    }
}

fn not_a_change() -> Issue {
    Issue::new(
        IssueKind::Safety,
        "internal",
        "a delete was sent as a change",
    )
}

/// Whether a create was refused for a field that the API's example of a create leaves out: whether one may have it is
/// not documented.
fn names_undocumented_field(issue: &Issue) -> bool {
    let is_named = |field: Field| issue.code == field.name();
    issue.http_status == Some(400) && Field::NOT_IN_CREATE_EXAMPLE.into_iter().any(is_named)
}
