//! Compares a write's answer with what was meant, and repairs what did not take effect.

use std::collections::BTreeMap;

use crate::domain::{CustomerId, Issue, IssueKind, RemoteCustomer, Reported};
use crate::helpcrunch::CallError;
use crate::journal::{JournalError, JournalRecord, KeptValues};
use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::codec::lane_to_json;
use crate::plan::{Lane, Operation, Patch};

use super::LaneRun;
use super::operation::Flush;
use super::patch::Unsent;
use crate::run::verify::{Shortfall, shortfall};

/// What the repairs of one operation came to.
#[derive(Default)]
struct RepairOutcome {
    results: Vec<OperationResult>,
    /// Names of what still did not take effect.
    missing: Vec<String>,
    /// Changes that still did not take effect, from the values that HelpCrunch kept instead.
    overridden: Patch,
    /// Why a repair was not sent or was refused.
    issue: Option<Issue>,
}

impl LaneRun<'_> {
    /// Verifies a create that was answered, or whose customer was found.
    pub(super) async fn accept_create(
        &mut self,
        operation: &Operation,
        result: OperationResult,
        customer: RemoteCustomer,
    ) -> Result<(), JournalError> {
        self.customer = Some(customer.id);
        self.context.refusals.accept(operation);
        let missing = shortfall(operation, None, &customer);
        self.learn_taken(operation, &missing);
        self.accept_write(customer);
        self.verify(operation, result, missing, None).await
    }

    /// Records an operation that took effect, after repairing what of it did not.
    pub(super) async fn verify(
        &mut self,
        operation: &Operation,
        result: OperationResult,
        mut missing: Shortfall,
        before: Option<RemoteCustomer>,
    ) -> Result<(), JournalError> {
        let done = result.with_status(OperationStatus::Done);
        if missing.unknown {
            if !self.acquire_slot(&done, OperationStatus::InDoubt).await? {
                return Ok(());
            }
            missing = match self.read_again().await {
                Ok(mut customer) => {
                    // Tags that are left out may be none at all, and adding those that are wanted once more does no harm.
                    if !customer.tags.is_reported() && !matches!(operation, Operation::Untag(_)) {
                        customer.tags = Reported::Value(Vec::new());
                    }
                    shortfall(operation, before.as_ref(), &customer)
                }
                Err(error) if error.stop().is_some() => {
                    return self.handle_error(operation, done, &error, true).await;
                }
                Err(_) => missing,
            };
        }
        if missing.unknown {
            return self.fail(operation, done, unverified()).await;
        }
        if missing.is_empty() {
            self.record(done.clone(), None, Flush::Yes).await?;
            self.results.push(done);
            return Ok(());
        }
        tracing::debug!(row = %self.lane.row, fields = ?missing.names(), "the write did not fully take effect; repairing it");
        self.repair(operation, done, &missing).await
    }

    async fn read_again(&mut self) -> Result<RemoteCustomer, CallError> {
        let Some(id) = self.customer else {
            return Err(CallError::Interrupted);
        };
        let customer = self.context.client.get(id).await.result?;
        self.accept_read(customer.clone());
        Ok(customer)
    }

    /// Repairs what did not take effect, with one further operation of each kind, and records the operation.
    async fn repair(
        &mut self,
        operation: &Operation,
        mut done: OperationResult,
        missing: &Shortfall,
    ) -> Result<(), JournalError> {
        let Some(id) = self.customer else {
            return Ok(());
        };
        if !self.acquire_slot(&done, OperationStatus::InDoubt).await? {
            return Ok(());
        }
        let mut outcome = RepairOutcome::default();
        for repair in missing.repairs() {
            if let Some(stop) = self.send_repair(id, &repair, &mut outcome).await? {
                return self.handle_error(operation, done, &stop, true).await;
            }
            if outcome.issue.is_some() {
                break;
            }
        }
        let is_same_kind = outcome.results.iter().any(|r| r.op == done.op);
        absorb(&mut done, &mut outcome.results);
        let issue = match outcome.issue {
            Some(issue) => Some(issue),
            None if outcome.missing.is_empty() => None,
            None => {
                self.record_overridden(outcome.overridden).await?;
                Some(not_kept(&outcome.missing, &self.context.columns))
            }
        };
        match issue {
            None => {
                if matches!(operation, Operation::Create(_)) {
                    self.learn_ignored(&missing.patch);
                }
                self.record(done.clone(), None, Flush::Yes).await?;
                self.results.push(done);
            }
            Some(issue) if is_same_kind => self.fail(operation, done, issue).await?,
            Some(issue) => {
                // The create itself took effect; its repair did not.
                self.record(done.clone(), Some(issue.clone()), Flush::Yes)
                    .await?;
                self.results.push(done);
                self.set_failed(issue);
            }
        }
        self.results.append(&mut outcome.results);
        Ok(())
    }

    /// Sends one repair and adds what it came to. Returns the error if the run stops.
    async fn send_repair(
        &mut self,
        id: CustomerId,
        repair: &Operation,
        outcome: &mut RepairOutcome,
    ) -> Result<Option<CallError>, JournalError> {
        let mut sent = match self.send(id, repair).await {
            Ok(sent) => sent,
            Err(Unsent::Failed(issue)) => {
                outcome.issue = Some(issue);
                return Ok(None);
            }
            Err(Unsent::Journal(error)) => return Err(error),
        };
        let mut result = OperationResult::planned(repair);
        self.check_effect(id, repair, &mut sent).await;
        self.add_attempts(&mut result, &sent);
        result.status = OperationStatus::Failed;
        match sent.result {
            Ok(customer) => {
                let mut missing = shortfall(repair, None, &customer);
                self.accept_write(customer);
                if missing.unknown {
                    match self.read_again().await {
                        Ok(customer) => missing = shortfall(repair, None, &customer),
                        Err(error) if error.stop().is_some() => return Ok(Some(error)),
                        Err(_) => {}
                    }
                }
                if missing.unknown {
                    outcome.issue = Some(unverified());
                }
                if missing.is_empty() {
                    result.status = OperationStatus::Done;
                }
                self.remember_overrides(id, &missing);
                outcome.missing.extend(missing.names());
                let overridden = &mut outcome.overridden;
                overridden.set.extend(missing.patch.set);
                overridden.custom_data.extend(missing.patch.custom_data);
            }
            Err(error) if error.stop().is_some() => return Ok(Some(error)),
            Err(error) => outcome.issue = Some(self.issue(repair, &error)),
        }
        outcome.results.push(result);
        Ok(None)
    }

    /// Records the values that HelpCrunch kept: they are what was written last, whatever was sent.
    async fn record_overridden(&self, overridden: Patch) -> Result<(), JournalError> {
        if overridden.is_empty() {
            return Ok(());
        }
        let lane = Lane {
            customer: self.customer,
            operations: vec![Operation::Patch(overridden)],
            ..self.lane.clone()
        };
        let entry = JournalRecord::Kept(KeptValues {
            row: self.lane.row,
            payload: lane_to_json(&lane),
        });
        self.context.journal.append_unsynced(&entry)
    }
}

fn unverified() -> Issue {
    let message = "HelpCrunch's answer does not show whether the change took effect";
    Issue::new(IssueKind::Api, "unverified", message)
}

/// Counts a repair of the operation's own kind as further attempts at the operation.
fn absorb(done: &mut OperationResult, repairs: &mut Vec<OperationResult>) {
    if let Some(index) = repairs.iter().position(|r| r.op == done.op) {
        let repair = repairs.remove(index);
        done.attempts += repair.attempts;
        done.http_status = repair.http_status.or(done.http_status);
        done.at = repair.at.or_else(|| done.at.take());
    }
}

/// The issue code of a write that was accepted without a value being kept.
pub(in crate::run) const NOT_KEPT: &str = "not_kept";

fn not_kept(fields: &[String], columns: &BTreeMap<String, String>) -> Issue {
    let message = format!(
        "HelpCrunch accepted the change but kept another value of: {}",
        fields.join(", ")
    );
    let issue = Issue::new(IssueKind::Api, NOT_KEPT, message)
        .hint("compare the value with what HelpCrunch shows; the next run does not send it again while both stay the same");
    match fields.first().and_then(|field| columns.get(field)) {
        Some(column) => issue.column(column),
        None => issue,
    }
}
