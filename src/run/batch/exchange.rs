//! One batch: its request, and what came back.

use std::collections::BTreeMap;

use crate::domain::{CustomerId, RemoteCustomer};
use crate::helpcrunch::{BatchAnswer, BatchEntry, CallError, PatchBody, StalenessGuard};
use crate::journal::JournalError;
use crate::plan::writes::UpdateScope;
use crate::plan::{Operation, OperationKind, Patch};
use crate::run::lane::{LaneContext, LaneJob};
use crate::run::merge::{patch_body, whole_body};

use super::reading::CustomerReads;

/// The outcome of one batch.
pub(super) struct BatchResponse {
    /// Lanes that the batch carried.
    pub(super) jobs: Vec<LaneJob>,
    /// Lanes that it did not carry after all; each is sent alone.
    pub(super) left_out: Vec<LaneJob>,
    pub(super) attempts: u32,
    pub(super) http_status: Option<u16>,
    /// It failed, and may have taken effect.
    pub(super) in_doubt: bool,
    /// The customers that the answer holds, possibly none.
    pub(super) result: Result<BTreeMap<CustomerId, RemoteCustomer>, CallError>,
    /// The customers as they were read afterwards, if they were.
    pub(super) reads: CustomerReads,
}

pub(super) fn carried<'j>(
    context: &LaneContext,
    jobs: impl IntoIterator<Item = &'j LaneJob>,
) -> UpdateScope {
    let each = jobs
        .into_iter()
        .map(|job| context.rules.batch_scope(&job.lane.operations));
    each.fold(UpdateScope::default(), UpdateScope::union)
}

/// Sends the patches of these lanes, after their intents.
pub(super) async fn exchange(
    context: &LaneContext,
    mut jobs: Vec<LaneJob>,
) -> Result<BatchResponse, JournalError> {
    for job in &mut jobs {
        let row = job.lane.row;
        let carries_tags = carries_tags(context, job);
        let progress = &mut job.progress;
        context
            .record_intent(row, OperationKind::Patch, progress)
            .await?;
        if carries_tags {
            context
                .record_intent(row, OperationKind::Tag, progress)
                .await?;
        }
    }
    let entries: Vec<BatchEntry> = jobs.iter().map(|job| entry(context, job)).collect();
    let client = context.client.guarded_by(basis(context, &jobs));
    let sent = client.batch(&entries).await;
    let result = sent.result.map(|answer| match answer {
        BatchAnswer::Customers(customers) => customers.into_iter().map(|c| (c.id, c)).collect(),
        BatchAnswer::Count(_) | BatchAnswer::Nothing => BTreeMap::new(),
    });
    if result.is_ok() {
        context.batches.record_accepted();
    }
    Ok(BatchResponse {
        jobs,
        left_out: Vec::new(),
        attempts: sent.attempts,
        http_status: sent.http_status,
        in_doubt: sent.in_doubt,
        result,
        reads: CustomerReads::new(),
    })
}

fn carries_tags(context: &LaneContext, job: &LaneJob) -> bool {
    let adds_tags = context.rules.batch.is_some_and(|rules| rules.adds_tags);
    adds_tags && job.attachable_tags().is_some()
}

/// Returns the basis of the batch: the oldest of its readings.
fn basis(context: &LaneContext, jobs: &[LaneJob]) -> Option<StalenessGuard> {
    let rules = context.rules.batch.unwrap_or_default();
    let is_whole = |patch: &Patch| rules.whole || !rules.merges && !patch.custom_data.is_empty();
    let each = jobs.iter().filter_map(|job| {
        let is_whole = patch_of(job).is_some_and(is_whole);
        job.freshness.basis(context.recheck_after, is_whole)
    });
    each.reduce(StalenessGuard::and)
}

fn entry(context: &LaneContext, job: &LaneJob) -> BatchEntry {
    let rules = context.rules.batch.unwrap_or_default();
    let tags = job.attachable_tags().filter(|_| carries_tags(context, job));
    if rules.whole {
        let whole = patch_of(job).zip(job.before.as_ref());
        let tags = tags.unwrap_or_default();
        let whole = whole.and_then(|(patch, before)| whole_body(patch, before, tags));
        return BatchEntry {
            customer: job.lane.customer,
            patch: whole.unwrap_or_default(),
        };
    }
    let body = patch_of(job).map(|patch| patch_body(patch, job.before.as_ref(), rules.merges));
    BatchEntry {
        customer: job.lane.customer,
        patch: PatchBody {
            tags: tags.map(<[_]>::to_vec),
            ..body.unwrap_or_default()
        },
    }
}

impl BatchResponse {
    /// A batch that was not sent: its lanes are sent alone.
    pub(super) fn not_sent(left_out: Vec<LaneJob>) -> Self {
        Self {
            jobs: Vec::new(),
            left_out,
            attempts: 0,
            http_status: None,
            in_doubt: false,
            result: Ok(BTreeMap::new()),
            reads: CustomerReads::new(),
        }
    }

    /// Adds to a lane what the batch brought for it, besides what an earlier one did.
    pub(super) fn share(
        &self,
        context: &LaneContext,
        job: &mut LaneJob,
        result: Option<Result<RemoteCustomer, CallError>>,
    ) {
        let carried_tags = carries_tags(context, job);
        let share = job.batch_share.get_or_insert_default();
        share.attempts += self.attempts;
        share.http_status = self.http_status;
        share.in_doubt |= self.in_doubt;
        share.result = result;
        share.carried_tags = carried_tags;
    }
}

/// Returns the customer of a lane that patches one.
pub(super) fn customer_of(job: &LaneJob) -> CustomerId {
    job.lane.customer.unwrap_or(CustomerId(0))
}

pub(super) fn patch_of(job: &LaneJob) -> Option<&Patch> {
    match job.lane.operations.first() {
        Some(Operation::Patch(patch)) => Some(patch),
        _ => None,
    }
}
