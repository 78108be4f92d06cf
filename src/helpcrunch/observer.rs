use std::fmt::Debug;

use crate::domain::{CustomerId, RemoteCustomer};

use super::{BatchAnswer, BatchEntry, CallError, CallReport, CustomerPage};

/// Sees every customer that an answer contains, and every write whose result is unknown.
///
/// It is notified before the caller sees the answer, on the caller's thread: it must be quick.
pub trait Observer: Debug + Send + Sync {
    /// A read is about to be sent. The returned ticket comes back with the customers that it reads.
    fn begin_read(&self) -> u64;

    /// A customer as a read returned it.
    fn read(&self, ticket: u64, customer: &RemoteCustomer);

    /// A customer as the answer to its write returned it.
    fn written(&self, customer: &RemoteCustomer);

    /// The customer does not exist, or not any more.
    fn gone(&self, id: CustomerId);

    /// A write of this customer may or may not have taken effect.
    fn in_doubt(&self, id: CustomerId);

    /// Nothing more will be written to this customer, and the observer has seen all answers.
    fn done_with(&self, id: CustomerId);
}

/// Passes on the answer to a read of one customer.
pub(super) fn notify_read(
    observer: &dyn Observer,
    ticket: u64,
    id: CustomerId,
    sent: &CallReport<RemoteCustomer>,
) {
    match &sent.result {
        Ok(customer) => observer.read(ticket, customer),
        Err(error) if error.is_not_found() => observer.gone(id),
        Err(_) => {}
    }
}

pub(super) fn notify_page(observer: &dyn Observer, ticket: u64, sent: &CallReport<CustomerPage>) {
    for customer in sent.result.iter().flat_map(|page| &page.customers) {
        observer.read(ticket, customer);
    }
}

/// Passes on the answer to a write. `id`: `None` for a create.
pub(super) fn notify_write(
    observer: &dyn Observer,
    id: Option<CustomerId>,
    sent: &CallReport<RemoteCustomer>,
) {
    match (&sent.result, id) {
        (Ok(customer), _) => observer.written(customer),
        (Err(error), Some(id)) => notify_failed(observer, id, error, sent.attempts),
        (Err(_), None) => {}
    }
}

/// Passes on the answer to a batch. A customer that is not in it may have been written nevertheless.
pub(super) fn notify_batch(
    observer: &dyn Observer,
    entries: &[BatchEntry],
    sent: &CallReport<BatchAnswer>,
) {
    let answered: &[RemoteCustomer] = match &sent.result {
        Ok(BatchAnswer::Customers(customers)) => customers,
        Ok(BatchAnswer::Count(_) | BatchAnswer::Nothing) | Err(_) => &[],
    };
    for id in entries.iter().filter_map(|entry| entry.customer) {
        match answered.iter().find(|customer| customer.id == id) {
            Some(customer) => observer.written(customer),
            None => observer.in_doubt(id),
        }
    }
}

pub(super) fn notify_deleted(observer: &dyn Observer, id: CustomerId, sent: &CallReport<()>) {
    match &sent.result {
        Ok(()) => observer.gone(id),
        Err(error) => notify_failed(observer, id, error, sent.attempts),
    }
}

fn notify_failed(observer: &dyn Observer, id: CustomerId, error: &CallError, attempts: u32) {
    match error {
        error if error.is_not_found() => observer.gone(id),
        error if error.is_unsent() => {}
        CallError::Refused { .. }
        | CallError::Unauthorized { .. }
        | CallError::Blocked { .. }
        | CallError::Redirected { .. }
            if attempts <= 1 => {}
        // The refusal was not the first attempt: an earlier one may have taken effect.
        CallError::Refused { .. }
        | CallError::Unauthorized { .. }
        | CallError::Blocked { .. }
        | CallError::Redirected { .. }
        | CallError::Unknown { .. }
        | CallError::GaveUp { .. }
        | CallError::NotSent(_)
        | CallError::Outdated { .. }
        | CallError::CutShort { .. }
        | CallError::Interrupted => observer.in_doubt(id),
    }
}
