use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use super::observer::{notify_page, notify_read};
use super::shown_members::ShownMembers;
use super::{
    CallReport, CustomerPage, Endpoint, Gate, ListQuery, Observer, Search, WireRequest, decode,
};
use crate::domain::{CustomerId, Organization, RemoteCustomer};

/// Reads customers. It has no method that writes, so a dry run that holds only this cannot write.
#[derive(Debug, Clone)]
pub struct ReadClient {
    pub(super) gate: Arc<Gate>,
    pub(super) observer: Option<Arc<dyn Observer>>,
    max_filters: Arc<AtomicU64>,
    page_size: Arc<AtomicU32>,
    /// The `total` of a search was seen to be wrong.
    totals_mislead: Arc<AtomicBool>,
    shown: ShownMembers,
}

/// Filters that one search holds at first; fewer once the API refused this many. The real limit is not documented; 100
/// is the largest page that was observed.
const MAX_FILTERS: u64 = 100;

/// The largest page in the vendor's documentation; whether larger ones work is not documented.
const DEFAULT_PAGE_SIZE: u32 = 100;
/// An answer of about a megabyte.
const MAX_PAGE_SIZE: u32 = 1_000;

impl ReadClient {
    #[must_use]
    pub fn new(gate: Arc<Gate>) -> Self {
        Self {
            gate,
            observer: None,
            max_filters: Arc::new(AtomicU64::new(MAX_FILTERS)),
            page_size: Arc::new(AtomicU32::new(DEFAULT_PAGE_SIZE)),
            totals_mislead: Arc::default(),
            shown: ShownMembers::default(),
        }
    }

    /// The maximum number of filters in one search, as far as is known.
    #[must_use]
    pub fn max_filters(&self) -> u64 {
        self.max_filters.load(Ordering::Relaxed)
    }

    /// Whether a lower limit than the initial one is known.
    #[must_use]
    pub fn has_learned_limit(&self) -> bool {
        self.max_filters() < MAX_FILTERS
    }

    /// Lowers the maximum number of filters in one search; a higher value changes nothing.
    pub fn limit_filters(&self, max: u64) {
        self.max_filters.fetch_min(max.max(1), Ordering::Relaxed);
    }

    /// The `limit` of one page of a listing.
    #[must_use]
    pub fn page_size(&self) -> u32 {
        self.page_size.load(Ordering::Relaxed)
    }

    /// Sets the page size of listings to what the account was seen to honour, from 100 to 1,000.
    pub fn set_page_size(&self, customers: u32) {
        let size = customers.clamp(DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE);
        self.page_size.store(size, Ordering::Relaxed);
    }

    /// Records that a total was impossible or only that of its page: from now on searches return no total.
    pub fn distrust_totals(&self) {
        if !self.totals_mislead.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "a total was not the number of customers: ignoring the totals of searches"
            );
        }
    }

    /// What is known of the members that answers leave out, as bits to be kept for later runs.
    #[must_use]
    pub fn shown_members(&self) -> u16 {
        self.shown.bits()
    }

    /// Adds what an earlier run learned of them.
    pub fn add_shown_members(&self, bits: u16) {
        self.shown.add_bits(bits);
    }

    /// The same client, with an observer of its answers.
    #[must_use]
    pub fn with_observer(self, observer: Arc<dyn Observer>) -> Self {
        Self {
            observer: Some(observer),
            ..self
        }
    }

    /// Notifies the observer that nothing more will be written to this customer.
    pub fn done_with(&self, id: CustomerId) {
        if let Some(observer) = &self.observer {
            observer.done_with(id);
        }
    }

    fn begin_read(&self) -> Option<(&dyn Observer, u64)> {
        let observer = self.observer.as_deref()?;
        Some((observer, observer.begin_read()))
    }

    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Reads one customer. If there is none, the error [`is_not_found`](super::CallError::is_not_found).
    pub async fn get(&self, id: CustomerId) -> CallReport<RemoteCustomer> {
        let request = request(Endpoint::Get, customer_path(id), None);
        let observed = self.begin_read();
        let mut sent = self.gate.send(&request, decode::customer).await;
        if let Ok(customer) = &mut sent.result {
            self.shown
                .complete(Endpoint::Get, std::slice::from_mut(customer));
        }
        if let Some((observer, ticket)) = observed {
            notify_read(observer, ticket, id, &sent);
        }
        sent
    }

    pub async fn list(&self, query: &ListQuery) -> CallReport<CustomerPage> {
        let request = request(Endpoint::List, query.path(), None);
        self.page(&request).await
    }

    pub async fn search(&self, search: &Search) -> CallReport<CustomerPage> {
        let request = request(
            Endpoint::Search,
            "/customers/search".to_owned(),
            Some(search.body()),
        );
        let mut sent = self.page(&request).await;
        if let Ok(page) = &mut sent.result
            && self.totals_mislead.load(Ordering::Relaxed)
        {
            page.total = None;
        }
        sent
    }

    /// Asks once which account the key opens. Anything but a readable answer is `None`, and has no effect on later requests.
    pub async fn organization(&self) -> Option<Organization> {
        let request = request(Endpoint::Organization, "/organization".to_owned(), None);
        self.gate.ask_once(&request, decode::organization).await
    }

    async fn page(&self, request: &WireRequest) -> CallReport<CustomerPage> {
        let observed = self.begin_read();
        let mut sent = self.gate.send(request, decode::page).await;
        if let Ok(page) = &mut sent.result {
            self.shown.complete(request.endpoint, &mut page.customers);
        }
        if let Some((observer, ticket)) = observed {
            notify_page(observer, ticket, &sent);
        }
        sent
    }
}

pub(super) fn request(endpoint: Endpoint, path: String, body: Option<String>) -> WireRequest {
    WireRequest {
        endpoint,
        path,
        body,
    }
}

pub(super) fn customer_path(id: CustomerId) -> String {
    format!("/customers/{id}")
}
