//! Reading all customers, page by page, so that none who was there all the time is missed.

use std::collections::BTreeSet;

use crate::domain::CustomerId;
use crate::helpcrunch::{
    CallError, Filter, ListQuery, Operator, Order, Page, ReadClient, Search, Sort, Term,
};

use super::reading::{Reading, ReadingError};
use super::side::{ReadProgress, RemoteError};
use super::strategy::PAGE;

/// The first page of a listing; it also tells the size of the account.
///
/// Where a probe has seen larger pages than the documented ones they are asked for; an account that refuses them by
/// now is asked for usual ones.
pub(super) async fn first_page(client: &ReadClient) -> Result<Page, RemoteError> {
    let size = client.page_size();
    match client.list(&query(client, 0)).await.result {
        Err(CallError::Refused { status: 400, .. }) if size > PAGE => {
            client.ask_for_pages_of(PAGE);
            Ok(client.list(&query(client, 0)).await.result?)
        }
        page => Ok(page?),
    }
}

fn query(client: &ReadClient, offset: u64) -> ListQuery {
    ListQuery {
        limit: client.page_size(),
        offset,
        sort: Some(Sort::FirstSeen),
        order: Order::Ascending,
    }
}

/// What a listing is read into: each customer once, a later record of it in the place of an earlier one.
pub(super) trait Gathering {
    fn put_page(&mut self, page: &Page) -> Result<(), ReadingError>;

    /// Number of distinct customers.
    fn known(&self) -> u64;

    /// Ids in ascending order.
    fn known_ids(&self) -> Vec<CustomerId>;
}

impl Gathering for Reading {
    fn put_page(&mut self, page: &Page) -> Result<(), ReadingError> {
        page.customers.iter().try_for_each(|c| self.put(c))
    }

    fn known(&self) -> u64 {
        self.len()
    }

    fn known_ids(&self) -> Vec<CustomerId> {
        self.ids()
    }
}

/// Reads the first page and what comes after it into the reading.
///
/// Pages overlap by one customer. The listing is complete when no overlap ever failed and its distinct ids equal
/// `total` before and after; otherwise a second pass by ranges of ids fills it. A customer keeps its id, and a
/// range that fits into one answer is read at one moment, so that pass misses nobody.
///
/// What leaves no trace: somebody gets an earlier `firstSeen` and so moves to a page that was read, while somebody else is
/// deleted and another one added. Whoever is created again for that is found by the search that follows creates.
pub(super) async fn list_rest(
    client: &ReadClient,
    first: &Page,
    reading: &mut impl Gathering,
    progress: &dyn ReadProgress,
) -> Result<(), RemoteError> {
    reading.put_page(first)?;
    let mut steady = true;
    let mut last = first.customers.last().map(|c| c.id);
    let mut last_total = first.total;
    let mut next = first.customers.len() as u64;
    let mut largest = next;
    // A full page that is said to be all of them: the total may be that of the page.
    let mut doubtful = first.total == Some(next) && next >= u64::from(client.page_size());
    while last.is_some() && (doubtful || first.total.is_none_or(|total| next < total)) {
        progress.read(reading.known(), first.total);
        let page = client
            .list(&query(client, next.saturating_sub(1)))
            .await
            .result?;
        steady &= page.customers.first().map(|c| c.id) == last;
        let known = reading.known();
        reading.put_page(&page)?;
        let got = page.customers.len() as u64;
        largest = largest.max(got);
        last_total = page.total.or(last_total);
        if got <= 1 {
            break;
        }
        if std::mem::take(&mut doubtful) && reading.known() > known {
            client.distrust_totals();
        }
        if reading.known() == known {
            // A page of nobody new: `offset` is not honoured, and without a total this would go on for ever.
            steady = false;
            break;
        }
        last = page.customers.last().map(|c| c.id);
        next += got - 1;
    }
    let known = reading.known();
    if steady && first.total == Some(known) && last_total == Some(known) {
        return Ok(());
    }
    // A short first page without a total is the whole account, read at one moment.
    tracing::info!(
        known,
        total = last_total,
        "the listing is not certain to be complete: reading again by ranges of ids"
    );
    fill_by_ranges(client, None, reading, (largest, 0), progress).await
}

/// A half-open range of ids; open at the top where `end` is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct IdRange {
    start: u64,
    end: Option<u64>,
}

impl IdRange {
    fn is_one_id(self) -> bool {
        self.end.is_some_and(|end| end <= self.start + 1)
    }

    /// Whether a search for the range may answer with this id: one in it, or next to it, since a server that takes
    /// `>=` for `>` or `<` for `<=` is still read completely.
    fn covers(self, id: CustomerId) -> bool {
        id.0.saturating_add(1) >= self.start && self.end.is_none_or(|end| id.0 <= end)
    }
}

