//! Creating a customer: intent before the send, and never a second send before the first is settled.

use crate::domain::{CustomerId, Field, Issue, IssueKind, RemoteCustomer};
use crate::helpcrunch::{ApiError, CallError};
use crate::journal::{Entry, JournalError, Settled};
use crate::outcome::{OperationResult, OperationStatus, RowStatus};
use crate::plan::{Create, Operation, OperationKind};

use super::{Flush, Pace, Run};
use crate::run::settle::{Settlement, Sought};
use crate::run::verify::shortfall;

impl Run<'_> {
    /// Why an operation that took could not be mended before the run was interrupted.
    pub(super) fn unmended(&self) -> Option<Issue> {
        let failed = |result: &OperationResult| result.status == OperationStatus::Failed;
        let error = self.progress.error.clone();
        error.filter(|_| !self.progress.operations.iter().any(failed))
    }

    /// Sends a create, at most twice: again only once it is settled that the first made nobody.
    pub(super) async fn create(
        &mut self,
        operation: &Operation,
        create: &Create,
    ) -> Result<(), JournalError> {
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
        let mut sendable = self.context.rules.acceptable(create);
        self.leave_out_refused(&mut sendable);
        loop {
            self.note_intent(OperationKind::Create).await?;
            sends += 1;
            let sent = self.client_on_reading(false).create(&sendable).await;
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
                Err(error) => {
                    let refused = refused_fields(&error, &sendable);
                    if !refused.is_empty() {
                        // Nobody was made (documented), and what is sent now is another create.
                        sends -= 1;
                        self.context.lessons().refused.extend(refused);
                        self.leave_out_refused(&mut sendable);
                        continue;
                    }
                    if error.is_unsent() {
                        sends -= 1;
                    }
                    self.progress.creates_sent = sends;
                    let in_doubt = sent.in_doubt;
                    return self.did_not_take(operation, result, &error, in_doubt).await;
                }
            }
        }
    }

    /// Leaves out what creates of this run were refused for; a PATCH gives it to the customer that is made.
    fn leave_out_refused(&self, create: &mut Create) {
        let refused = &self.context.lessons().refused;
        create.set.retain(|(field, _)| !refused.contains(field));
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
            Err(error) => self.did_not_take(operation, result, &error, true).await,
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
            Flush::No,
        )
        .await?;
        let create = match operation {
            Operation::Create(create) => Some(create),
            _ => None,
        };
        let sought = Sought::of(&self.lane.key, create);
        // A lane that waits gives its place to others; so many may wait at once.
        let waiting = self.context.settling.acquire().await;
        self.place.give_up();
        let settlement = self
            .context
            .settler
            .settle(&self.context.client, &sought)
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
                    self.standing.renew(self.context.clock.now());
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
}

/// The fields for which a create was refused that the API's example of one leaves out: whether it may have them is not documented.
/// Nothing where the refusal has another reason as well.
fn refused_fields(error: &CallError, create: &Create) -> Vec<Field> {
    let CallError::Refused {
        status: 400,
        errors,
    } = error
    else {
        return Vec::new();
    };
    let field_of = |error: &ApiError| {
        let fields = create.set.iter().map(|(field, _)| *field);
        let mut unsure = fields.filter(|field| Field::NOT_IN_CREATE_EXAMPLE.contains(field));
        unsure.find(|field| field.name() == error.code)
    };
    let named = errors.iter().map(field_of);
    named.collect::<Option<_>>().unwrap_or_default()
}
