//! Decides from a fresh reading whether a lane is sent, replanned, skipped or failed.

use crate::domain::{Issue, IssueKind, RemoteCustomer};
use crate::journal::{WrittenError, WrittenReader};
use crate::outcome::OperationResult;
use crate::plan::diff::{create, field_matches, property_matches};
use crate::plan::{CustomerState, Operation, OperationKind, SyncMode};

use super::reread::{RereadCustomers, ResolvedTarget};
use super::{RefreshMode, Refreshed, Refresher, deletes, stale};
use crate::run::lane::LaneJob;

impl Refresher {
    pub(super) fn decide(
        &self,
        job: LaneJob,
        target: Result<ResolvedTarget, Issue>,
        customers: &RereadCustomers,
        written: &WrittenReader,
    ) -> Result<Refreshed, WrittenError> {
        if deletes(&job) {
            return Ok(decide_delete(job, customers));
        }
        if self.is_rowless(&job) {
            return Ok(decide_rowless(job, customers));
        }
        let is_exact = self.mode == RefreshMode::Exact;
        // The inner `None` is a customer that is gone.
        let target = match target {
            Ok(ResolvedTarget::Customer(id)) => Some(customers.get(id)),
            Ok(ResolvedTarget::NoCustomer) => None,
            Err(issue) if is_exact => return Ok(Refreshed::Failed(job, stale(&issue.message))),
            Err(issue) => return Ok(Refreshed::Failed(job, issue)),
        };
        Ok(match (job.lane.customer, target) {
            (None, None) => Refreshed::Unchanged(job),
            (Some(id), None) if is_exact => {
                let message = match customers.get(id) {
                    Some(_) => "its customer does not have its key any more",
                    None => "its customer is gone",
                };
                Refreshed::Failed(job, stale(message))
            }
            (Some(_), None) => self.replan_missing(job),
            (_, Some(None)) => Refreshed::Failed(job, stale("its customer is gone")),
            (None, Some(Some(_))) if is_exact => {
                Refreshed::Failed(job, stale("a customer with its key exists now"))
            }
            (None, Some(Some(_))) if self.rules.mode == SyncMode::Create => Refreshed::Skipped(job),
            (Some(id), Some(Some(customer))) if is_exact && id != customer.id => {
                Refreshed::Failed(job, stale("another customer has its key now"))
            }
            (_, Some(Some(customer))) => self.replan_existing(job, customer, written)?,
        })
    }

    /// Replans a row whose customer is gone or has other keys by now, while no other customer has the row's keys.
    fn replan_missing(&self, mut job: LaneJob) -> Refreshed {
        if self.rules.mode == SyncMode::Update {
            return Refreshed::Skipped(job);
        }
        let desired = job.desired.as_ref();
        let Some(desired) = desired.filter(|_| !self.rules.creates_are_limited) else {
            return Refreshed::Failed(job, stale("its customer is gone, or has another key"));
        };
        let create = create(desired, &self.rules.ownership);
        job.lane.operations = vec![Operation::Create(create)];
        job.lane.customer = None;
        job.before = None;
        Refreshed::Replanned(job)
    }

    fn replan_existing(
        &self,
        mut job: LaneJob,
        customer: &RemoteCustomer,
        written: &WrittenReader,
    ) -> Result<Refreshed, WrittenError> {
        job.before = Some(customer.clone());
        let creates = job.lane.customer.is_none();
        if !creates && job.progress.has_applied(creates) {
            return Ok(Refreshed::Unchanged(job));
        }
        job.lane.customer = Some(customer.id);
        if self.mode == RefreshMode::Exact {
            return Ok(match first_change(&job.lane.operations, customer) {
                None => Refreshed::Unchanged(job),
                Some(name) => {
                    let message = format!("{name} changed since the plan was made");
                    Refreshed::Failed(job, stale(&message))
                }
            });
        }
        let Some(diff) = self.difference(&job, customer, written)? else {
            return Ok(Refreshed::Unchanged(job));
        };
        if diff.unknown {
            let message = "HelpCrunch did not report the tags or custom data of this customer";
            let issue = Issue::new(IssueKind::Api, "untold", message)
                .hint("`hcsync probe` finds out what HelpCrunch leaves out");
            return Ok(Refreshed::Failed(job, issue));
        }
        let operations = diff.operations();
        if operations == job.lane.operations {
            return Ok(Refreshed::Unchanged(job));
        }
        job.lane.operations = operations;
        Ok(Refreshed::Replanned(job))
    }
}

/// A customer that was edited or seen since the plan was made is not deleted, in any mode.
fn decide_delete(mut job: LaneJob, customers: &RereadCustomers) -> Refreshed {
    let Some(customer) = job.lane.customer.and_then(|id| customers.get(id)) else {
        // Deleted by what was sent before, or by somebody else.
        let is_done = job.progress.result(OperationKind::Delete);
        return match is_done.is_some_and(OperationResult::is_done) {
            true => Refreshed::Unchanged(job),
            false => Refreshed::Skipped(job),
        };
    };
    if first_change(&job.lane.operations, customer).is_some() {
        return Refreshed::Failed(job, stale("its customer changed since the plan was made"));
    }
    job.before = Some(customer.clone());
    Refreshed::Unchanged(job)
}

/// A customer that the input no longer holds and that is gone, or was tagged or blocked meanwhile, needs nothing.
fn decide_rowless(mut job: LaneJob, customers: &RereadCustomers) -> Refreshed {
    let Some(customer) = job.lane.customer.and_then(|id| customers.get(id)) else {
        return Refreshed::Skipped(job);
    };
    if !job.progress.has_applied(false) && first_change(&job.lane.operations, customer).is_some() {
        return Refreshed::Skipped(job);
    }
    job.before = Some(customer.clone());
    Refreshed::Unchanged(job)
}

/// Returns the name of the first thing that is no longer as the operations assume.
fn first_change(operations: &[Operation], customer: &RemoteCustomer) -> Option<String> {
    operations.iter().find_map(|operation| match operation {
        Operation::Create(_) => None,
        Operation::Patch(patch) => {
            let mut set = patch.set.iter();
            let field =
                set.find(|c| !field_matches(c.field, c.from.as_ref(), customer.value(c.field)));
            let mut custom_data = patch.custom_data.iter();
            let property = custom_data
                .find(|c| !property_matches(c.from.as_ref(), customer.property(&c.name)));
            field
                .map(|c| c.field.name().to_owned())
                .or_else(|| property.map(|c| format!("customData.{}", c.name)))
        }
        Operation::Tag(tags) => {
            let is_there = tags.iter().any(|tag| customer.has_tag(&tag.name));
            is_there.then(|| "a tag".to_owned())
        }
        Operation::Untag(tags) => {
            let is_gone = tags.iter().any(|tag| !customer.has_tag(&tag.name));
            is_gone.then(|| "a tag".to_owned())
        }
        Operation::Delete(state) => {
            (*state != CustomerState::of(customer)).then(|| "the customer".to_owned())
        }
    })
}
