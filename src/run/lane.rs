//! Runs the operations of one customer, in order. Every answer is compared with what was meant; what did not take
//! is mended with one further operation, or the row fails.

mod creating;
mod doubting;
mod mending;
mod patching;
mod place;
mod riding;
mod standing;

pub use place::Place;
pub use standing::Standing;

use doubting::may_be_applied;
pub(super) use mending::NOT_KEPT;
use patching::Unsent;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::domain::{CustomerId, DesiredCustomer, Field, Issue, IssueKind, RemoteCustomer};
use crate::helpcrunch::{CallError, Sent, WriteClient};
use crate::journal::{Entry, FinishedRow, JournalError, JournalWriter, Outcome, RowProgress};
use crate::outcome::{OperationResult, OperationStatus, RowStatus};
use crate::pace::Clock;
use crate::plan::writes::WriteRules;
use crate::plan::{Lane, Operation, OperationKind};

use super::batch::{Batched, Batches, Notice};
use super::cause::{self, Verdict};
use super::memory::{CreateLessons, Rewrite};
use super::merge::patch_body;
use super::settle::Settler;
use super::verify::shortfall;

/// What all lanes of a run share.
#[derive(Debug)]
pub struct LaneContext {
    pub client: WriteClient,
    pub journal: JournalWriter,
    pub clock: Clock,
    pub settler: Settler,
    /// What is known of how the account takes writes.
    pub rules: WriteRules,
    /// Nothing is written on the strength of an older reading.
    pub recheck_after: Duration,
    pub batches: Batches,
    /// The input's column of each field and property, for messages.
    pub columns: BTreeMap<String, String>,
    /// Values that the API did not keep, to be remembered for the account.
    pub rewrites: Mutex<Vec<Rewrite>>,
    /// What creates were seen to take and to ignore, likewise.
    pub lessons: Mutex<CreateLessons>,
    /// Lanes that wait for a create to be settled; they do not count as running.
    pub settling: Semaphore,
}

impl LaneContext {
    fn lessons(&self) -> MutexGuard<'_, CreateLessons> {
        self.lessons.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether PATCH is known to keep the properties that it does not name. An account that was seen to behave
    /// otherwise than its probe found is not believed any more.
    fn patch_merges(&self) -> bool {
        self.rules.patch_merges && !self.batches.have_lost()
    }

    fn patch_adds_tags(&self) -> bool {
        self.rules.patch_adds_tags && !self.batches.have_lost()
    }
}

/// One customer's work.
#[derive(Debug, Clone)]
pub struct LaneJob {
    pub lane: Lane,
    /// What the row wants, where it may be planned anew.
    pub desired: Option<DesiredCustomer>,
    /// The customer as it was read directly before, where it was.
    pub before: Option<RemoteCustomer>,
    /// How far the lane came before the run was interrupted.
    pub progress: RowProgress,
    /// What a batch brought the first operation, where one was tried.
    pub batched: Option<Batched>,
    /// What is to be told of the row besides.
    pub notice: Option<Notice>,
    /// The reading that its next write stands on.
    pub standing: Standing,
}

/// How a lane ended.
#[derive(Debug, Clone)]
pub enum LaneEnd {
    Finished(FinishedRow),
    /// Its reading grew old before anything was written: it is to be read again.
    Outdated(Box<LaneJob>),
    /// The run stopped before the lane was done; it goes on from its journal.
    Pending,
}

/// Whether the lane goes on with its next operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    Going,
    /// An operation did not end well: the rest is not sent.
    Broken,
    /// Its reading grew old before the first write.
    Outdated,
    /// The run stops: the rest stays for a resume.
    Stopped,
}

struct Run<'a> {
    context: &'a LaneContext,
    lane: Lane,
    customer: Option<CustomerId>,
    /// The customer as the last answer showed it.
    seen: Option<RemoteCustomer>,
    progress: RowProgress,
    results: Vec<OperationResult>,
    error: Option<Issue>,
    status: Option<RowStatus>,
    pace: Pace,
    /// Held while requests are sent; given back while a create is being settled.
    place: &'a mut Place,
    /// What a batch brought the first operation.
    batched: Option<Batched>,
    /// The tags that go along with the patch, as the operation after it.
    riding: Option<Operation>,
    /// How the tags went that rode along with a patch and took.
    rode: Option<OperationResult>,
    notice: Option<Notice>,
    desired: Option<DesiredCustomer>,
    standing: Standing,
    /// Something of the lane took, so that its customer is not as its plan knew it.
    has_written: bool,
}

