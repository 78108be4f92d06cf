//! Searches for the customers of many keys, many keys in one request.

use std::collections::BTreeSet;

use crate::domain::{CustomerId, RemoteCustomer, fold_email};
use crate::helpcrunch::{CallError, CustomerPage, Filter, ReadClient, Search, Term};

use super::listing::{CustomerSink, fill_by_ranges};
use super::lookup_keys::LookupKeys;
use super::reading::ReadingError;
use super::side::{NoProgress, RemoteError};
use super::strategy::DOCUMENTED_PAGE;

/// Searches for all keys and adds the customers that have one of them to `customers`, each at least once.
///
/// A search with an incomplete answer is repeated with half of its keys, and one for a single key by ranges of ids, so
/// that each part is read at one moment. Pages at an offset would miss customers if their order changed in between.
///
/// # Errors
/// If a search got no usable answer, or the API refuses even a single filter.
pub async fn find_all(
    client: &ReadClient,
    keys: &LookupKeys,
    customers: &mut Vec<RemoteCustomer>,
) -> Result<(), RemoteError> {
    find_within(client, keys, customers, None).await.map(drop)
}

/// Like [`find_all`], but gives up if a search was refused because of its size and the remaining ones would need more
/// than `max_requests`. Returns whether all keys were searched.
pub(super) async fn find_within(
    client: &ReadClient,
    keys: &LookupKeys,
    customers: &mut Vec<RemoteCustomer>,
    max_requests: Option<u64>,
) -> Result<bool, RemoteError> {
    let filters = keys.to_filters();
    let mut todo = vec![filters.as_slice()];
    let mut max_filters = usize::try_from(client.max_filters()).unwrap_or(usize::MAX);
    let mut longest = 0;
    while let Some(filters) = todo.pop() {
        if filters.len() > max_filters {
            let (now, later) = filters.split_at(max_filters);
            todo.extend([later, now]);
            continue;
        }
        let answer = match search(client, filters, &mut longest).await {
            Err(RemoteError::Call(CallError::Refused {
                status: 400 | 413 | 414 | 422,
                ..
            })) if filters.len() > 1 => {
                max_filters = filters.len().div_ceil(2);
                tracing::debug!(max_filters, "a search was refused; using fewer filters");
                client.limit_filters(max_filters as u64);
                todo.push(filters);
                let searches = todo.iter().map(|part| part.len().div_ceil(max_filters));
                let remaining = searches.sum::<usize>() as u64;
                if max_requests.is_some_and(|max| remaining > max) {
                    return Ok(false);
                }
                continue;
            }
            answer => answer?,
        };
        match (answer, filters) {
            (SearchAnswer::Complete(all), _) => customers.extend(all),
            (SearchAnswer::Partial(mut sharing), [one]) => {
                let lengths = (longest, longest);
                fill_by_ranges(client, Some(one), &mut sharing, lengths, &NoProgress).await?;
                customers.append(&mut sharing);
            }
            (SearchAnswer::Partial(some), several) => {
                if some.len() < DOCUMENTED_PAGE as usize {
                    // The API caps the page below the requested limit.
                    max_filters = max_filters.min(some.len().max(1));
                }
                let (now, later) = several.split_at(several.len() / 2);
                todo.extend([later, now]);
            }
        }
    }
    Ok(true)
}

enum SearchAnswer {
    Complete(Vec<RemoteCustomer>),
    /// More customers match than were returned.
    Partial(Vec<RemoteCustomer>),
}

/// Sends one search. `longest` is the length of the longest answer so far.
///
/// Without a total, an answer that is shorter than that is complete. An answer that is empty or has all ids that were
/// searched for is complete whatever its total says.
async fn search(
    client: &ReadClient,
    filters: &[Filter],
    longest: &mut u64,
) -> Result<SearchAnswer, RemoteError> {
    if filters.is_empty() {
        return Ok(SearchAnswer::Complete(Vec::new()));
    }
    let mut search = Search {
        limit: DOCUMENTED_PAGE,
        ..Search::any(filters.to_vec())
    };
    let page: CustomerPage = client.search(&search).await.result?;
    let got = page.customers.len() as u64;
    let unrelated = page.customers.iter().filter(|c| !matches_any(filters, c));
    let ignores_filters = unrelated.count() * 2 > page.customers.len();
    let is_all = got == 0 || has_all_ids(filters, &page.customers);
    let is_complete = match page.total {
        Some(total) if total > got && is_all => {
            client.distrust_totals();
            true
        }
        Some(total) => got >= total,
        None if is_all || got < *longest => true,
        None => {
            search.offset = got;
            match client.search(&search).await.result {
                // Some servers refuse offsets.
                Err(CallError::Refused { .. }) => false,
                page => page?.customers.is_empty(),
            }
        }
    };
    *longest = got.max(*longest);
    match is_complete {
        true => Ok(SearchAnswer::Complete(page.customers)),
        // Splitting the search would never end.
        false if ignores_filters => Err(RemoteError::FilterIgnored),
        false => Ok(SearchAnswer::Partial(page.customers)),
    }
}

/// Whether the customer has one of the keys. Compares as loosely as any search may.
fn matches_any(filters: &[Filter], customer: &RemoteCustomer) -> bool {
    let is_same = |value: Option<&str>, key: &str| {
        value.is_some_and(|value| fold_email(value.trim()) == fold_email(key.trim()))
    };
    filters.iter().any(|filter| match &filter.term {
        Term::Id(id) => customer.id == *id,
        Term::UserId(user_id) => is_same(customer.user_id(), user_id),
        Term::Email(email) => is_same(customer.email(), email),
        Term::Name(_) | Term::Phone(_) | Term::LastSeen(_) => true,
    })
}

fn has_all_ids(filters: &[Filter], customers: &[RemoteCustomer]) -> bool {
    filters.iter().all(|filter| match filter.term {
        Term::Id(id) => customers.iter().any(|customer| customer.id == id),
        _ => false,
    })
}

impl CustomerSink for Vec<RemoteCustomer> {
    fn put_page(&mut self, page: &CustomerPage) -> Result<(), ReadingError> {
        self.extend(page.customers.iter().cloned());
        Ok(())
    }

    fn count(&self) -> u64 {
        self.len() as u64
    }

    fn sorted_ids(&self) -> Result<Vec<CustomerId>, ReadingError> {
        let ids: BTreeSet<CustomerId> = self.iter().map(|customer| customer.id).collect();
        Ok(ids.into_iter().collect())
    }
}
