use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use super::observer::{tell_batch, tell_deleted, tell_page, tell_read, tell_write};
use super::{
    Basis, BatchAnswer, BatchEntry, Endpoint, Gate, ListQuery, Observer, Page, PatchBody, Search,
    Sent, WireRequest, decode, encode,
};
use crate::domain::{CustomerId, RemoteCustomer, Tag};
use crate::plan::Create;

/// Reads customers. It cannot write, which is what makes a dry run one.
#[derive(Debug, Clone)]
pub struct ReadClient {
    gate: Arc<Gate>,
    observer: Option<Arc<dyn Observer>>,
    most_filters: Arc<AtomicU64>,
    page_size: Arc<AtomicU32>,
    /// What a search says in `total` was seen to be wrong.
    totals_mislead: Arc<AtomicBool>,
}

/// Filters that one search holds at the beginning; fewer once the API refused so many. Not documented; 100 is the
/// largest page that was seen.
const MOST_FILTERS: u64 = 100;

/// The largest page in the vendor's pages; whether more can be asked for is not documented.
const USUAL_PAGE: u32 = 100;
const LARGEST_PAGE: u32 = 1_000;

/// Writes customers, and reads them. Each write answers with the customer as it is afterwards (documented), which
/// the caller compares with what was meant.
#[derive(Debug, Clone)]
pub struct WriteClient {
    read: ReadClient,
    basis: Option<Basis>,
}

impl ReadClient {
    #[must_use]
    pub fn new(gate: Arc<Gate>) -> Self {
        Self {
            gate,
            observer: None,
            most_filters: Arc::new(AtomicU64::new(MOST_FILTERS)),
            page_size: Arc::new(AtomicU32::new(USUAL_PAGE)),
            totals_mislead: Arc::default(),
        }
    }

    /// Filters that one search may hold, as far as is known.
    #[must_use]
    pub fn most_filters(&self) -> u64 {
        self.most_filters.load(Ordering::Relaxed)
    }

    /// Whether a search was ever seen to be refused for its filters.
    #[must_use]
    pub fn has_learned(&self) -> bool {
        self.most_filters() < MOST_FILTERS
    }

    /// Takes note that a search may hold no more filters than this; more than before is no news.
    pub fn limit_filters(&self, most: u64) {
        self.most_filters.fetch_min(most.max(1), Ordering::Relaxed);
    }

    /// Customers that one page of a listing is asked to hold.
    #[must_use]
    pub fn page_size(&self) -> u32 {
        self.page_size.load(Ordering::Relaxed)
    }

    /// Asks for pages of so many customers from here on: as many as the account was seen to answer with, but no
    /// fewer than usual, and no more than make an answer of about a megabyte.
    pub fn ask_for_pages_of(&self, customers: u32) {
        let size = customers.clamp(USUAL_PAGE, LARGEST_PAGE);
        self.page_size.store(size, Ordering::Relaxed);
    }

    /// Takes note that a total was more than there can be, or only that of its page: from here on answers of searches come without a total.
    pub fn distrust_totals(&self) {
        if !self.totals_mislead.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "a total was not the number of customers: going without the totals of searches"
            );
        }
    }

    /// The same client, whose answers are told to the observer.
    #[must_use]
    pub fn observed_by(self, observer: Arc<dyn Observer>) -> Self {
        Self {
            observer: Some(observer),
            ..self
        }
    }

    /// Tells the observer that nothing more will be written to this customer.
    pub fn done_with(&self, id: CustomerId) {
        if let Some(observer) = &self.observer {
            observer.done_with(id);
        }
    }

    fn asking(&self) -> Option<(&dyn Observer, u64)> {
        let observer = self.observer.as_deref()?;
        Some((observer, observer.asking()))
    }

    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// One customer; [`is_not_found`](super::CallError::is_not_found) tells that there is none.
    pub async fn get(&self, id: CustomerId) -> Sent<RemoteCustomer> {
        let request = request(Endpoint::Get, customer_path(id), None);
        let asked = self.asking();
        let sent = self.gate.send(&request, decode::customer).await;
        if let Some((observer, asked)) = asked {
            tell_read(observer, asked, id, &sent);
        }
        sent
    }

    pub async fn list(&self, query: &ListQuery) -> Sent<Page> {
        let request = request(Endpoint::List, query.path(), None);
        self.page(&request).await
    }

    pub async fn search(&self, search: &Search) -> Sent<Page> {
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

    async fn page(&self, request: &WireRequest) -> Sent<Page> {
        let asked = self.asking();
        let sent = self.gate.send(request, decode::page).await;
        if let Some((observer, asked)) = asked {
            tell_page(observer, asked, &sent);
        }
        sent
    }
}