/// Runs a lane to its end.
///
/// # Errors
/// When the journal cannot be written: then nothing more may be sent.
pub async fn run(
    context: &LaneContext,
    job: LaneJob,
    place: &mut Place,
) -> Result<LaneEnd, JournalError> {
    let creates = job.lane.customer.is_none();
    let mut run = Run {
        context,
        has_written: job.progress.has_applied(creates),
        desired: job.desired,
        standing: job.standing,
        customer: job.lane.customer.or(job.progress.customer_id),
        lane: job.lane,
        seen: job.before,
        progress: job.progress,
        results: Vec::new(),
        error: None,
        status: None,
        pace: Pace::Going,
        place,
        batched: job.batched,
        riding: None,
        rode: None,
        notice: job.notice,
    };
    let operations = run.lane.operations.clone();
    for (at, operation) in operations.iter().enumerate() {
        match run.pace {
            Pace::Going => {
                run.let_ride(operation, operations.get(at + 1));
                run.operation(operation).await?;
            }
            Pace::Broken => run
                .results
                .push(with_status(operation, OperationStatus::NotSent)),
            Pace::Outdated | Pace::Stopped => break,
        }
    }
    run.finish(&operations).await
}

fn with_status(operation: &Operation, status: OperationStatus) -> OperationResult {
    OperationResult {
        status,
        ..OperationResult::planned(operation)
    }
}

/// The API's example of a create leaves some fields out, and does not say whether one may have them.
fn is_refused_for_a_field_of_updates(issue: &Issue) -> bool {
    let names = |field: Field| issue.code == field.name();
    issue.http_status == Some(400) && Field::NOT_IN_CREATE_EXAMPLE.into_iter().any(names)
}

/// Whether an outcome has to be on disk before the lane goes on. One that a power cut may take does no harm if it is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flush {
    Yes,
    No,
}

