//! Lists and searches customers, and cuts pages out of the results.

use http::StatusCode;
use serde::Serialize;

use super::account::{Account, RequestContext};
use super::customer::Customer;
use super::error_reply::{ErrorReply, FieldError};
use super::page::PageRequest;
use super::quirks::{Offset, Ties, Total};
use super::reply::Reply;
use super::search::SearchQuery;
use super::select::draw;
use super::store::SortOrder;
use super::validate;
use super::view::CustomerView;

#[derive(Serialize)]
pub(super) struct Listing<'a> {
    pub(super) data: Vec<CustomerView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) total: Option<usize>,
}

/// Which answer reports a total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TotalSource {
    Listing,
    Search,
}

impl Account {
    pub(super) fn list(
        &mut self,
        query: &str,
        context: RequestContext,
    ) -> Result<Reply, ErrorReply> {
        let mut page = PageRequest::of_query(query, &self.quirks)?;
        let max_offset = self.quirks.max_offset;
        if max_offset > 0 && page.offset > max_offset {
            let message = format!("This value should be {max_offset} or less.");
            return Err(ErrorReply::of(FieldError::new("offset", message)));
        }
        if self.quirks.list_offset == Offset::Ignored {
            page.offset = 0;
        }
        let lag = self.quirks.list_lag_ms;
        if lag > 0 || self.quirks.ties == Ties::Shuffled {
            let seen = self
                .store
                .all()
                .filter_map(|customer| customer.version_at(context.now_ms, lag));
            return Ok(self.page(seen.collect(), page, TotalSource::Listing, context));
        }
        let ids = self.store.page(page).into_iter();
        let customers: Vec<&Customer> = ids.filter_map(|id| self.store.get(id)).collect();
        let total = self.total(TotalSource::Listing, self.store.len(), customers.len());
        Ok(self.listing(customers, total))
    }

    pub(super) fn search(&self, body: &[u8], context: RequestContext) -> Result<Reply, ErrorReply> {
        let query = SearchQuery::read(&validate::json(body)?, &self.quirks)?;
        let lag = self.quirks.search_lag_ms;
        let found = query.matches(&self.store, &self.quirks, |customer| {
            customer.version_at(context.now_ms, lag)
        });
        if found.is_empty() && self.quirks.search_404 {
            return Err(ErrorReply::NoCustomer);
        }
        Ok(self.page(found, query.page, TotalSource::Search, context))
    }

    fn total(&self, source: TotalSource, matching: usize, shown: usize) -> Option<usize> {
        match (self.quirks.total, source) {
            (Total::Absent, _) | (Total::AbsentInList, TotalSource::Listing) => None,
            (Total::OneMore, _) => Some(matching + 1),
            (Total::AccountInSearch, TotalSource::Search) => Some(self.store.len()),
            (Total::OfPage, _) => Some(shown),
            (Total::Present | Total::AbsentInList | Total::AccountInSearch, _) => Some(matching),
        }
    }

    /// Sorts the customers and returns the requested page.
    fn page(
        &self,
        mut customers: Vec<&Customer>,
        page: PageRequest,
        source: TotalSource,
        context: RequestContext,
    ) -> Reply {
        let matching = customers.len();
        self.sort(&mut customers, page.sort, context);
        let cut: Vec<&Customer> = customers
            .into_iter()
            .skip(page.offset)
            .take(page.limit)
            .collect();
        let total = self.total(source, matching, cut.len());
        self.listing(cut, total)
    }

    fn sort(&self, customers: &mut [&Customer], sort: SortOrder, context: RequestContext) {
        let tie = |id| match self.quirks.ties {
            Ties::Stable => id,
            Ties::Shuffled => draw(context.draw, id, 0),
        };
        customers.sort_by_key(|customer| (customer.date(sort.by), tie(customer.id)));
        if sort.descending {
            customers.reverse();
        }
    }

    fn listing(&self, customers: Vec<&Customer>, total: Option<usize>) -> Reply {
        let data = customers
            .into_iter()
            .map(|customer| self.view(customer, true))
            .collect();
        Reply::json(StatusCode::OK, &Listing { data, total })
    }
}
