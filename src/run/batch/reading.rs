//! Reads several customers, in one search where that is enough.

use std::collections::BTreeMap;

use crate::domain::{CustomerId, RemoteCustomer};
use crate::helpcrunch::{CallError, Filter, ReadClient, Search, Term};

/// Each of the customers as it is now, or why that is not known.
pub(in crate::run) type CustomerReads = BTreeMap<CustomerId, Result<RemoteCustomer, CallError>>;

/// Page size of the search: the one of the documentation's examples, which no API refuses.
const SEARCH_LIMIT: u32 = 100;

/// Reads all customers in one search, and by its id each one that the search does not find or reports only in part.
/// `is_current` returns whether a customer shows what was just written: search may lag.
pub(in crate::run) async fn read_customers(
    client: &ReadClient,
    ids: &[CustomerId],
    is_current: impl Fn(&RemoteCustomer) -> bool,
) -> CustomerReads {
    let mut reads = CustomerReads::new();
    let filters = ids.iter().map(|id| Filter::equal(Term::Id(*id)));
    let search = Search {
        limit: SEARCH_LIMIT,
        ..Search::any(filters.collect())
    };
    match client.search(&search).await.result {
        Ok(page) => {
            let customers = page.customers.into_iter();
            let usable = customers.filter(|c| c.is_complete() && is_current(c));
            reads.extend(usable.map(|customer| (customer.id, Ok(customer))));
        }
        Err(error) if error.stop().is_some() => {
            return ids.iter().map(|id| (*id, Err(error.clone()))).collect();
        }
        Err(error) => tracing::debug!(%error, "the search for a batch's customers got no answer"),
    }
    for id in ids {
        if !reads.contains_key(id) {
            reads.insert(*id, client.get(*id).await.result);
        }
    }
    reads
}
