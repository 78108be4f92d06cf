//! Sends the patches of several customers in one request. A refused batch is bisected until the customers it was refused
//! for are alone and the rest has passed.

use std::collections::BTreeMap;

use crate::domain::CustomerId;
use crate::helpcrunch::CallError;
use crate::journal::JournalError;
use crate::run::lane::{LaneContext, LaneJob};

use super::exchange::{BatchResponse, carried, customer_of, exchange};
use super::reading::read_customers;
use super::watched_batch::exchange_watched;
use super::whole_batch::exchange_whole;

/// Sends the first operations of these lanes, at most ten (documented) and each a patch of a customer of its own.
/// Returns the lanes, each with its [`BatchShare`](super::BatchShare).
///
/// # Errors
/// When the journal cannot be written: then nothing more may be sent.
pub(in crate::run) async fn send(
    context: &LaneContext,
    jobs: Vec<LaneJob>,
) -> Result<Vec<LaneJob>, JournalError> {
    let mut to_send = vec![jobs];
    let mut done = Vec::new();
    while let Some(jobs) = to_send.pop() {
        if jobs.len() < 2 || context.batches.is_disabled() {
            done.extend(jobs);
            continue;
        }
        let mut response = send_batch(context, jobs).await?;
        done.append(&mut response.left_out);
        if let Err(CallError::Refused { .. }) = response.result {
            context.batches.record_refused();
            let mut jobs = std::mem::take(&mut response.jobs);
            for job in &mut jobs {
                response.share(context, job, None);
                // What is sent alone or in a smaller batch relies on the newest reading.
                if let Some(Ok(customer)) = response.reads.remove(&customer_of(job)) {
                    job.before = Some(customer);
                }
            }
            let later = jobs.split_off(jobs.len() / 2);
            to_send.extend([later, jobs]);
        } else {
            done.extend(distribute(context, response).await);
        }
    }
    Ok(done)
}

/// Sends one batch, under watch unless what it carries is verified. Carries no lane if batches were disabled meanwhile.
async fn send_batch(
    context: &LaneContext,
    jobs: Vec<LaneJob>,
) -> Result<BatchResponse, JournalError> {
    if context.rules.has_whole_batches() {
        return exchange_whole(context, jobs).await;
    }
    let mut verified = context.batches.verified().await;
    if context.batches.is_disabled() {
        return Ok(BatchResponse::not_sent(jobs));
    }
    if verified.batches.covers(carried(context, &jobs)) {
        drop(verified);
        return exchange(context, jobs).await;
    }
    exchange_watched(context, jobs, &mut verified).await
}

/// Gives each lane its share of the answer. Customers that are not in the answer are read.
async fn distribute(context: &LaneContext, mut response: BatchResponse) -> Vec<LaneJob> {
    let mut jobs = std::mem::take(&mut response.jobs);
    let mut customers = match std::mem::replace(&mut response.result, Ok(BTreeMap::new())) {
        Ok(customers) => customers,
        Err(error) => {
            for job in &mut jobs {
                response.share(context, job, Some(Err(error.clone())));
            }
            return jobs;
        }
    };
    let mut unreported: Vec<CustomerId> = jobs.iter().map(customer_of).collect();
    unreported.retain(|id| !customers.contains_key(id) && !response.reads.contains_key(id));
    if !unreported.is_empty() {
        let reads = read_customers(&context.client, &unreported, |_| true).await;
        response.reads.extend(reads);
    }
    for job in &mut jobs {
        let id = customer_of(job);
        let reported = customers.remove(&id).map(Ok);
        let result = reported.or_else(|| response.reads.remove(&id));
        response.share(context, job, result);
    }
    jobs
}
