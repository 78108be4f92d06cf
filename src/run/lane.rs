//! Runs the operations of one customer, in order. Every answer is compared with what was meant; what did not take
//! is mended with one further operation, or the row fails.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::{CustomerId, DesiredCustomer, Issue, IssueKind, RemoteCustomer};
use crate::helpcrunch::{CallError, Sent, WriteClient};
use crate::journal::{
    Entry, FinishedRow, Intent, JournalError, JournalWriter, Outcome, RowProgress, Settled,
};
use crate::outcome::{OperationResult, OperationStatus, RowStatus};
use crate::pace::Clock;
use crate::plan::{Create, Lane, Operation, OperationKind, Patch};

use super::cause::{self, Verdict};
use super::memory::{Rewrite, shown};
use super::merge::patch_body;
use super::settle::{Settlement, Settler};
use super::verify::{Shortfall, shortfall};

/// What all lanes of a run share.
#[derive(Debug)]
pub struct LaneContext {
    pub client: WriteClient,
    pub journal: JournalWriter,
    pub clock: Clock,
    pub settler: Settler,
    /// Whether PATCH is known to merge `customData`. Until then a whole, merged set is sent.
    pub merges_custom_data: bool,
    /// The input's column of each field and property, for messages.
    pub columns: BTreeMap<String, String>,
    /// Values that the API did not keep, to be remembered for the account.
    pub rewrites: Mutex<Vec<Rewrite>>,
    /// Lanes that wait for a create to be settled; they do not count as running.
    pub settling: Semaphore,
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
}

/// How a lane ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaneEnd {
    Finished(FinishedRow),
    /// The run stopped before the lane was done; it goes on from its journal.
    Pending,
}

/// Whether the lane goes on with its next operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    Going,
    /// An operation did not end well: the rest is not sent.
    Broken,
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
    permit: Option<OwnedSemaphorePermit>,
}

