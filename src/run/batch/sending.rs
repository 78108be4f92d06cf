//! Sends the patches of several customers in one request. One that is refused is bisected, until whoever it was
//! refused for is alone and the rest has passed.

use std::collections::BTreeMap;

use crate::domain::{CustomerId, RemoteCustomer};
use crate::helpcrunch::{Basis, BatchAnswer, BatchEntry, CallError, PatchBody};
use crate::journal::JournalError;
use crate::plan::writes::Carried;
use crate::plan::{Operation, OperationKind, Patch};
use crate::run::lane::{LaneContext, LaneJob};
use crate::run::merge::patch_body;

use super::reading::{Read, read};
use super::watch::exchange_watched;

/// What came of one batch.
pub(super) struct Answered {
    /// Those that it carried.
    pub(super) jobs: Vec<LaneJob>,
    /// Those that it did not carry after all, and that have nothing to wait for.
    pub(super) done: Vec<LaneJob>,
    pub(super) attempts: u32,
    pub(super) http_status: Option<u16>,
    /// It failed, and may have taken effect.
    pub(super) in_doubt: bool,
    /// The customers that the answer holds, perhaps none.
    pub(super) result: Result<BTreeMap<CustomerId, RemoteCustomer>, CallError>,
    /// The customers as they were read afterwards, where they were.
    pub(super) read: Read,
}

/// Sends the first operations of these lanes, at most ten (documented) and each a patch of a customer of its own.
/// Gives the lanes back, each with what that brought it.
///
/// # Errors
/// When the journal cannot be written: then nothing more may be sent.
pub(in crate::run) async fn send(
    context: &LaneContext,
    jobs: Vec<LaneJob>,
) -> Result<Vec<LaneJob>, JournalError> {
    let mut todo = vec![jobs];
    let mut done = Vec::new();
    while let Some(jobs) = todo.pop() {
        if jobs.len() < 2 || context.batches.are_off() {
            done.extend(jobs);
            continue;
        }
        let Some(mut answered) = one_batch(context, jobs, &mut done).await? else {
            continue;
        };
        done.append(&mut answered.done);
        if let Err(CallError::Refused { .. }) = answered.result {
            context.batches.refused();
            let mut jobs = std::mem::take(&mut answered.jobs);
            for job in &mut jobs {
                answered.give(context, job, None);
                // What goes alone or in a smaller batch stands on the newest reading.
                if let Some(Ok(customer)) = answered.read.remove(&customer_of(job)) {
                    job.before = Some(customer);
                }
            }
            let later = jobs.split_off(jobs.len() / 2);
            todo.extend([later, jobs]);
        } else {
            done.extend(taken(context, answered).await);
        }
    }
    Ok(done)
}

/// Nothing where batches were turned off meanwhile.
async fn one_batch(
    context: &LaneContext,
    jobs: Vec<LaneJob>,
    done: &mut Vec<LaneJob>,
) -> Result<Option<Answered>, JournalError> {
    let carried = carried(context, &jobs);
    let mut proven = context.batches.proven().await;
    if context.batches.are_off() {
        done.extend(jobs);
        return Ok(None);
    }
    if proven.batches.covers(carried) {
        drop(proven);
        return Ok(Some(exchange(context, jobs).await?));
    }
    let answered = exchange_watched(context, jobs, &mut proven).await?;
    Ok(Some(answered))
}

pub(super) fn carried<'j>(
    context: &LaneContext,
    jobs: impl IntoIterator<Item = &'j LaneJob>,
) -> Carried {
    let each = jobs
        .into_iter()
        .map(|job| context.rules.carried(&job.lane.operations));
    each.fold(Carried::default(), Carried::and)
}

