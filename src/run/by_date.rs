//! Finds in the listing the customers that were first seen at one instant, without reading all of it: the listing
//! is sorted by that instant, so that its place is found by halving.

use crate::domain::{Field, RemoteCustomer, Value};
use crate::helpcrunch::{CallError, ListQuery, Order, Page, ReadClient, Sort};

/// The largest page that was seen in the vendor's pages.
const PAGE: u64 = 100;

/// Pages that are read on from the place that was found: more customers than that of one second are a listing
/// that is not sorted as it says.
const MOST_PAGES: u64 = 50;

/// The newest customers: those of whom nobody said when they were first seen.
pub(super) async fn newest(client: &ReadClient) -> Result<Vec<RemoteCustomer>, CallError> {
    Ok(page(client, 0, Order::Descending).await?.customers)
}

/// Customers around an instant: all that were first seen at it, and some beside them.
pub(super) async fn around(
    client: &ReadClient,
    instant: i64,
) -> Result<Vec<RemoteCustomer>, CallError> {
    let first = page(client, 0, Order::Ascending).await?;
    let Some(total) = first.total else {
        return read_on(client, first.customers, 0, instant).await;
    };
    // Before `low` everybody was first seen earlier, from `high` on nobody was.
    let (mut low, mut high) = (0, total);
    while high.saturating_sub(low) > PAGE {
        let middle = low + (high - low) / 2;
        let there = page(client, middle, Order::Ascending).await?.customers;
        match there.first().and_then(first_seen) {
            Some(seen) if seen >= instant => high = middle,
            // Customers without a date come before all others.
            Some(_) | None => low = middle,
        }
    }
    read_on(client, Vec::new(), low, instant).await
}

/// Reads pages from an offset until one ends after the instant.
async fn read_on(
    client: &ReadClient,
    mut found: Vec<RemoteCustomer>,
    offset: u64,
    instant: i64,
) -> Result<Vec<RemoteCustomer>, CallError> {
    let mut next = offset + found.len() as u64;
    for _ in 0..MOST_PAGES {
        let there = page(client, next, Order::Ascending).await?.customers;
        let later = there
            .last()
            .and_then(first_seen)
            .is_some_and(|seen| seen > instant);
        let got = there.len() as u64;
        found.extend(there);
        if got == 0 || later {
            break;
        }
        next += got;
    }
    Ok(found)
}

async fn page(client: &ReadClient, offset: u64, order: Order) -> Result<Page, CallError> {
    let query = ListQuery {
        limit: u32::try_from(PAGE).unwrap_or(100),
        offset,
        sort: Some(Sort::FirstSeen),
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
