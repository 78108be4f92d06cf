use std::fmt::Debug;

use crate::domain::{CustomerId, RemoteCustomer};

use super::{BatchAnswer, BatchEntry, CallError, Page, Sent};

/// Is told of every customer that came back, and of every write of which it is not known whether it was done.
///
/// It is told before the caller sees the answer, on the caller's thread: it must be quick.
pub trait Observer: Debug + Send + Sync {
    /// A request that reads is about to be sent. What it gives back comes along with what was read.
    fn asking(&self) -> u64;

    /// A customer as a reading showed it. `asked`: what `asking` gave for that reading.
    fn read(&self, asked: u64, customer: &RemoteCustomer);

    /// A customer as the answer to its write showed it.
    fn written(&self, customer: &RemoteCustomer);

    /// There is no such customer, or not any more.
    fn gone(&self, id: CustomerId);

    /// Whether a write of this customer was done is not known.
    fn in_doubt(&self, id: CustomerId);

    /// Nothing more will be written to this customer, and all answers were told.
    fn done_with(&self, id: CustomerId);
}

/// Tells of the answer to a reading of one customer.
pub(super) fn tell_read(
    observer: &dyn Observer,
    asked: u64,
    id: CustomerId,
    sent: &Sent<RemoteCustomer>,
) {
    match &sent.result {
        Ok(customer) => observer.read(asked, customer),
        Err(error) if error.is_not_found() => observer.gone(id),
        Err(_) => {}
    }
}

/// Tells of a page of customers.
pub(super) fn tell_page(observer: &dyn Observer, asked: u64, sent: &Sent<Page>) {
    for customer in sent.result.iter().flat_map(|page| &page.customers) {
        observer.read(asked, customer);
    }
}

/// Tells of the answer to a write. `id`: nothing where it creates.
pub(super) fn tell_write(
    observer: &dyn Observer,
    id: Option<CustomerId>,
    sent: &Sent<RemoteCustomer>,
) {
    match (&sent.result, id) {
        (Ok(customer), _) => observer.written(customer),
        (Err(error), Some(id)) => tell_failed(observer, id, error, sent.attempts),
        (Err(_), None) => {}
    }
}

/// Tells of the answer to a batch: who is not in it may have been written all the same.
pub(super) fn tell_batch(
    observer: &dyn Observer,
    entries: &[BatchEntry],
    sent: &Sent<BatchAnswer>,
) {
    let told: &[RemoteCustomer] = match &sent.result {
        Ok(BatchAnswer::Customers(customers)) => customers,
        Ok(BatchAnswer::Count(_) | BatchAnswer::Nothing) | Err(_) => &[],
    };
    for id in entries.iter().filter_map(|entry| entry.customer) {
        match told.iter().find(|customer| customer.id == id) {
            Some(customer) => observer.written(customer),
            None => observer.in_doubt(id),
        }
    }
}

/// Tells of the answer to a delete.
pub(super) fn tell_deleted(observer: &dyn Observer, id: CustomerId, sent: &Sent<()>) {
    match &sent.result {
        Ok(()) => observer.gone(id),
        Err(error) => tell_failed(observer, id, error, sent.attempts),
    }
}

fn tell_failed(observer: &dyn Observer, id: CustomerId, error: &CallError, attempts: u32) {
    match error {
        error if error.is_not_found() => observer.gone(id),
        error if error.is_unsent() => {}
        // An attempt before the one that was refused may have been done.
        CallError::Refused { .. }
        | CallError::Unauthorized { .. }
        | CallError::Redirected { .. }
            if attempts <= 1 => {}
        CallError::Refused { .. }
        | CallError::Unauthorized { .. }
        | CallError::Redirected { .. }
        | CallError::Unknown { .. }
        | CallError::GaveUp { .. }
        | CallError::NotSent(_)
        | CallError::Outdated { .. }
        | CallError::CutShort { .. }
        | CallError::Interrupted => observer.in_doubt(id),
    }
}