/// Runs a lane to its end.
///
/// # Errors
/// When the journal cannot be written: then nothing more may be sent.
pub async fn run(
    context: &LaneContext,
    job: LaneJob,
    permit: OwnedSemaphorePermit,
) -> Result<LaneEnd, JournalError> {
    let mut run = Run {
        context,
        customer: job.lane.customer.or(job.progress.customer_id),
        lane: job.lane,
        seen: job.before,
        progress: job.progress,
        results: Vec::new(),
        error: None,
        status: None,
        pace: Pace::Going,
        permit: Some(permit),
    };
    let operations = std::mem::take(&mut run.lane.operations);
    for operation in &operations {
        match run.pace {
            Pace::Going => run.operation(operation).await?,
            Pace::Broken => run
                .results
                .push(with_status(operation, OperationStatus::NotSent)),
            Pace::Stopped => return Ok(LaneEnd::Pending),
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

impl Run<'_> {
    async fn finish(self, operations: &[Operation]) -> Result<LaneEnd, JournalError> {
        if self.pace == Pace::Stopped {
            return Ok(LaneEnd::Pending);
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
            warnings: Vec::new(),
        };
        self.context
            .journal
            .append(&Entry::Row(finished.clone()))
            .await?;
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
        match operation {
            Operation::Create(create) => self.create(operation, create).await,
            _ => self.change(operation).await,
        }
    }

    /// Why an operation that took could not be mended before the run was interrupted.
    fn unmended(&self) -> Option<Issue> {
        let failed = |result: &OperationResult| result.status == OperationStatus::Failed;
        let error = self.progress.error.clone();
        error.filter(|_| !self.progress.operations.iter().any(failed))
    }

    /// Sends a create, at most twice: again only once it is settled that the first made nobody.
    async fn create(&mut self, operation: &Operation, create: &Create) -> Result<(), JournalError> {
        let mut result = OperationResult::planned(operation);
        let mut sends = self.progress.creates_sent;
        if let Some(earlier) = self.progress.result(OperationKind::Create) {
            result.attempts = earlier.attempts;
        }
        if let Some(id) = self.customer {
            return self.made(operation, result, id).await;
        }
        if self.progress.create_in_doubt() && !self.settle(operation, &mut result, sends).await? {
            return Ok(());
        }
        loop {
            let (row, at) = (self.lane.row, self.context.clock.rfc3339());
            self.context
                .journal
                .append(&Entry::Intent(Intent {
                    row,
                    op: OperationKind::Create,
                    at,
                }))
                .await?;
            sends += 1;
            let sent = self.context.client.create(create).await;
            self.count(&mut result, &sent);
            match sent.result {
                Ok(customer) => {
                    self.note_unmended(operation, &customer).await?;
                    return self.took(operation, result, customer).await;
                }
                Err(CallError::Unknown { .. }) => {
                    if !self.settle(operation, &mut result, sends).await? {
                        return Ok(());
                    }
                }
                Err(error) => return self.did_not_take(operation, result, &error).await,
            }
        }
    }

    /// Notes whom a create made before it is mended, so that a crash meanwhile leaves no doubt: an edit may keep
    /// a customer from being found for as long as a create does.
    async fn note_unmended(
        &self,
        operation: &Operation,
        customer: &RemoteCustomer,
    ) -> Result<(), JournalError> {
        if shortfall(operation, None, customer).is_empty() {
            return Ok(());
        }
        let entry = Entry::Settled(Settled {
            row: self.lane.row,
            found: Some(customer.id),
            at: self.context.clock.rfc3339(),
        });
        self.context.journal.append(&entry).await
    }

    /// The customer was found before the run was interrupted; whether all of it took is still to be seen.
    async fn made(
        &mut self,
        operation: &Operation,
        result: OperationResult,
        id: CustomerId,
    ) -> Result<(), JournalError> {
        match self.context.client.get(id).await.result {
            Ok(customer) => self.took(operation, result, customer).await,
            Err(error) => self.did_not_take(operation, result, &error).await,
        }
    }

    /// Settles a create in doubt. True where it made nobody and is to be sent once more.
    async fn settle(
        &mut self,
        operation: &Operation,
        result: &mut OperationResult,
        sends: u32,
    ) -> Result<bool, JournalError> {
        self.record(
            OperationResult {
                status: OperationStatus::InDoubt,
                ..result.clone()
            },
            None,
            true,
        )
        .await?;
        // A lane that waits gives its place to others; so many may wait at once.
        let waiting = self.context.settling.acquire().await;
        self.permit = None;
        let settlement = self
            .context
            .settler
            .settle(&self.context.client, &self.lane.key)
            .await;
        drop(waiting);
        let (row, at) = (self.lane.row, self.context.clock.rfc3339());
        match settlement {
            Settlement::Found(customer) => {
                let found = Some(customer.id);
                self.context
                    .journal
                    .append(&Entry::Settled(Settled { row, found, at }))
                    .await?;
                self.took(operation, result.clone(), *customer).await?;
                Ok(false)
            }
            Settlement::NotMade => {
                self.context
                    .journal
                    .append(&Entry::Settled(Settled {
                        row,
                        found: None,
                        at,
                    }))
                    .await?;
                if sends < 2 {
                    return Ok(true);
                }
                let issue = Issue::new(
                    IssueKind::Network,
                    "no_answer",
                    "the create got no usable answer twice, and made nobody",
                );
                self.fail(operation, result.clone(), issue.hint("run the sync again"))
                    .await?;
                Ok(false)
            }
            Settlement::Doubt(issue) => {
                let in_doubt = OperationResult {
                    status: OperationStatus::InDoubt,
                    ..result.clone()
                };
                self.results.push(in_doubt);
                self.status = Some(RowStatus::InDoubt);
                self.error = Some(issue);
                self.pace = Pace::Broken;
                Ok(false)
            }
            Settlement::Stopped => {
                self.pace = Pace::Stopped;
                Ok(false)
            }
        }
    }

    /// Sends a patch, tag or untag.
    async fn change(&mut self, operation: &Operation) -> Result<(), JournalError> {
        let mut result = OperationResult::planned(operation);
        let Some(id) = self.customer else {
            let issue = Issue::new(
                IssueKind::Api,
                "no_customer",
                "the customer of this operation is not known",
            );
            return self.fail(operation, result, issue).await;
        };
        let before = self.seen.clone();
        let sent = match self.send(id, operation).await {
            Ok(sent) => sent,
            Err(issue) => return self.fail(operation, result, issue).await,
        };
        self.count(&mut result, &sent);
        match sent.result {
            Ok(customer) => {
                let short = shortfall(operation, before.as_ref(), &customer);
                self.seen = Some(customer);
                self.check(operation, result, short, before).await
            }
            Err(error) => self.did_not_take(operation, result, &error).await,
        }
    }

    async fn send(
        &mut self,
        id: CustomerId,
        operation: &Operation,
    ) -> Result<Sent<RemoteCustomer>, Issue> {
        let client = &self.context.client;
        Ok(match operation {
            Operation::Patch(patch) => {
                if !patch.custom_data.is_empty() && !self.context.merges_custom_data {
                    self.know_properties(id).await?;
                }
                let body = patch_body(patch, self.seen.as_ref(), self.context.merges_custom_data);
                client.patch(id, &body).await
            }
            Operation::Tag(tags) => client.tag(id, tags).await,
            Operation::Untag(tags) => client.untag(id, tags).await,
            Operation::Create(create) => client.create(create).await,
        })
    }

    /// What to say of an operation that was refused.
    fn issue(&self, operation: &Operation, error: &CallError) -> Issue {
        let properties: Vec<String> = match operation {
            Operation::Create(create) => create.custom_data.iter().map(|p| p.0.clone()).collect(),
            Operation::Patch(patch) => {
                let merges = self.context.merges_custom_data;
                let sent = patch_body(patch, self.seen.as_ref(), merges).custom_data;
                sent.into_iter().flatten().map(|(name, _)| name).collect()
            }
            Operation::Tag(_) | Operation::Untag(_) => Vec::new(),
        };
        cause::issue(error, &self.context.columns, &properties)
    }

    /// A whole set can only be sent by one who knows all of it.
    async fn know_properties(&mut self, id: CustomerId) -> Result<(), Issue> {
        let known = |c: &RemoteCustomer| c.custom_data.is_known();
        if self.seen.as_ref().is_some_and(known) {
            return Ok(());
        }
        match self.context.client.get(id).await.result {
            Ok(customer) if known(&customer) => {
                self.seen = Some(customer);
                Ok(())
            }
            Ok(_) => Err(Issue::new(
                IssueKind::Api,
                "untold",
                "HelpCrunch does not say which custom data this customer has",
            )),
            Err(error) => Err(cause::issue(&error, &self.context.columns, &[])),
        }
    }

    /// A create was answered, or its customer was found.
    async fn took(
        &mut self,
        operation: &Operation,
        result: OperationResult,
        customer: RemoteCustomer,
    ) -> Result<(), JournalError> {
        self.customer = Some(customer.id);
        let short = shortfall(operation, None, &customer);
        self.seen = Some(customer);
        self.check(operation, result, short, None).await
    }

    /// Mends what did not take, with one further operation of each kind.
    async fn check(
        &mut self,
        operation: &Operation,
        result: OperationResult,
        mut short: Shortfall,
        before: Option<RemoteCustomer>,
    ) -> Result<(), JournalError> {
        let done = OperationResult {
            status: OperationStatus::Done,
            ..result
        };
        if short.unknown {
            let told = self.ask_again().await;
            short = match told {
                Ok(customer) => shortfall(operation, before.as_ref(), &customer),
                Err(error) if error.stop().is_some() => {
                    return self.did_not_take(operation, done, &error).await;
                }
                Err(_) => short,
            };
        }
        if short.unknown {
            let message = "the answer does not say whether it took";
            return self
                .fail(
                    operation,
                    done,
                    Issue::new(IssueKind::Api, "unverified", message),
                )
                .await;
        }
        if short.is_empty() {
            self.record(done.clone(), None, false).await?;
            self.results.push(done);
            return Ok(());
        }
        tracing::debug!(row = %self.lane.row, fields = ?short.names(), "the write did not take as it was meant: mending");
        self.mend(operation, done, &short).await
    }

    async fn ask_again(&mut self) -> Result<RemoteCustomer, CallError> {
        let Some(id) = self.customer else {
            return Err(CallError::Interrupted);
        };
        let customer = self.context.client.get(id).await.result?;
        self.seen = Some(customer.clone());
        Ok(customer)
    }

    async fn mend(
        &mut self,
        operation: &Operation,
        mut done: OperationResult,
        short: &Shortfall,
    ) -> Result<(), JournalError> {
        let Some(id) = self.customer else {
            return Ok(());
        };
        let mut further = Vec::new();
        let mut left = Vec::new();
        let mut trouble = None;
        for mend in short.mends() {
            let mut result = OperationResult::planned(&mend);
            let sent = match self.send(id, &mend).await {
                Ok(sent) => sent,
                Err(issue) => {
                    trouble = Some(issue);
                    break;
                }
            };
            self.count(&mut result, &sent);
            let still = match sent.result {
                Ok(customer) => {
                    let still = shortfall(&mend, None, &customer);
                    self.seen = Some(customer);
                    still
                }
                Err(error) if error.stop().is_some() => {
                    return self.did_not_take(operation, done, &error).await;
                }
                Err(error) => {
                    trouble = Some(self.issue(&mend, &error));
                    result.status = OperationStatus::Failed;
                    further.push(result);
                    break;
                }
            };
            result.status = if still.is_empty() {
                OperationStatus::Done
            } else {
                OperationStatus::Failed
            };
            self.remember_rewrites(id, &still.patch);
            left.extend(still.names());
            further.push(result);
        }
        if left.is_empty() && trouble.is_none() {
            absorb(&mut done, &mut further);
            self.record(done.clone(), None, false).await?;
            self.results.push(done);
            self.results.append(&mut further);
            return Ok(());
        }
        let issue = trouble.unwrap_or_else(|| not_kept(&left, &self.context.columns));
        let same_kind = further.iter().any(|r| r.op == done.op);
        absorb(&mut done, &mut further);
        if same_kind {
            self.fail(operation, done, issue).await?;
        } else {
            // The create itself took; what was to mend it did not.
            self.record(done.clone(), Some(issue.clone()), false)
                .await?;
            self.results.push(done);
            self.broken(issue);
        }
        self.results.append(&mut further);
        Ok(())
    }

    fn remember_rewrites(&self, id: CustomerId, kept: &Patch) {
        let fields = kept.set.iter().map(|c| {
            (
                c.field.name().to_owned(),
                shown(c.to.as_ref()),
                shown(c.from.as_ref()),
            )
        });
        let properties = kept.custom_data.iter();
        let properties = properties.map(|c| {
            (
                format!("customData.{}", c.name),
                shown(c.to.as_ref()),
                shown(c.from.as_ref()),
            )
        });
        let learned = fields
            .chain(properties)
            .map(|(field, wanted, kept)| Rewrite::new(id, field, &wanted, &kept));
        self.context
            .rewrites
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(learned);
    }

    async fn did_not_take(
        &mut self,
        operation: &Operation,
        result: OperationResult,
        error: &CallError,
    ) -> Result<(), JournalError> {
        match cause::verdict(error) {
            Verdict::Failed => {
                self.fail(operation, result, self.issue(operation, error))
                    .await
            }
            Verdict::NotDone => {
                self.pace = Pace::Stopped;
                self.record(
                    OperationResult {
                        status: OperationStatus::Planned,
                        ..result
                    },
                    None,
                    true,
                )
                .await
            }
            Verdict::Unknown => {
                self.pace = Pace::Stopped;
                self.record(
                    OperationResult {
                        status: OperationStatus::InDoubt,
                        ..result
                    },
                    None,
                    true,
                )
                .await
            }
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
        self.record(failed.clone(), Some(issue.clone()), false)
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

    /// Writes an outcome to the journal; a lazy one may be lost in a crash without harm.
    async fn record(
        &self,
        operation: OperationResult,
        error: Option<Issue>,
        lazy: bool,
    ) -> Result<(), JournalError> {
        let outcome = Outcome {
            row: self.lane.row,
            customer_id: self.customer,
            operation,
            error,
        };
        let entry = Entry::Outcome(outcome);
        let journal = &self.context.journal;
        if lazy {
            journal.append_lazy(&entry).await
        } else {
            journal.append(&entry).await
        }
    }
}

/// A mend of the operation's own kind is told as further attempts at it.
fn absorb(done: &mut OperationResult, further: &mut Vec<OperationResult>) {
    if let Some(at) = further.iter().position(|r| r.op == done.op) {
        let mend = further.remove(at);
        done.attempts += mend.attempts;
        done.http_status = mend.http_status.or(done.http_status);
        done.at = mend.at.or_else(|| done.at.take());
    }
}

fn not_kept(fields: &[String], columns: &BTreeMap<String, String>) -> Issue {
    let message = format!(
        "HelpCrunch answered well and kept another value of: {}",
        fields.join(", ")
    );
    let issue = Issue::new(IssueKind::Api, "not_kept", message)
        .hint("compare the value with what HelpCrunch shows; the next run leaves it as it is while both stay the same");
    match fields.first().and_then(|field| columns.get(field)) {
        Some(column) => issue.column(column),
        None => issue,
    }
}