/// Reads all customers, or all that fit a filter, by ranges of ids, each with as many as a page is thought to hold.
/// `longest`: of the searches so far the longest answer.
///
/// An answer is known to be whole by its total. Without one it is whole where a longer one was seen, since the page
/// could have held more; pages of a listing tell nothing of those of a search. A total of more than a range can hold, or of some where
/// nobody is listed, is no total.
pub(super) async fn fill_by_ranges(
    client: &ReadClient,
    among: Option<&Filter>,
    reading: &mut impl Gathering,
    (page, longest): (u64, u64),
    progress: &dyn ReadProgress,
) -> Result<(), RemoteError> {
    let page = page.clamp(2, u64::from(PAGE));
    let mut longest = longest.max(LEAST_PAGE);
    let mut todo = ranges(&reading.known_ids(), page);
    todo.reverse();
    while let Some(range) = todo.pop() {
        progress.read(reading.known(), None);
        let answer = client.search(&search(among, range)).await.result?;
        if !answer.customers.iter().all(|c| range.covers(c.id)) {
            return Err(RemoteError::FilterIgnored);
        }
        let got = distinct(&answer);
        reading.put_page(&answer)?;
        longest = longest.max(got);
        let most = if range.is_one_id() { 1 } else { u64::MAX };
        let whole = match answer.total {
            Some(total) if total > most || got == 0 && total > 0 => {
                client.distrust_totals();
                got < longest
            }
            Some(total) => got >= total,
            None => got < longest,
        };
        if !whole && !range.is_one_id() {
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

/// How many different customers an answer holds; one that repeats itself brings no more for it.
fn distinct(page: &Page) -> u64 {
    let ids: BTreeSet<CustomerId> = page.customers.iter().map(|c| c.id).collect();
    ids.len() as u64
}

/// No page holds fewer.
const LEAST_PAGE: u64 = 2;

/// Ranges that cover every id there can be, each with fewer of the known ones than fill a page, but for the first:
/// its answer shows how many a page holds.
fn ranges(known: &[CustomerId], page: u64) -> Vec<IdRange> {
    let count = |customers: u64| usize::try_from(customers).unwrap_or(1).max(1);
    let (first, rest) = known.split_at(known.len().min(count(page)));
    let each = count(page - page.div_ceil(10));
    let chunks = [first].into_iter().chain(rest.chunks(each));
    let mut starts: Vec<u64> = chunks
        .filter_map(|chunk| chunk.first())
        .map(|id| id.0)
        .collect();
    if let Some(first) = starts.first_mut() {
        *first = 0;
    } else {
        starts.push(0);
    }
    let ends = starts.iter().skip(1).copied().map(Some).chain([None]);
    starts
        .iter()
        .copied()
        .zip(ends)
        .map(|(start, end)| IdRange { start, end })
        .collect()
}

/// The range in two halves; nothing where it holds one id only.
fn split(range: IdRange, highest_seen: Option<u64>) -> Option<(IdRange, IdRange)> {
    let end = range.end.unwrap_or_else(|| {
        highest_seen
            .unwrap_or(range.start)
            .saturating_mul(2)
            .max(range.start + 2)
    });
    let middle = range.start + (end - range.start) / 2;
    (middle > range.start).then_some((
        IdRange {
            start: range.start,
            end: Some(middle),
        },
        IdRange {
            start: middle,
            end: range.end,
        },
    ))
}

fn search(among: Option<&Filter>, range: IdRange) -> Search {
    let at_least = Filter::new(Term::Id(CustomerId(range.start)), Operator::GreaterOrEqual);
    let below = range
        .end
        .map(|end| Filter::new(Term::Id(CustomerId(end)), Operator::Less));
    let filters = among.cloned().into_iter().chain([at_least]).chain(below);
    Search::all(filters.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_every_id_once() {
        let known: Vec<_> = [5, 9, 11, 40, 41].map(CustomerId).to_vec();
        let found = ranges(&known, 2);
        assert_eq!(found.len(), 4, "two in the first, one in each other");
        assert_eq!(found.first().unwrap().start, 0);
        assert_eq!(found.last().unwrap().end, None);
        for pair in found.windows(2) {
            assert_eq!(pair[0].end, Some(pair[1].start));
        }
        assert_eq!(
            ranges(&[], 90),
            [IdRange {
                start: 0,
                end: None
            }]
        );
    }

    #[test]
    fn a_range_is_split_until_it_holds_one_id() {
        let mut range = IdRange {
            start: 0,
            end: None,
        };
        for _ in 0..200 {
            let Some((low, high)) = split(range, Some(1_000_000)) else {
                break;
            };
            assert_eq!(low.end, Some(high.start));
            assert_eq!((low.start, high.end), (range.start, range.end));
            range = low;
        }
        assert_eq!(
            split(
                IdRange {
                    start: 7,
                    end: Some(8)
                },
                None
            ),
            None
        );
    }
}
