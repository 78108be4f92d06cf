//! Runs one operation and records its outcome.

use crate::domain::{Field, Issue, RemoteCustomer};
use crate::helpcrunch::CallError;
use crate::journal::{JournalError, JournalRecord, Outcome};
use crate::outcome::{OperationResult, OperationStatus, RowStatus};
use crate::plan::{Operation, OperationKind};

use super::follow_up::OperationEnd;
use super::{LaneRun, LaneState};
use crate::run::cause;
use crate::run::merge::patch_body;

impl LaneRun<'_> {
    pub(super) async fn run_operation(
        &mut self,
        operation: &Operation,
    ) -> Result<(), JournalError> {
        if let Some(earlier) = self.job.progress.result(operation.kind())
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
            return self.complete(attached).await;
        }
        let creates = operation.kind() == OperationKind::Create;
        let mut result = OperationResult::planned(operation);
        if let Some(earlier) = self.job.progress.result(operation.kind()) {
            result.attempts = earlier.attempts;
            result.http_status = earlier.http_status.filter(|_| !creates);
        }
        let before = self.job.before.clone().filter(|_| !creates);
        let first = match creates {
            true => self.read_created().await,
            false => self.take_batch_share(&mut result),
        };
        if first.is_none() && !self.slot.acquire().await {
            let status = self.status_of_unsent(operation.kind());
            return self.stop(result, status).await;
        }
        let end = self.deliver(operation, &mut result, first).await?;
        self.end_operation(operation, result, before, end).await
    }

    async fn end_operation(
        &mut self,
        operation: &Operation,
        result: OperationResult,
        before: Option<RemoteCustomer>,
        end: OperationEnd,
    ) -> Result<(), JournalError> {
        match end {
            OperationEnd::Answered(customer) => {
                self.verify(operation, result, before, *customer).await
            }
            OperationEnd::Deleted => {
                self.has_written = true;
                self.complete(result.with_status(OperationStatus::Done))
                    .await
            }
            OperationEnd::MatchAgain(error) => {
                Box::pin(self.match_again(operation, result, &error)).await
            }
            OperationEnd::Failed { error, in_doubt } => {
                let mut issue = self.issue(operation, &error);
                self.context.refusals.refuse(operation, &issue);
                if in_doubt {
                    issue.message.push_str("; it may have been applied");
                }
                self.fail(operation, result, issue);
                Ok(())
            }
            OperationEnd::Unsendable(issue) => {
                self.fail(operation, result, issue);
                Ok(())
            }
            OperationEnd::Doubtful(issue) => {
                let in_doubt = result.with_status(OperationStatus::InDoubt);
                self.results.push(in_doubt);
                self.status = Some(RowStatus::InDoubt);
                self.error = Some(issue);
                self.state = LaneState::Failed;
                Ok(())
            }
            OperationEnd::Stale { failed, status } => {
                let creates = operation.kind() == OperationKind::Create;
                if creates && status == OperationStatus::Planned {
                    self.job.progress.creates_sent =
                        self.job.progress.creates_sent.saturating_sub(1);
                }
                self.job.freshness.record_stale(failed);
                self.defer(result, status).await
            }
            OperationEnd::Stopped(status) => self.stop(result, status).await,
            OperationEnd::StoppedSettling => {
                self.state = LaneState::Stopped;
                Ok(())
            }
        }
    }

    /// Describes why an operation was refused.
    pub(super) fn issue(&self, operation: &Operation, error: &CallError) -> Issue {
        let properties: Vec<String> = match operation {
            Operation::Create(create) => create.custom_data.iter().map(|p| p.0.clone()).collect(),
            Operation::Patch(patch) => {
                let merges = self.context.patch_merges();
                let sent = patch_body(patch, self.job.before.as_ref(), merges).custom_data;
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

    /// Returns the status of an operation whose latest attempt is known to have had no effect. An earlier attempt may
    /// still take effect, even if its customer did not show it: a server may be slow, and a read may lag.
    pub(super) fn status_of_unsent(&self, op: OperationKind) -> OperationStatus {
        let may_take_effect = match op {
            OperationKind::Create => self.has_create_in_doubt,
            _ => self.job.progress.result(op).is_some_and(|r| r.attempts > 0),
        };
        match may_take_effect {
            true => OperationStatus::InDoubt,
            false => OperationStatus::Planned,
        }
    }

    /// Records an operation that took effect, unless the row's record follows at once.
    pub(super) async fn complete(&mut self, done: OperationResult) -> Result<(), JournalError> {
        if !self.is_last {
            self.record(done.clone()).await?;
        }
        self.results.push(done);
        Ok(())
    }

    /// Leaves an operation for a resume.
    pub(super) async fn stop(
        &mut self,
        result: OperationResult,
        status: OperationStatus,
    ) -> Result<(), JournalError> {
        self.state = LaneState::Stopped;
        self.record(result.with_status(status)).await
    }

    /// Leaves an operation, and the lane, to be read again and replanned.
    pub(super) async fn defer(
        &mut self,
        result: OperationResult,
        status: OperationStatus,
    ) -> Result<(), JournalError> {
        let result = result.with_status(status);
        self.record(result.clone()).await?;
        self.job.progress.put(result);
        self.state = LaneState::Stale;
        Ok(())
    }

    /// Ends the lane with an operation that failed: the row's record, which follows at once, has the outcome.
    pub(super) fn fail(&mut self, operation: &Operation, result: OperationResult, issue: Issue) {
        tracing::warn!(row = %self.job.lane.row, op = operation.kind().as_str(), code = issue.code, "the operation failed");
        self.results
            .push(result.with_status(OperationStatus::Failed));
        self.set_failed(issue);
    }

    pub(super) fn set_failed(&mut self, issue: Issue) {
        self.status = Some(RowStatus::Failed);
        self.error = Some(issue);
        self.state = LaneState::Failed;
    }

    /// Writes an operation's intent to the journal before it is sent.
    pub(super) async fn record_intent(&mut self, op: OperationKind) -> Result<(), JournalError> {
        let row = self.job.lane.row;
        self.context
            .record_intent(row, op, &mut self.job.progress)
            .await
    }

    /// Writes an outcome to the journal. That of a create is brought to disk at once, since the lane's next request may hide its
    /// customer from search for a while; what else took effect, soon; losing another one in a power cut does no harm.
    pub(super) async fn record(&mut self, operation: OperationResult) -> Result<(), JournalError> {
        if operation.status != OperationStatus::InDoubt {
            self.job.progress.close(operation.op);
        }
        let (is_done, op) = (operation.is_done(), operation.op);
        let entry = JournalRecord::Outcome(Outcome {
            row: self.job.lane.row,
            customer_id: self.customer,
            operation,
            error: None,
        });
        let journal = &self.context.journal;
        match op {
            OperationKind::Create if is_done => journal.append(&entry).await,
            _ if is_done => journal.append_grouped(&entry).await,
            _ => journal.append_for_successor(&entry).await,
        }
    }
}

/// Whether a create was refused for a field that the API's example of a create leaves out: whether one may have it is
/// not documented.
fn names_undocumented_field(issue: &Issue) -> bool {
    let is_named = |field: Field| issue.code == field.name();
    issue.http_status == Some(400) && Field::NOT_IN_CREATE_EXAMPLE.into_iter().any(is_named)
}
