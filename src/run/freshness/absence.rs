//! Whether an e-mail address that search does not find belongs to no customer. Tested when a row first depends on it.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::RemoteCustomer;
use crate::helpcrunch::{ListQuery, ReadClient, SortField, SortOrder};
use crate::plan::matching::RemoteLookup;
use crate::remote::{
    EmailCase, NoProgress, Reading, ReadingError, RemoteError, list_all, swapped_case_test,
};

/// A listing that replaces search is made again once it is older than this.
const LISTING_MAX_AGE: Duration = Duration::from_secs(30 * 60);

/// What is known about e-mail search.
#[derive(Debug, Default)]
pub(super) enum Absence {
    #[default]
    Untested,
    /// Search ignores case: what it does not find does not exist.
    Reliable,
    /// Search does not ignore case: this listing, made at that time, is used instead.
    Listed(Instant, Box<Reading>),
}

impl Absence {
    /// Returns customers with one of these addresses, which search did not find.
    pub(super) async fn find(
        &mut self,
        client: &ReadClient,
        emails: &[&str],
    ) -> Result<Vec<RemoteCustomer>, RemoteError> {
        let is_old = matches!(self, Self::Listed(at, _) if at.elapsed() >= LISTING_MAX_AGE);
        if is_old || matches!(self, Self::Untested) {
            *self = test_search(client).await?;
        }
        let mut customers = Vec::new();
        if let Self::Listed(_, reading) = self {
            for email in emails {
                for id in reading.with_email(email)? {
                    customers.extend(reading.customer(id)?);
                }
            }
        }
        Ok(customers)
    }
}

/// Tests e-mail search with an existing customer. Lists all customers if search does not ignore case or that is not clear.
async fn test_search(client: &ReadClient) -> Result<Absence, RemoteError> {
    let query = ListQuery {
        limit: 100,
        offset: 0,
        sort: Some(SortField::FirstSeen),
        order: SortOrder::Ascending,
    };
    let page = client.list(&query).await.result?;
    for customer in &page.customers {
        match swapped_case_test(client, customer).await? {
            EmailCase::Ignored => return Ok(Absence::Reliable),
            EmailCase::Matters => break,
            EmailCase::Unknown => {}
        }
    }
    let file = tempfile::tempfile().map_err(ReadingError::from)?;
    let reading = list_all(client, Reading::new(file), &NoProgress).await?;
    Ok(Absence::Listed(Instant::now(), Box::new(reading)))
}