/// Sends the patches of these lanes, after their intents.
pub(super) async fn exchange(
    context: &LaneContext,
    mut jobs: Vec<LaneJob>,
) -> Result<Answered, JournalError> {
    for job in &mut jobs {
        let (row, progress) = (job.lane.row, &mut job.progress);
        context
            .note_intent(row, OperationKind::Patch, progress)
            .await?;
        if carries_tags(context, job) {
            let progress = &mut job.progress;
            context
                .note_intent(row, OperationKind::Tag, progress)
                .await?;
        }
    }
    let entries: Vec<BatchEntry> = jobs.iter().map(|job| entry(context, job)).collect();
    let client = context.client.on(basis(context, &jobs));
    let sent = client.batch(&entries).await;
    let result = sent.result.map(|answer| match answer {
        BatchAnswer::Customers(customers) => customers.into_iter().map(|c| (c.id, c)).collect(),
        BatchAnswer::Count(_) | BatchAnswer::Nothing => BTreeMap::new(),
    });
    if result.is_ok() {
        context.batches.taken();
    }
    Ok(Answered {
        jobs,
        done: Vec::new(),
        attempts: sent.attempts,
        http_status: sent.http_status,
        in_doubt: sent.in_doubt,
        result,
        read: Read::new(),
    })
}

fn carries_tags(context: &LaneContext, job: &LaneJob) -> bool {
    let adds_tags = context.rules.batch.is_some_and(|rules| rules.adds_tags);
    adds_tags && job.riding_tags().is_some()
}

/// What the batch stands on: the oldest of its readings.
fn basis(context: &LaneContext, jobs: &[LaneJob]) -> Option<Basis> {
    let merges = context.rules.batch.unwrap_or_default().merges;
    let is_whole = |patch: &Patch| !merges && !patch.custom_data.is_empty();
    let each = jobs.iter().filter_map(|job| {
        let is_whole = patch_of(job).is_some_and(is_whole);
        job.standing.basis(context.recheck_after, is_whole)
    });
    each.reduce(Basis::and)
}

fn entry(context: &LaneContext, job: &LaneJob) -> BatchEntry {
    let rules = context.rules.batch.unwrap_or_default();
    let body = patch_of(job).map(|patch| patch_body(patch, job.before.as_ref(), rules.merges));
    let tags = job.riding_tags().filter(|_| carries_tags(context, job));
    BatchEntry {
        customer: job.lane.customer,
        patch: PatchBody {
            tags: tags.map(<[_]>::to_vec),
            ..body.unwrap_or_default()
        },
    }
}

/// Every lane's own share of an answer; who is not in it is read.
async fn taken(context: &LaneContext, mut answered: Answered) -> Vec<LaneJob> {
    let mut jobs = std::mem::take(&mut answered.jobs);
    let mut customers = match std::mem::replace(&mut answered.result, Ok(BTreeMap::new())) {
        Ok(customers) => customers,
        Err(error) => {
            for job in &mut jobs {
                answered.give(context, job, Some(Err(error.clone())));
            }
            return jobs;
        }
    };
    let mut untold: Vec<CustomerId> = jobs.iter().map(customer_of).collect();
    untold.retain(|id| !customers.contains_key(id) && !answered.read.contains_key(id));
    if !untold.is_empty() {
        let told = read(&context.client, &untold, |_| true).await;
        answered.read.extend(told);
    }
    for job in &mut jobs {
        let id = customer_of(job);
        let told = customers.remove(&id).map(Ok);
        let result = told.or_else(|| answered.read.remove(&id));
        answered.give(context, job, result);
    }
    jobs
}

impl Answered {
    /// Tells a lane what the batch brought it, beside what an earlier one did.
    fn give(
        &self,
        context: &LaneContext,
        job: &mut LaneJob,
        result: Option<Result<RemoteCustomer, CallError>>,
    ) {
        let carried_tags = carries_tags(context, job);
        let batched = job.batched.get_or_insert_default();
        batched.attempts += self.attempts;
        batched.http_status = self.http_status;
        batched.in_doubt |= self.in_doubt;
        batched.result = result;
        batched.carried_tags = carried_tags;
    }
}

/// The customer of a lane that patches one.
pub(super) fn customer_of(job: &LaneJob) -> CustomerId {
    job.lane.customer.unwrap_or(CustomerId(0))
}

pub(super) fn patch_of(job: &LaneJob) -> Option<&Patch> {
    match job.lane.operations.first() {
        Some(Operation::Patch(patch)) => Some(patch),
        _ => None,
    }
}
