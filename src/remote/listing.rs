//! Reads all customers page by page, without missing any that exists the whole time.

use std::collections::BTreeSet;

use crate::domain::CustomerId;
use crate::helpcrunch::{
    CallError, CustomerPage, Filter, ListQuery, Operator, ReadClient, Search, SortField, SortOrder,
    Term,
};

use super::id_ranges::{IdRange, ranges, split};
use super::reading::{Reading, ReadingError};
use super::side::{ReadProgress, RemoteError};
use super::strategy::DOCUMENTED_PAGE;

/// Reads the first page of a listing, which also shows the size of the account.
///
/// If a probe has seen larger pages than the documented ones, it asks for such a page. If the API refuses that now, it
/// falls back to a documented one.
pub(super) async fn first_page(client: &ReadClient) -> Result<CustomerPage, RemoteError> {
    let size = client.page_size();
    match client.list(&query(client, 0)).await.result {
        Err(CallError::Refused { status: 400, .. }) if size > DOCUMENTED_PAGE => {
            client.set_page_size(DOCUMENTED_PAGE);
            Ok(client.list(&query(client, 0)).await.result?)
        }
        page => Ok(page?),
    }
}

fn query(client: &ReadClient, offset: u64) -> ListQuery {
    ListQuery {
        limit: client.page_size(),
        offset,
        sort: Some(SortField::FirstSeen),
        order: SortOrder::Ascending,
    }
}

/// Collects the customers of a listing. A later record of a customer replaces an earlier one.
pub(super) trait CustomerSink {
    fn put_page(&mut self, page: &CustomerPage) -> Result<(), ReadingError>;

    /// Number of distinct customers.
    fn count(&self) -> u64;

    /// Ids in ascending order.
    fn sorted_ids(&self) -> Result<Vec<CustomerId>, ReadingError>;
}

impl CustomerSink for Reading {
    fn put_page(&mut self, page: &CustomerPage) -> Result<(), ReadingError> {
        page.customers.iter().try_for_each(|c| self.put(c))
    }

    fn count(&self) -> u64 {
        self.len()
    }

    fn sorted_ids(&self) -> Result<Vec<CustomerId>, ReadingError> {
        self.ids()
    }
}

/// Reads the first page and all pages after it into `customers`.
///
/// Pages overlap by one customer. The listing is complete if all overlaps matched and its distinct ids equal `total`
/// before and after. Otherwise a second pass by ranges of ids completes it: a customer keeps its id, and a range that
/// fits into one answer is read at one moment, so that pass misses no customer.
///
/// One case goes unnoticed: a customer gets an earlier `firstSeen` and so moves to a page that was read, while another
/// one is deleted and a third one added. A duplicate that is created because of that is found by the search that follows
/// creates.
pub(super) async fn list_rest(
    client: &ReadClient,
    first: &CustomerPage,
    customers: &mut impl CustomerSink,
    progress: &dyn ReadProgress,
) -> Result<(), RemoteError> {
    customers.put_page(first)?;
    let mut is_steady = true;
    let mut last = first.customers.last().map(|c| c.id);
    let mut last_total = first.total;
    let mut next = first.customers.len() as u64;
    let mut largest_page = next;
    // If a full page equals the total, the API may count the page instead of the account: read one more page.
    let mut is_total_doubtful = first.total == Some(next) && next >= u64::from(client.page_size());
    while last.is_some() && (is_total_doubtful || first.total.is_none_or(|total| next < total)) {
        progress.read(customers.count(), first.total);
        // Begins with the last customer of the page before.
        let page = client
            .list(&query(client, next.saturating_sub(1)))
            .await
            .result;
        if let Err(CallError::Refused { status, .. }) = &page {
            tracing::info!(offset = next - 1, status, "the API lists no further");
            is_steady = false;
            break;
        }
        let page = page?;
        is_steady &= page.customers.first().map(|c| c.id) == last;
        let count_before = customers.count();
        customers.put_page(&page)?;
        let got = page.customers.len() as u64;
        largest_page = largest_page.max(got);
        last_total = page.total.or(last_total);
        if got <= 1 {
            break;
        }
        let has_new = customers.count() > count_before;
        if std::mem::take(&mut is_total_doubtful) && has_new {
            client.distrust_totals();
        }
        if !has_new {
            // The API ignores `offset`. Without a total this would never end.
            is_steady = false;
            break;
        }
        last = page.customers.last().map(|c| c.id);
        next += got - 1;
    }
    let count = customers.count();
    if is_steady && first.total == Some(count) && last_total == Some(count) {
        return Ok(());
    }
    tracing::info!(
        customers = count,
        total = last_total,
        "the listing may be incomplete; reading again by ranges of ids"
    );
    fill_by_ranges(client, None, customers, (largest_page, 0), progress).await
}

/// Reads all customers, or all that match `filter`, by ranges of ids. Each range has about `page` known customers.
/// `longest` is the longest answer to any search so far.
///
/// An answer is complete if it has as many customers as its total says. Without a total it is complete if a longer one
/// was seen, since the page had room for more (pages of listings show nothing about those of searches). A total is not
/// believed if it is larger than the range, or not zero while the answer is empty.
pub(super) async fn fill_by_ranges(
    client: &ReadClient,
    filter: Option<&Filter>,
    customers: &mut impl CustomerSink,
    (page, longest): (u64, u64),
    progress: &dyn ReadProgress,
) -> Result<(), RemoteError> {
    let page = page.clamp(MIN_PAGE, u64::from(DOCUMENTED_PAGE));
    let mut longest = longest.max(MIN_PAGE);
    let mut todo = ranges(&customers.sorted_ids()?, page);
    todo.reverse();
    while let Some(range) = todo.pop() {
        progress.read(customers.count(), None);
        let answer = client.search(&search(filter, range)).await.result?;
        if !answer.customers.iter().all(|c| range.may_return(c.id)) {
            return Err(RemoteError::FilterIgnored);
        }
        let got = count_distinct(&answer);
        customers.put_page(&answer)?;
        longest = longest.max(got);
        let max_total = if range.is_one_id() { 1 } else { u64::MAX };
        let is_complete = match answer.total {
            Some(total) if total > max_total || got == 0 && total > 0 => {
                client.distrust_totals();
                got < longest
            }
            Some(total) => got >= total,
            None => got < longest,
        };
        if !is_complete && !range.is_one_id() {
            let highest = answer.customers.iter().map(|c| c.id.0).max();
            let Some((low, high)) = split(range, highest) else {
                return Err(RemoteError::Unlistable);
            };
            todo.push(high);
            todo.push(low);
        }
    }
    Ok(())
}

fn count_distinct(page: &CustomerPage) -> u64 {
    let ids: BTreeSet<CustomerId> = page.customers.iter().map(|c| c.id).collect();
    ids.len() as u64
}

/// No page has room for fewer customers.
const MIN_PAGE: u64 = 2;

fn search(filter: Option<&Filter>, range: IdRange) -> Search {
    let at_least = Filter::new(Term::Id(CustomerId(range.start)), Operator::GreaterOrEqual);
    let below = range
        .end
        .map(|end| Filter::new(Term::Id(CustomerId(end)), Operator::Less));
    let filters = filter.cloned().into_iter().chain([at_least]).chain(below);
    Search::all(filters.collect())
}