impl WriteClient {
    #[must_use]
    pub fn new(read: ReadClient) -> Self {
        Self { read, basis: None }
    }

    /// The same client for writes that stand on a reading: once that is outdated they are not sent.
    #[must_use]
    pub fn on(&self, basis: Option<Basis>) -> Self {
        let read = self.read.clone();
        Self { read, basis }
    }

    /// Never sent again once it may have been done: see [`CallError::Unknown`](super::CallError::Unknown).
    pub async fn create(&self, create: &Create) -> Sent<RemoteCustomer> {
        let body = encode::create(create);
        let request = request(Endpoint::Create, "/customers".to_owned(), Some(body));
        self.write(None, &request).await
    }

    pub async fn patch(&self, id: CustomerId, patch: &PatchBody) -> Sent<RemoteCustomer> {
        let body = Some(encode::patch(patch));
        let request = request(Endpoint::Patch, customer_path(id), body);
        self.write(Some(id), &request).await
    }

    /// One update of the whole customer; for a probe, since it may reset what the body does not name.
    pub async fn put(&self, id: CustomerId, body: &PatchBody) -> Sent<RemoteCustomer> {
        let body = Some(encode::patch(body));
        let request = request(Endpoint::Put, customer_path(id), body);
        self.write(Some(id), &request).await
    }

    /// At most ten customers (documented) in one request. Whether it leaves alone what it does not name, what it
    /// answers and what it does with a bad entry is not documented: a probe finds out.
    pub async fn batch(&self, entries: &[BatchEntry]) -> Sent<BatchAnswer> {
        let path = "/customers/batch".to_owned();
        let request = request(Endpoint::Batch, path, Some(encode::batch(entries)));
        let read = |body: &[u8]| Ok(decode::batch(body));
        let sent = self.gate.send_on(self.basis, &request, read).await;
        if let Some(observer) = &self.read.observer {
            tell_batch(observer.as_ref(), entries, &sent);
        }
        sent
    }

    /// Adds tags; one that the account does not have is made for all of it (documented).
    pub async fn tag(&self, id: CustomerId, tags: &[Tag]) -> Sent<RemoteCustomer> {
        let request = request(Endpoint::Tag, tags_path(id), Some(encode::tag(tags)));
        self.write(Some(id), &request).await
    }

    pub async fn untag(&self, id: CustomerId, tags: &[Tag]) -> Sent<RemoteCustomer> {
        let request = request(Endpoint::Untag, tags_path(id), Some(encode::untag(tags)));
        self.write(Some(id), &request).await
    }

    /// The documented answer is the word `Ok`; any 2xx is taken for it. After a retry a 404 may mean that the
    /// first attempt did it.
    pub async fn delete(&self, id: CustomerId) -> Sent<()> {
        let request = request(Endpoint::Delete, customer_path(id), None);
        let sent = self.gate.send(&request, |_| Ok(())).await;
        if let Some(observer) = &self.read.observer {
            tell_deleted(observer.as_ref(), id, &sent);
        }
        sent
    }

    async fn write(&self, id: Option<CustomerId>, request: &WireRequest) -> Sent<RemoteCustomer> {
        let mut sent = self
            .gate
            .send_on(self.basis, request, decode::customer)
            .await;
        if let (Some(id), Ok(answer)) = (id, &sent.result)
            && answer.id != id
        {
            // An answer about somebody else says nothing about this write.
            tracing::warn!(
                customer = id.0,
                answered = answer.id.0,
                "a write was answered with another customer"
            );
            sent.result = self.read.get(id).await.result;
        }
        if let Some(observer) = &self.read.observer {
            tell_write(observer.as_ref(), id, &sent);
        }
        sent
    }
}

impl Deref for WriteClient {
    type Target = ReadClient;
    fn deref(&self) -> &ReadClient {
        &self.read
    }
}

fn request(endpoint: Endpoint, path: String, body: Option<String>) -> WireRequest {
    WireRequest {
        endpoint,
        path,
        body,
    }
}

fn customer_path(id: CustomerId) -> String {
    format!("/customers/{id}")
}

fn tags_path(id: CustomerId) -> String {
    format!("/customers/{id}/tags")
}
