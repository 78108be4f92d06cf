//! A look-up of the rows' keys, and whether "not found" can be relied on.

use crate::domain::RemoteCustomer;
use crate::helpcrunch::{CustomerPage, ReadClient};
use crate::plan::matching::RemoteLookup;

use super::email_case::{EmailCase, swapped_case_test};
use super::lookup::find_within;
use super::lookup_keys::LookupKeys;
use super::reading::{Reading, ReadingError};
use super::side::{RemoteError, RemoteSettings, RemoteSide};
use super::strategy::Strategy;

/// A look-up of the rows' keys.
pub(super) struct KeySearch<'a> {
    pub(super) client: &'a ReadClient,
    pub(super) settings: &'a RemoteSettings,
    pub(super) first: &'a CustomerPage,
    /// With more requests than this, a listing is cheaper. `None` if the strategy demands a look-up.
    pub(super) max_requests: Option<u64>,
}

impl KeySearch<'_> {
    /// Searches for the keys and determines whether absence is reliable. Returns the reason if all customers must be
    /// listed instead.
    pub(super) async fn run(
        &self,
        keys: &LookupKeys,
        side: &mut RemoteSide,
    ) -> Result<Option<&'static str>, RemoteError> {
        let mut customers = Vec::new();
        if !find_within(self.client, keys, &mut customers, self.max_requests).await? {
            return Ok(Some("searches accept fewer filters than assumed"));
        }
        side.has_found = !customers.is_empty();
        for customer in &customers {
            side.reading.put(customer)?;
            side.fresh.insert(customer.id);
        }
        let found_all = has_all_emails(&side.reading, keys)?;
        if side.email_case == EmailCase::Unknown && !found_all {
            side.email_case = self.test_email_case(&customers).await?;
        }
        side.absence_counts = found_all || side.email_case == EmailCase::Ignored;
        let may_list = self.settings.strategy != Strategy::Lookup;
        let why = match side.email_case {
            EmailCase::Unknown => "e-mail search is not known to ignore case",
            EmailCase::Ignored | EmailCase::Matters => "e-mail search does not ignore case",
        };
        Ok((!side.absence_counts && may_list).then_some(why))
    }

    /// Tests e-mail search with a customer of the first page or one that was found.
    async fn test_email_case(
        &self,
        customers: &[RemoteCustomer],
    ) -> Result<EmailCase, RemoteError> {
        let is_testable = |c: &&RemoteCustomer| {
            c.email()
                .is_some_and(|e| e.chars().any(|c| c.is_ascii_alphabetic()))
        };
        let mut all = self.first.customers.iter().chain(customers);
        match all.find(is_testable) {
            Some(customer) => swapped_case_test(self.client, customer).await,
            None => Ok(EmailCase::Unknown),
        }
    }
}

fn has_all_emails(reading: &Reading, keys: &LookupKeys) -> Result<bool, ReadingError> {
    for email in keys.emails() {
        if reading.with_email(email)?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}