impl Run<'_> {
    async fn finish(mut self, operations: &[Operation]) -> Result<LaneEnd, JournalError> {
        match self.pace {
            Pace::Stopped => return Ok(LaneEnd::Pending),
            Pace::Outdated => return Ok(LaneEnd::Outdated(Box::new(self.into_job()))),
            Pace::Going | Pace::Broken => {}
        }
        let mut warnings = Vec::new();
        match self.notice.take() {
            Some(Notice::Warning(issue)) => warnings.push(issue),
            Some(Notice::Failure(issue)) if self.error.is_none() => self.broken(issue),
            Some(Notice::Failure(issue)) => warnings.push(issue),
            None => {}
        }
        let creates = operations
            .iter()
            .any(|op| op.kind() == OperationKind::Create);
        let well = match (creates, operations.is_empty()) {
            (true, _) => RowStatus::Created,
            (false, true) => RowStatus::Unchanged,
            (false, false) => RowStatus::Updated,
        };
        let finished = FinishedRow {
            row: self.lane.row,
            status: self.status.unwrap_or(well),
            customer_id: self.customer,
            operations: self.results,
            error: self.error,
            warnings,
        };
        self.context
            .journal
            .append(&Entry::Row(finished.clone()))
            .await?;
        if let Some(id) = self.customer {
            self.context.client.done_with(id);
        }
        Ok(LaneEnd::Finished(finished))
    }

    async fn operation(&mut self, operation: &Operation) -> Result<(), JournalError> {
        if let Some(earlier) = self.progress.result(operation.kind())
            && earlier.status == OperationStatus::Done
        {
            // Done before the run was interrupted: never sent again.
            self.results.push(earlier.clone());
            if let Some(issue) = self.unmended() {
                self.broken(issue);
            }
            return Ok(());
        }
        if let (Operation::Tag(_), Some(rode)) = (operation, self.rode.take()) {
            self.record(rode.clone(), None, Flush::Yes).await?;
            self.results.push(rode);
            return Ok(());
        }
        match operation {
            Operation::Create(create) => self.create(operation, create).await,
            _ => self.change(operation).await,
        }
    }

    /// Sends a patch, tag or untag.
    async fn change(&mut self, operation: &Operation) -> Result<(), JournalError> {
        let mut result = OperationResult::planned(operation);
        if let Some(earlier) = self.progress.result(operation.kind()) {
            result.attempts = earlier.attempts;
            result.http_status = earlier.http_status;
        }
        let Some(id) = self.customer else {
            let issue = Issue::new(
                IssueKind::Api,
                "no_customer",
                "the customer of this operation is not known",
            );
            return self.fail(operation, result, issue).await;
        };
        let before = self.seen.clone();
        let left = self.status_of_unsent(operation.kind());
        let mut sent = match self.answer_of_batch(&mut result) {
            Some(sent) => sent,
            None if !self.has_place(&result, left).await? => return Ok(()),
            None => match self.send(id, operation).await {
                Ok(sent) => sent,
                Err(Unsent::Failed(issue)) => return self.fail(operation, result, issue).await,
                Err(Unsent::Journal(error)) => return Err(error),
            },
        };
        self.look_once(id, operation, &mut sent).await;
        self.count(&mut result, &sent);
        match sent.result {
            Ok(customer) => {
                let mut short = shortfall(operation, before.as_ref(), &customer);
                if customer.id == id {
                    self.ride(sent.attempts, &result, &customer);
                    // What an answer that is not whole lacks may have taken all the same.
                    short.unknown |= !short.is_empty() && !customer.is_whole();
                    self.wrote(customer);
                } else {
                    // It tells nothing of this one.
                    self.has_written = true;
                    short.unknown = true;
                }
                self.check(operation, result, short, before).await
            }
            Err(error) => {
                self.did_not_take(operation, result, &error, sent.in_doubt)
                    .await
            }
        }
    }

    async fn send_once(
        &mut self,
        id: CustomerId,
        operation: &Operation,
    ) -> Result<Sent<RemoteCustomer>, Unsent> {
        // A patch may have to read something first, and notes its intent itself.
        if operation.kind() != OperationKind::Patch {
            self.note_intent(operation.kind()).await?;
        }
        let client = self.client_on_reading(false);
        Ok(match operation {
            Operation::Create(create) => client.create(create).await,
            Operation::Patch(patch) => self.patch(id, patch).await?,
            Operation::Tag(tags) => client.tag(id, tags).await,
            Operation::Untag(tags) => client.untag(id, tags).await,
        })
    }

    /// What to say of an operation that was refused.
    fn issue(&self, operation: &Operation, error: &CallError) -> Issue {
        let properties: Vec<String> = match operation {
            Operation::Create(create) => create.custom_data.iter().map(|p| p.0.clone()).collect(),
            Operation::Patch(patch) => {
                let merges = self.context.patch_merges();
                let sent = patch_body(patch, self.seen.as_ref(), merges).custom_data;
                sent.into_iter().flatten().map(|(name, _)| name).collect()
            }
            Operation::Tag(_) | Operation::Untag(_) => Vec::new(),
        };
        let issue = cause::issue(error, &self.context.columns, &properties);
        match operation {
            Operation::Create(_) if is_refused_for_a_field_of_updates(&issue) => issue.hint(
                "`hcsync probe` finds out which fields a create is refused for here; they are given by a PATCH from then on",
            ),
            _ => issue,
        }
    }

    /// `in_doubt`: an attempt may have taken effect all the same.
    async fn did_not_take(
        &mut self,
        operation: &Operation,
        result: OperationResult,
        error: &CallError,
        in_doubt: bool,
    ) -> Result<(), JournalError> {
        let status = match cause::verdict(error) {
            Verdict::Failed => {
                let issue = self.issue(operation, error);
                let issue = if in_doubt {
                    may_be_applied(issue)
                } else {
                    issue
                };
                return self.fail(operation, result, issue).await;
            }
            Verdict::Outdated => return self.give_back(result, error).await,
            Verdict::NotDone if !in_doubt => self.status_of_unsent(operation.kind()),
            Verdict::NotDone | Verdict::Unknown => OperationStatus::InDoubt,
        };
        self.pace = Pace::Stopped;
        let result = OperationResult { status, ..result };
        self.record(result, None, Flush::No).await
    }

    /// The status of an operation whose attempt is known not to have been taken. One that was sent before may still take
    /// effect, however its customer looked meanwhile: a server may be slow, and a read behind.
    fn status_of_unsent(&self, op: OperationKind) -> OperationStatus {
        let was_sent = self.progress.result(op).is_some_and(|r| r.attempts > 0);
        match was_sent && op != OperationKind::Create {
            true => OperationStatus::InDoubt,
            false => OperationStatus::Planned,
        }
    }

    async fn fail(
        &mut self,
        operation: &Operation,
        result: OperationResult,
        issue: Issue,
    ) -> Result<(), JournalError> {
        tracing::warn!(row = %self.lane.row, op = operation.kind().as_str(), code = issue.code, "the operation failed");
        let failed = OperationResult {
            status: OperationStatus::Failed,
            ..result
        };
        self.record(failed.clone(), Some(issue.clone()), Flush::Yes)
            .await?;
        self.results.push(failed);
        self.broken(issue);
        Ok(())
    }

    fn broken(&mut self, issue: Issue) {
        self.status = Some(RowStatus::Failed);
        self.error = Some(issue);
        self.pace = Pace::Broken;
    }

    fn count<T>(&self, result: &mut OperationResult, sent: &Sent<T>) {
        result.attempts += sent.attempts;
        result.http_status = sent.http_status.or(result.http_status);
        if sent.attempts > 0 {
            result.at = Some(self.context.clock.rfc3339());
        }
    }

    /// Writes an outcome to the journal.
    async fn record(
        &mut self,
        operation: OperationResult,
        error: Option<Issue>,
        flush: Flush,
    ) -> Result<(), JournalError> {
        if operation.status != OperationStatus::InDoubt {
            self.progress.close(operation.op);
        }
        let outcome = Outcome {
            row: self.lane.row,
            customer_id: self.customer,
            operation,
            error,
        };
        let entry = Entry::Outcome(outcome);
        match flush {
            Flush::Yes => self.context.journal.append(&entry).await,
            Flush::No => self.context.journal.append_unsynced(&entry),
        }
    }
}
