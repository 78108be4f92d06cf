//! Sending a batch under watch.

use tokio::time::Instant;

use crate::domain::{CustomerId, RemoteCustomer};
use crate::helpcrunch::CallError;
use crate::journal::JournalError;
use crate::plan::writes::UpdateScope;
use crate::run::lane::{LaneContext, LaneJob};
use crate::run::verify::shortfall;

use super::VerifiedScopes;
use super::exchange::{BatchResponse, carried, customer_of, exchange, patch_of};
use super::reading::{CustomerReads, read_customers};
use super::watch::{RowAlerts, WatchedUpdate, record_closed, record_open, repair_losses};

/// Sends a batch under watch.
pub(super) async fn exchange_watched(
    context: &LaneContext,
    jobs: Vec<LaneJob>,
    verified: &mut VerifiedScopes,
) -> Result<BatchResponse, JournalError> {
    let (mut before, read_at) = read_before(context, &jobs).await;
    if let Some(stop) = stop_of(&before) {
        return Ok(BatchResponse {
            jobs,
            result: Err(stop),
            ..BatchResponse::not_sent(Vec::new())
        });
    }
    // A customer that cannot be read is patched alone, and fails there. All others rely on what was just read.
    let (mut readable, mut unreadable) = (Vec::new(), Vec::new());
    for mut job in jobs {
        match before.remove(&customer_of(&job)) {
            Some(Ok(customer)) => {
                job.before = Some(customer);
                if let Some(read_at) = read_at {
                    job.freshness.renew(read_at);
                }
                readable.push(job);
            }
            _ => unreadable.push(job),
        }
    }
    if readable.len() < 2 {
        readable.append(&mut unreadable);
        return Ok(BatchResponse::not_sent(readable));
    }
    let updates = readable.iter().filter_map(|job| {
        let (row, operations) = (job.lane.row, &job.lane.operations);
        let before = job.before.as_ref()?;
        Some(WatchedUpdate::new(row, before, patch_of(job), operations))
    });
    let updates: Vec<WatchedUpdate> = updates.collect();
    record_open(context, &updates).await?;
    let mut response = exchange(context, readable).await?;
    response.left_out.extend(unreadable);
    if response.result.as_ref().is_err_and(CallError::is_unsent) {
        record_closed(context).await?;
        return Ok(response);
    }
    check_afterwards(context, &updates, &mut response, verified).await?;
    Ok(response)
}

/// Reads the customers again and writes back what they lost. If none lost anything, what was carried to those that show
/// the update is verified; a batch whose entries were all ignored verifies nothing.
async fn check_afterwards(
    context: &LaneContext,
    updates: &[WatchedUpdate],
    response: &mut BatchResponse,
    verified: &mut VerifiedScopes,
) -> Result<(), JournalError> {
    let is_accepted = response.result.is_ok();
    let ids: Vec<_> = updates.iter().map(|update| update.before.id).collect();
    let is_current = |customer: &RemoteCustomer| !is_accepted || shows(&response.jobs, customer);
    let after = read_customers(&context.client, &ids, is_current).await;
    let on_loss = |lost| context.batches.record_loss(lost);
    let report = repair_losses(&context.client, updates, &after, &on_loss).await;
    if report.is_unclear {
        let why = "the answers do not show what a batch update leaves unchanged";
        context.batches.disable(why);
    }
    if !report.is_unread {
        record_closed(context).await?;
    }
    response.add_alerts(&report.alerts);
    if is_accepted && report.is_harmless() {
        let is_updated = |id: CustomerId| matches!(after.get(&id), Some(Ok(customer)) if shows(&response.jobs, customer));
        let jobs = response.jobs.iter();
        let jobs = jobs.filter(|job| is_updated(customer_of(job)));
        let at_stake = updates
            .iter()
            .filter(|update| is_updated(update.before.id))
            .map(WatchedUpdate::at_stake)
            .fold(UpdateScope::default(), UpdateScope::union);
        let evidence = &mut verified.batches;
        evidence.record_harmless(carried(context, jobs), at_stake, true);
    }
    response.reads = after;
    response.update_restored(report.restored);
    Ok(())
}

/// Returns the customers as they were read directly before, if all of them were. Otherwise reads them, and returns when.
async fn read_before(context: &LaneContext, jobs: &[LaneJob]) -> (CustomerReads, Option<Instant>) {
    let read_already = |job: &LaneJob| Some((customer_of(job), Ok(job.before.clone()?)));
    match jobs.iter().map(read_already).collect::<Option<_>>() {
        Some(reads) => (reads, None),
        None => {
            let ids: Vec<CustomerId> = jobs.iter().map(customer_of).collect();
            let asked_at = context.clock.now();
            let reads = read_customers(&context.client, &ids, |_| true).await;
            (reads, Some(context.client.gate().calm_since(asked_at)))
        }
    }
}

/// Whether a customer shows what the batch wrote to it.
pub(super) fn shows(jobs: &[LaneJob], customer: &RemoteCustomer) -> bool {
    let job = jobs.iter().find(|job| customer_of(job) == customer.id);
    let patch = job.and_then(|job| job.lane.operations.first());
    patch.is_some_and(|patch| shortfall(patch, None, customer).is_empty())
}

fn stop_of(reads: &CustomerReads) -> Option<CallError> {
    let mut errors = reads.values().filter_map(|read| read.as_ref().err());
    errors.find(|error| error.stop().is_some()).cloned()
}

impl BatchResponse {
    pub(super) fn add_alerts(&mut self, alerts: &RowAlerts) {
        for job in &mut self.jobs {
            let alert = alerts.get(&job.lane.row).cloned();
            job.alert = alert.or(job.alert.take());
        }
    }

    /// Replaces customers that something was written back to.
    pub(super) fn update_restored(&mut self, restored: Vec<RemoteCustomer>) {
        for customer in restored {
            if let Ok(customers) = &mut self.result {
                customers.insert(customer.id, customer.clone());
            }
            self.reads.insert(customer.id, Ok(customer));
        }
    }
}
