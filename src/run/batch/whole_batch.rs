//! Batches that write customers as a whole, for accounts that are not known to keep what a batch does not name. All that
//! was read of the customers directly before is sent along. The answer is compared with that, and what is missing is
//! written back; then the run sends no more batches.

use crate::domain::{CustomerId, Field, RemoteCustomer};
use crate::helpcrunch::CallError;
use crate::journal::JournalError;
use crate::run::lane::{LaneContext, LaneJob};
use crate::run::merge::whole_body;

use super::exchange::{BatchResponse, exchange, patch_of};
use super::reading::{CustomerReads, read_customers};
use super::watch::{WatchedUpdate, record_closed, record_open, repair_losses};
use super::watched_batch::shows;

/// Sends a batch of whole customers, one batch at a time: the journal holds the state before one.
pub(super) async fn exchange_whole(
    context: &LaneContext,
    jobs: Vec<LaneJob>,
) -> Result<BatchResponse, JournalError> {
    let _one_at_a_time = context.batches.verified().await;
    if context.batches.is_disabled() {
        return Ok(BatchResponse::not_sent(jobs));
    }
    // An entry that names nothing would reset its customer.
    let (mut jobs, mut alone): (Vec<_>, Vec<_>) = jobs.into_iter().partition(has_whole_body);
    if jobs.len() < 2 {
        jobs.append(&mut alone);
        return Ok(BatchResponse::not_sent(jobs));
    }
    let updates: Vec<WatchedUpdate> = jobs.iter().filter_map(whole_update).collect();
    record_open(context, &updates).await?;
    let mut response = exchange(context, jobs).await?;
    response.left_out.append(&mut alone);
    let error = response.result.as_ref().err();
    let had_no_effect =
        |error: &CallError| error.is_unsent() || matches!(error, CallError::Refused { .. });
    match error.is_some_and(had_no_effect) {
        true => record_closed(context).await?,
        false => compare(context, &updates, &mut response).await?,
    }
    Ok(response)
}

/// Compares the customers with what they were, and writes back what they lost.
async fn compare(
    context: &LaneContext,
    updates: &[WatchedUpdate],
    response: &mut BatchResponse,
) -> Result<(), JournalError> {
    let mut after: CustomerReads = match &response.result {
        Ok(customers) => {
            let shown = customers.values().filter(|customer| is_whole(customer));
            shown.map(|c| (c.id, Ok(c.clone()))).collect()
        }
        Err(_) => CustomerReads::new(),
    };
    let mut unseen: Vec<CustomerId> = updates.iter().map(|update| update.before.id).collect();
    unseen.retain(|id| !after.contains_key(id));
    if !unseen.is_empty() {
        let is_accepted = response.result.is_ok();
        let is_current =
            |customer: &RemoteCustomer| !is_accepted || shows(&response.jobs, customer);
        let read = read_customers(&context.client, &unseen, is_current).await;
        after.extend(read.clone());
        response.reads = read;
    }
    let report = repair_losses(&context.client, updates, &after, &|_| {}).await;
    if report.is_unclear || !report.alerts.is_empty() {
        context
            .batches
            .disable("a batch that wrote customers as a whole did not keep all that it named");
    }
    if !report.is_unread {
        record_closed(context).await?;
    }
    response.add_alerts(&report.alerts);
    response.update_restored(report.restored);
    Ok(())
}

/// Whether an answer reports all of a customer.
fn is_whole(customer: &RemoteCustomer) -> bool {
    let is_reported = |field: Field| customer.field(field).is_reported();
    customer.is_complete() && Field::ALL.into_iter().all(is_reported)
}

fn has_whole_body(job: &LaneJob) -> bool {
    let whole = patch_of(job).zip(job.before.as_ref());
    whole.is_some_and(|(patch, before)| whole_body(patch, before, &[]).is_some())
}

fn whole_update(job: &LaneJob) -> Option<WatchedUpdate> {
    let (row, operations) = (job.lane.row, &job.lane.operations);
    let update = WatchedUpdate::new(row, job.before.as_ref()?, patch_of(job), operations);
    Some(WatchedUpdate {
        is_whole: true,
        ..update
    })
}
