//! Creating a customer: the intent is recorded before the send, and nothing is sent again before the first send is settled.

use std::time::Duration;

use tokio::time::sleep;

use crate::domain::{CustomerId, Field, Issue, IssueKind, RemoteCustomer};
use crate::helpcrunch::{ApiError, CallError};
use crate::journal::{JournalError, JournalRecord, Settled};
use crate::outcome::{OperationResult, OperationStatus, RowStatus};
use crate::plan::{Create, Operation, OperationKind};

use super::operation::Flush;
use super::{LaneRun, LaneState};
use crate::run::settle::{CreateInDoubt, Settlement};
use crate::run::verify::shortfall;

/// A create in doubt is sent this many times at once where that makes no second customer.
const MAX_RESENDS: u32 = 2;
const RESEND_PAUSE: Duration = Duration::from_secs(1);

/// A create is sent at most this many times, not counting those.
const MAX_SENDS: u32 = 2;

impl LaneRun<'_> {
    /// Returns why an operation that took effect could not be repaired before the run was interrupted.
    pub(super) fn failed_repair(&self) -> Option<Issue> {
        let failed = |result: &OperationResult| result.status == OperationStatus::Failed;
        let error = self.progress.error.clone();
        error.filter(|_| !self.progress.operations.iter().any(failed))
    }

    /// Sends a create, and once more only if the first one is known to have created no customer.
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
            return self.verify_created(operation, result, id).await;
        }
        if self.progress.create_in_doubt()
            && !self.can_resend(create, 0)
            && !self.settle(operation, &result, sends).await?
        {
            return Ok(());
        }
        let mut sendable = self.context.rules.without_refused_fields(create);
        self.drop_refused(&mut sendable);
        let mut resends = 0;
        loop {
            self.record_intent(OperationKind::Create).await?;
            sends += 1;
            let sent = self.guarded_client(false).create(&sendable).await;
            self.add_attempts(&mut result, &sent);
            match sent.result {
                Ok(customer) => {
                    self.record_incomplete(operation, &customer).await?;
                    return self.accept_create(operation, result, customer).await;
                }
                Err(CallError::Unknown { .. }) if self.can_resend(create, resends) => {
                    resends += 1;
                    sleep(RESEND_PAUSE).await;
                }
                Err(CallError::Unknown { .. }) => {
                    if !self.settle(operation, &result, sends - resends).await? {
                        return Ok(());
                    }
                }
                Err(error) => {
                    let refused = refused_fields(&error, &sendable);
                    if !refused.is_empty() {
                        // A refused create makes no customer (documented), and what is sent next is another create.
                        sends -= 1;
                        self.context.lessons().refused.extend(refused);
                        self.drop_refused(&mut sendable);
                        continue;
                    }
                    if error.is_unsent() {
                        sends -= 1;
                    }
                    self.progress.creates_sent = sends;
                    if error.is_user_id_taken() {
                        return self.match_again(operation, result, &error, sends > 1).await;
                    }
                    let in_doubt = sent.in_doubt;
                    return self.handle_error(operation, result, &error, in_doubt).await;
                }
            }
        }
    }

    /// Whether a create in doubt may be sent again without looking for its customer: where a userId belongs to one customer
    /// only, the second create makes none.
    fn can_resend(&self, create: &Create, resends: u32) -> bool {
        let names_user_id = create.set.iter().any(|(field, _)| *field == Field::UserId);
        self.context.rules.unique_user_ids && names_user_id && resends < MAX_RESENDS
    }

    /// Drops the fields that creates of this run were refused for. A PATCH sets them once the customer exists.
    fn drop_refused(&self, create: &mut Create) {
        let refused = &self.context.lessons().refused;
        create.set.retain(|(field, _)| !refused.contains(field));
    }

    /// Records the created customer before it is repaired, so that a crash leaves no doubt about it: a repair may hide
    /// a customer from search for as long as a create does.
    async fn record_incomplete(
        &self,
        operation: &Operation,
        customer: &RemoteCustomer,
    ) -> Result<(), JournalError> {
        match shortfall(operation, None, customer).is_empty() {
            true => Ok(()),
            false => self.record_settled(Some(customer.id)).await,
        }
    }

    pub(super) async fn record_settled(
        &self,
        found: Option<CustomerId>,
    ) -> Result<(), JournalError> {
        let entry = JournalRecord::Settled(Settled {
            row: self.lane.row,
            found,
            at: self.context.clock.rfc3339(),
        });
        self.context.journal.append(&entry).await
    }

    /// Verifies a create whose customer was found before the run was interrupted.
    async fn verify_created(
        &mut self,
        operation: &Operation,
        result: OperationResult,
        id: CustomerId,
    ) -> Result<(), JournalError> {
        match self.context.client.get(id).await.result {
            Ok(customer) => self.accept_create(operation, result, customer).await,
            Err(error) => self.handle_error(operation, result, &error, true).await,
        }
    }

    /// Settles a create in doubt. Returns true if it created no customer and is to be sent once more.
    async fn settle(
        &mut self,
        operation: &Operation,
        result: &OperationResult,
        sends: u32,
    ) -> Result<bool, JournalError> {
        let in_doubt = result.clone().with_status(OperationStatus::InDoubt);
        self.record(in_doubt.clone(), None, Flush::No).await?;
        match self.find_created().await {
            Settlement::Found(customer) => {
                self.record_settled(Some(customer.id)).await?;
                self.accept_create(operation, result.clone(), *customer)
                    .await?;
            }
            Settlement::NotCreated => {
                self.record_settled(None).await?;
                if sends < MAX_SENDS {
                    self.freshness.renew(self.context.clock.now());
                    return Ok(true);
                }
                let message = "the create got no usable answer twice, and no customer was created";
                let issue =
                    Issue::new(IssueKind::Network, "no_answer", message).hint("run the sync again");
                self.fail(operation, result.clone(), issue).await?;
            }
            Settlement::Doubt(issue) => {
                self.results.push(in_doubt);
                self.status = Some(RowStatus::InDoubt);
                self.error = Some(issue);
                self.state = LaneState::Failed;
            }
            Settlement::Stopped => self.state = LaneState::Stopped,
        }
        Ok(false)
    }

    /// Looks for the customer of a create in doubt. The lane gives up its slot meanwhile.
    async fn find_created(&mut self) -> Settlement {
        let in_doubt = CreateInDoubt::of_lane(&self.lane);
        let context = self.context;
        let _settling = context.settling.acquire().await;
        self.slot.release();
        context.settler.settle(&context.client, &in_doubt).await
    }
}

/// Returns the fields for which a create was refused and that the API's example of a create leaves out: whether one may
/// have them is not documented. Empty if the refusal has another reason as well.
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
        let mut undocumented = fields.filter(|field| Field::NOT_IN_CREATE_EXAMPLE.contains(field));
        undocumented.find(|field| field.name() == error.code)
    };
    let refused = errors.iter().map(field_of);
    refused.collect::<Option<_>>().unwrap_or_default()
}
