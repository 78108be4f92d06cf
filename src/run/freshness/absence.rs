//! Whether not finding an e-mail address by search means that nobody has it, found out when a row first depends on it.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::RemoteCustomer;
use crate::helpcrunch::{ListQuery, Order, ReadClient, Sort};
use crate::plan::matching::RemoteLookup;
use crate::remote::{
    EmailCase, NoProgress, Reading, ReadingError, RemoteError, list_all, swapped_case_test,
};

/// A listing that stands in for search is made anew when it is older than this.
const LISTING_MAX_AGE: Duration = Duration::from_secs(30 * 60);

/// What is known of e-mail search.
#[derive(Debug, Default)]
pub(super) enum Absence {
    #[default]
    Untested,
    Counts,
    /// Search does not ignore case: this listing, made at that time, answers instead.
    Listed(Instant, Box<Reading>),
}

impl Absence {
    /// Customers with one of these addresses, which search did not find.
    pub(super) async fn find(
        &mut self,
        client: &ReadClient,
        emails: &[&str],
    ) -> Result<Vec<RemoteCustomer>, RemoteError> {
        let is_old = matches!(self, Self::Listed(at, _) if at.elapsed() >= LISTING_MAX_AGE);
        if is_old || matches!(self, Self::Untested) {
            *self = learn(client).await?;
        }
        let mut found = Vec::new();
        if let Self::Listed(_, reading) = self {
            for email in emails {
                for id in reading.with_email(email)? {
                    found.extend(reading.customer(id)?);
                }
            }
        }
        Ok(found)
    }
}

/// Tests e-mail search with a known customer; lists all where it does not ignore case or nobody can tell.
async fn learn(client: &ReadClient) -> Result<Absence, RemoteError> {
    let query = ListQuery {
        limit: 100,
        offset: 0,
        sort: Some(Sort::FirstSeen),
        order: Order::Ascending,
    };
    let page = client.list(&query).await.result?;
    for customer in &page.customers {
        match swapped_case_test(client, customer).await? {
            EmailCase::Ignored => return Ok(Absence::Counts),
            EmailCase::Matters => break,
            EmailCase::Unknown => {}
        }
    }
    let file = tempfile::tempfile().map_err(ReadingError::from)?;
    let reading = list_all(client, Reading::new(file), &NoProgress).await?;
    Ok(Absence::Listed(Instant::now(), Box::new(reading)))
}
