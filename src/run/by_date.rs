//! Finds the customers in the listing that were first seen at one instant, by binary search: the listing is sorted by that
//! instant.

use crate::domain::{Field, RemoteCustomer, Value};
use crate::helpcrunch::{CallError, CustomerPage, ListQuery, ReadClient, SortField, SortOrder};

/// Page size: the largest one in the vendor's documentation.
const PAGE_SIZE: u64 = 100;

/// Pages that are read from the offset that was found. A listing with more customers of one second is not sorted as
/// documented.
const MAX_PAGES: u64 = 50;

/// Reads the newest customers, among them those that were created without a first-seen date.
pub(super) async fn newest(client: &ReadClient) -> Result<Vec<RemoteCustomer>, CallError> {
    Ok(read_page(client, 0, SortOrder::Descending).await?.customers)
}

/// Reads the customers that were first seen at an instant, and some before and after it.
pub(super) async fn around(
    client: &ReadClient,
    instant: i64,
) -> Result<Vec<RemoteCustomer>, CallError> {
    let first = read_page(client, 0, SortOrder::Ascending).await?;
    let Some(total) = first.total else {
        return read_until(client, first.customers, 0, instant).await;
    };
    // All customers before `low` were first seen earlier than the instant, none from `high` on was.
    let (mut low, mut high) = (0, total);
    while high.saturating_sub(low) > PAGE_SIZE {
        let middle = low + (high - low) / 2;
        let page = read_page(client, middle, SortOrder::Ascending).await?;
        match page.customers.first().and_then(first_seen) {
            Some(seen) if seen >= instant => high = middle,
            // Customers without a date come before all others.
            Some(_) | None => low = middle,
        }
    }
    read_until(client, Vec::new(), low, instant).await
}

/// Reads pages from an offset until one ends after the instant.
async fn read_until(
    client: &ReadClient,
    mut customers: Vec<RemoteCustomer>,
    offset: u64,
    instant: i64,
) -> Result<Vec<RemoteCustomer>, CallError> {
    let mut next = offset + customers.len() as u64;
    for _ in 0..MAX_PAGES {
        let page = read_page(client, next, SortOrder::Ascending)
            .await?
            .customers;
        let is_past = page
            .last()
            .and_then(first_seen)
            .is_some_and(|seen| seen > instant);
        let page_len = page.len() as u64;
        customers.extend(page);
        if page_len == 0 || is_past {
            break;
        }
        next += page_len;
    }
    Ok(customers)
}

async fn read_page(
    client: &ReadClient,
    offset: u64,
    order: SortOrder,
) -> Result<CustomerPage, CallError> {
    let query = ListQuery {
        limit: u32::try_from(PAGE_SIZE).unwrap_or(100),
        offset,
        sort: Some(SortField::FirstSeen),
        order,
    };
    client.list(&query).await.result
}

fn first_seen(customer: &RemoteCustomer) -> Option<i64> {
    match customer.value(Field::FirstSeen) {
        Some(Value::Date(seconds)) => Some(*seconds),
        _ => None,
    }
}
