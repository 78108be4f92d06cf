use std::ops::Deref;
use std::sync::Arc;

use super::{
    BatchAnswer, BatchEntry, Endpoint, Gate, ListQuery, Page, PatchBody, Search, Sent, WireRequest,
    decode, encode,
};
use crate::domain::{CustomerId, RemoteCustomer, Tag};
use crate::plan::Create;

/// Reads customers. It cannot write, which is what makes a dry run one.
#[derive(Debug, Clone)]
pub struct ReadClient {
    gate: Arc<Gate>,
}

/// Writes customers, and reads them. Each write answers with the customer as it is afterwards (documented), which
/// the caller compares with what was meant.
#[derive(Debug, Clone)]
pub struct WriteClient {
    read: ReadClient,
}

impl ReadClient {
    #[must_use]
    pub fn new(gate: Arc<Gate>) -> Self {
        Self { gate }
    }

    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// One customer; [`is_not_found`](super::CallError::is_not_found) tells that there is none.
    pub async fn get(&self, id: CustomerId) -> Sent<RemoteCustomer> {
        let request = request(Endpoint::Get, customer_path(id), None);
        self.gate.send(&request, decode::customer).await
    }

    pub async fn list(&self, query: &ListQuery) -> Sent<Page> {
        let request = request(Endpoint::List, query.path(), None);
        self.gate.send(&request, decode::page).await
    }

    pub async fn search(&self, search: &Search) -> Sent<Page> {
        let request = request(
            Endpoint::Search,
            "/customers/search".to_owned(),
            Some(search.body()),
        );
        self.gate.send(&request, decode::page).await
    }
}

impl WriteClient {
    #[must_use]
    pub fn new(read: ReadClient) -> Self {
        Self { read }
    }

    /// Never sent again once it may have been done: see [`CallError::Unknown`](super::CallError::Unknown).
    pub async fn create(&self, create: &Create) -> Sent<RemoteCustomer> {
        let body = encode::create(create);
        self.write(Endpoint::Create, "/customers".to_owned(), body)
            .await
    }

    pub async fn patch(&self, id: CustomerId, patch: &PatchBody) -> Sent<RemoteCustomer> {
        self.write(Endpoint::Patch, customer_path(id), encode::patch(patch))
            .await
    }

    /// One update of the whole customer; for a probe, since it may reset what the body does not name.
    pub async fn put(&self, id: CustomerId, body: &PatchBody) -> Sent<RemoteCustomer> {
        self.write(Endpoint::Put, customer_path(id), encode::patch(body))
            .await
    }

    /// At most ten customers (documented) in one request. Whether it leaves alone what it does not name, what it
    /// answers and what it does with a bad entry is not documented: a probe finds out.
    pub async fn batch(&self, entries: &[BatchEntry]) -> Sent<BatchAnswer> {
        let path = "/customers/batch".to_owned();
        let request = request(Endpoint::Batch, path, Some(encode::batch(entries)));
        let read = |body: &[u8]| Ok(decode::batch(body));
        self.gate.send(&request, read).await
    }

    /// Adds tags; one that the account does not have is made for all of it (documented).
    pub async fn tag(&self, id: CustomerId, tags: &[Tag]) -> Sent<RemoteCustomer> {
        self.write(Endpoint::Tag, tags_path(id), encode::tag(tags))
            .await
    }

    pub async fn untag(&self, id: CustomerId, tags: &[Tag]) -> Sent<RemoteCustomer> {
        self.write(Endpoint::Untag, tags_path(id), encode::untag(tags))
            .await
    }

    /// The documented answer is the word `Ok`; any 2xx is taken for it. After a retry a 404 may mean that the
    /// first attempt did it.
    pub async fn delete(&self, id: CustomerId) -> Sent<()> {
        let request = request(Endpoint::Delete, customer_path(id), None);
        self.gate.send(&request, |_| Ok(())).await
    }

    async fn write(&self, endpoint: Endpoint, path: String, body: String) -> Sent<RemoteCustomer> {
        let request = request(endpoint, path, Some(body));
        self.gate.send(&request, decode::customer).await
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
