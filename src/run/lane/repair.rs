//! Compares a write's answer with what was meant, and repairs what did not take effect.

use std::collections::BTreeMap;

use crate::domain::{Issue, IssueKind, RemoteCustomer, Reported};
use crate::journal::{JournalError, JournalRecord, KeptValues};
use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::codec::lane_to_json;
use crate::plan::{Lane, Operation, Patch};

use super::LaneRun;
use super::follow_up::OperationEnd;
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
    /// Compares the customer in an answer with what the operation meant, repairs what did not take effect, and records the
    /// operation.
    pub(super) async fn verify(
        &mut self,
        operation: &Operation,
        result: OperationResult,
        before: Option<RemoteCustomer>,
        customer: RemoteCustomer,
    ) -> Result<(), JournalError> {
        self.context.refusals.accept(operation);
        if let Operation::Create(_) = operation {
            let missing = shortfall(operation, None, &customer);
            if self.customer.is_none() && !missing.is_empty() {
                // A crash during the repair must leave no doubt about the customer: a repair may hide it from search for as
                // long as a create does.
                self.record_settled(Some(customer.id)).await?;
            }
            self.learn_taken(operation, &missing);
        }
        let done = result.with_status(OperationStatus::Done);
        let compared = self
            .compare(operation, before.as_ref(), customer, true)
            .await;
        let Some(missing) = compared else {
            return self.stop(done, OperationStatus::InDoubt).await;
        };
        if missing.unknown {
            self.fail(operation, done, unverified());
            return Ok(());
        }
        if missing.is_empty() {
            return self.complete(done).await;
        }
        tracing::debug!(row = %self.job.lane.row, fields = ?missing.names(), "the write did not fully take effect; repairing it");
        Box::pin(self.repair(operation, done, &missing)).await
    }

    /// Returns what of an operation its answer shows not to be in place. If the answer does not show it, the customer is
    /// read; `None` if the run stops first. `can_repair`: the operation is no repair itself.
    async fn compare(
        &mut self,
        operation: &Operation,
        before: Option<&RemoteCustomer>,
        customer: RemoteCustomer,
        can_repair: bool,
    ) -> Option<Shortfall> {
        let mut missing = shortfall(operation, before, &customer);
        let creates = matches!(operation, Operation::Create(_));
        if self.customer.is_some_and(|id| id != customer.id) {
            // The answer is about another customer and says nothing about this one.
            self.has_written = true;
            missing.unknown = true;
        } else {
            self.customer = Some(customer.id);
            // What a partial answer leaves out may have taken effect.
            missing.unknown |= !creates && !missing.is_empty() && !customer.is_complete();
            self.accept_write(customer);
        }
        if !missing.unknown {
            return Some(missing);
        }
        if !self.slot.acquire().await {
            return None;
        }
        match Box::pin(self.read()).await {
            Ok(mut customer) => {
                self.accept_read(customer.clone());
                // Tags that are left out may be none at all, and adding those that are wanted once more does no harm.
                let untags = matches!(operation, Operation::Untag(_));
                if can_repair && !untags && !customer.tags.is_reported() {
                    customer.tags = Reported::Value(Vec::new());
                }
                Some(shortfall(operation, before, &customer))
            }
            Err(error) if error.stop().is_some() => None,
            Err(_) => Some(missing),
        }
    }

    /// Repairs what did not take effect, with one further operation of each kind, and records the operation.
    async fn repair(
        &mut self,
        operation: &Operation,
        mut done: OperationResult,
        missing: &Shortfall,
    ) -> Result<(), JournalError> {
        if !self.slot.acquire().await {
            return self.stop(done, OperationStatus::InDoubt).await;
        }
        let mut outcome = RepairOutcome::default();
        for repair in missing.repairs() {
            if !self.send_repair(&repair, &mut outcome).await? {
                return self.stop(done, OperationStatus::InDoubt).await;
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
                self.complete(done).await?;
            }
            Some(issue) if is_same_kind => self.fail(operation, done, issue),
            Some(issue) => {
                // The create itself took effect; its repair did not.
                self.results.push(done);
                self.set_failed(issue);
            }
        }
        self.results.append(&mut outcome.results);
        Ok(())
    }

    /// Sends one repair and adds what it came to. Returns false if the run stops.
    async fn send_repair(
        &mut self,
        repair: &Operation,
        outcome: &mut RepairOutcome,
    ) -> Result<bool, JournalError> {
        let mut result = OperationResult::planned(repair);
        let end = self.deliver(repair, &mut result, None).await?;
        result.status = OperationStatus::Failed;
        match end {
            OperationEnd::Answered(customer) => {
                let Some(missing) = self.compare(repair, None, *customer, false).await else {
                    return Ok(false);
                };
                if missing.unknown {
                    outcome.issue = Some(unverified());
                }
                if missing.is_empty() {
                    result.status = OperationStatus::Done;
                }
                if let Some(id) = self.customer {
                    self.remember_overrides(id, &missing);
                }
                outcome.missing.extend(missing.names());
                let overridden = &mut outcome.overridden;
                overridden.set.extend(missing.patch.set);
                overridden.custom_data.extend(missing.patch.custom_data);
            }
            OperationEnd::MatchAgain(error) | OperationEnd::Failed { error, .. } => {
                outcome.issue = Some(self.issue(repair, &error));
            }
            OperationEnd::Unsendable(issue) | OperationEnd::Doubtful(issue) => {
                outcome.issue = Some(issue);
                return Ok(true);
            }
            OperationEnd::Deleted
            | OperationEnd::Stale { .. }
            | OperationEnd::Stopped(_)
            | OperationEnd::StoppedSettling => return Ok(false),
        }
        outcome.results.push(result);
        Ok(true)
    }

    /// Records the values that HelpCrunch kept: they are what was written last, whatever was sent.
    async fn record_overridden(&self, overridden: Patch) -> Result<(), JournalError> {
        if overridden.is_empty() {
            return Ok(());
        }
        let lane = Lane {
            customer: self.customer,
            operations: vec![Operation::Patch(overridden)],
            ..self.job.lane.clone()
        };
        let entry = JournalRecord::Kept(KeptValues {
            row: self.job.lane.row,
            payload: lane_to_json(&lane),
        });
        self.context.journal.append_for_successor(&entry).await
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
