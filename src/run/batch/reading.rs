//! Reads the customers of a batch, in one search where that can tell.

use std::collections::BTreeMap;

use crate::domain::{CustomerId, RemoteCustomer};
use crate::helpcrunch::{CallError, Filter, ReadClient, Search, Term};

/// Each of the customers as it is now, or why that is not known.
pub(in crate::run) type Read = BTreeMap<CustomerId, Result<RemoteCustomer, CallError>>;

/// Asks for all in one search, and by its id for each whom that does not find or of whom it does not tell all.
/// `is_current` says whether what a search found shows what was just written: search may lag.
pub(in crate::run) async fn read(
    client: &ReadClient,
    ids: &[CustomerId],
    is_current: impl Fn(&RemoteCustomer) -> bool,
) -> Read {
    let mut read = Read::new();
    let filters = ids.iter().map(|id| Filter::equal(Term::Id(*id)));
    let search = Search {
        limit: SEARCH_LIMIT,
        ..Search::any(filters.collect())
    };
    match client.search(&search).await.result {
        Ok(page) => {
            let found = page.customers.into_iter();
            let whole = found.filter(|c| tells_all(c) && is_current(c));
            read.extend(whole.map(|customer| (customer.id, Ok(customer))));
        }
        Err(error) if error.stop().is_some() => {
            return ids.iter().map(|id| (*id, Err(error.clone()))).collect();
        }
        Err(error) => tracing::debug!(%error, "the search for a batch's customers got no answer"),
    }
    for id in ids {
        if !read.contains_key(id) {
            read.insert(*id, client.get(*id).await.result);
        }
    }
    read
}

/// Whether an answer holds the tags and properties too.
pub(in crate::run) fn tells_all(customer: &RemoteCustomer) -> bool {
    customer.tags.is_known() && customer.custom_data.is_known()
}

/// No API refuses a page as small as the documented ones.
const SEARCH_LIMIT: u32 = 100;
