use std::ops::Deref;

use super::client::{customer_path, request};
use super::observer::{notify_batch, notify_deleted, notify_write};
use super::{
    BatchAnswer, BatchEntry, CallError, CallReport, Endpoint, PatchBody, ReadClient,
    StalenessGuard, WireRequest, decode, encode,
};
use crate::domain::{CustomerId, RemoteCustomer, Tag};
use crate::plan::Create;

/// Writes customers, and reads them. Each write answers with the customer as it is afterwards (documented), which the
/// caller compares with what it meant to write.
#[derive(Debug, Clone)]
pub struct WriteClient {
    read: ReadClient,
    guard: Option<StalenessGuard>,
}

impl WriteClient {
    #[must_use]
    pub fn new(read: ReadClient) -> Self {
        Self { read, guard: None }
    }

    /// The same client for writes that rely on a reading: once the reading is outdated, they are not sent.
    #[must_use]
    pub fn guarded_by(&self, guard: Option<StalenessGuard>) -> Self {
        let read = self.read.clone();
        Self { read, guard }
    }

    /// Creates a customer. Never sent again once it may have taken effect: see
    /// [`CallError::Unknown`].
    pub async fn create(&self, create: &Create) -> CallReport<RemoteCustomer> {
        let body = encode::create(create);
        let request = request(Endpoint::Create, "/customers".to_owned(), Some(body));
        self.write(None, &request).await
    }

    pub async fn patch(&self, id: CustomerId, patch: &PatchBody) -> CallReport<RemoteCustomer> {
        let body = Some(encode::patch(patch));
        let request = request(Endpoint::Patch, customer_path(id), body);
        self.write(Some(id), &request).await
    }

    /// Updates a customer by `PUT`, which may reset what the body does not name; for the probe only.
    pub async fn put(&self, id: CustomerId, body: &PatchBody) -> CallReport<RemoteCustomer> {
        let body = Some(encode::patch(body));
        let request = request(Endpoint::Put, customer_path(id), body);
        self.write(Some(id), &request).await
    }

    /// Updates up to ten customers (documented) in one request. Whether it leaves alone what it does not name, what it
    /// answers and how it handles a bad entry is not documented: the probe finds out.
    pub async fn batch(&self, entries: &[BatchEntry]) -> CallReport<BatchAnswer> {
        let path = "/customers/batch".to_owned();
        let request = request(Endpoint::Batch, path, Some(encode::batch(entries)));
        let read = |body: &[u8]| Ok(decode::batch(body));
        let sent = self
            .read
            .gate
            .send_guarded(self.guard, &request, read)
            .await;
        if let Some(observer) = &self.read.observer {
            notify_batch(observer.as_ref(), entries, &sent);
        }
        sent
    }

    /// Adds tags. A tag that the account does not have yet is created for the whole account (documented).
    pub async fn tag(&self, id: CustomerId, tags: &[Tag]) -> CallReport<RemoteCustomer> {
        let request = request(Endpoint::Tag, tags_path(id), Some(encode::tag(tags)));
        self.write(Some(id), &request).await
    }

    pub async fn untag(&self, id: CustomerId, tags: &[Tag]) -> CallReport<RemoteCustomer> {
        let request = request(Endpoint::Untag, tags_path(id), Some(encode::untag(tags)));
        self.write(Some(id), &request).await
    }

    /// Deletes a customer. The documented answer is the word `Ok`; any 2xx counts. After a retry, a 404 may mean that the
    /// first attempt succeeded.
    pub async fn delete(&self, id: CustomerId) -> CallReport<()> {
        let request = request(Endpoint::Delete, customer_path(id), None);
        let gate = &self.read.gate;
        let sent = gate.send_guarded(self.guard, &request, |_| Ok(())).await;
        if let Some(observer) = &self.read.observer {
            notify_deleted(observer.as_ref(), id, &sent);
        }
        sent
    }

    async fn write(
        &self,
        id: Option<CustomerId>,
        request: &WireRequest,
    ) -> CallReport<RemoteCustomer> {
        let read = |body: &[u8]| match decode::customer(body) {
            // The status says that it was accepted; the customer has to be read to see what became of it.
            Err(error) if id.is_some() && decode::is_bare_success(body, &error) => Ok(None),
            customer => customer.map(Some),
        };
        let gate = &self.read.gate;
        let sent = gate.send_guarded(self.guard, request, read).await;
        let sent = self.with_customer(id, sent).await;
        if let Some(observer) = &self.read.observer {
            notify_write(observer.as_ref(), id, &sent);
        }
        sent
    }

    /// Reads the customer if the answer does not hold it.
    async fn with_customer(
        &self,
        id: Option<CustomerId>,
        sent: CallReport<Option<RemoteCustomer>>,
    ) -> CallReport<RemoteCustomer> {
        let mut in_doubt = sent.in_doubt;
        let result = match (id, sent.result) {
            (_, Err(error)) => Err(error),
            (None, Ok(Some(customer))) => Ok(customer),
            (Some(id), Ok(Some(customer))) if customer.id == id => Ok(customer),
            (Some(id), Ok(other)) => {
                if let Some(other) = other {
                    // An answer about another customer says nothing about this write.
                    tracing::warn!(
                        customer = id.0,
                        answered = other.id.0,
                        "a write was answered with another customer"
                    );
                }
                let read = self.read.get(id).await.result;
                in_doubt |= read.is_err();
                read
            }
            (None, Ok(None)) => Err(CallError::Interrupted),
        };
        CallReport {
            result,
            in_doubt,
            attempts: sent.attempts,
            http_status: sent.http_status,
        }
    }
}

impl Deref for WriteClient {
    type Target = ReadClient;
    fn deref(&self) -> &ReadClient {
        &self.read
    }
}

fn tags_path(id: CustomerId) -> String {
    format!("/customers/{id}/tags")
}
