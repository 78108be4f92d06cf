//! Reads the remote side for a plan, in the way that needs the fewest requests.

use std::time::Duration;

use crate::domain::RemoteCustomer;
use crate::helpcrunch::{CallError, Page, ReadClient};
use crate::plan::RemoteFacts;
use crate::plan::matching::RemoteLookup;

use super::listing::{first_page, list_rest};
use super::lookup::{EmailCase, FILTERS, WantedKeys, look_up, swapped_case_test};
use super::reading::{Reading, ReadingError};
use super::strategy::{Choice, Situation, Strategy};

/// `[remote]`.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteSettings {
    pub strategy: Strategy,
    /// Nothing is written on the strength of an older reading.
    pub recheck_after: Duration,
    /// What is known of e-mail search before anything is read.
    pub email_case: EmailCase,
}

impl Default for RemoteSettings {
    fn default() -> Self {
        Self {
            strategy: Strategy::Auto,
            recheck_after: Duration::from_secs(30 * 60),
            email_case: EmailCase::Unknown,
        }
    }
}

/// Why the remote side cannot be known.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Reading(#[from] ReadingError),
    #[error(
        "the customers cannot be listed completely: a search for a single id answers that there is more"
    )]
    Unlistable,
}

/// Told how far the reading is.
pub trait ReadProgress {
    fn read(&self, customers: u64, total: Option<u64>);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy)]
pub struct NoProgress;

impl ReadProgress for NoProgress {
    fn read(&self, _customers: u64, _total: Option<u64>) {}
}

/// Reads all customers.
///
/// # Errors
/// When a request got no usable answer, or the reading cannot be kept.
pub async fn list_all(
    client: &ReadClient,
    mut reading: Reading,
    progress: &dyn ReadProgress,
) -> Result<Reading, RemoteError> {
    let first = first_page(client).await?;
    list_rest(client, &first, &mut reading, progress).await?;
    Ok(reading)
}

/// The remote side as it was read.
#[derive(Debug)]
pub struct RemoteSide {
    pub reading: Reading,
    /// Customers of the account, where that is known.
    pub customers: Option<u64>,
    /// Which way was taken: `list` or `lookup`.
    pub way: &'static str,
    /// Whether "not found" by e-mail address means that there is none.
    pub absence_counts: bool,
    pub email_case: EmailCase,
}

impl RemoteSide {
    /// For previews and plans; `as_of` is when the reading began (RFC 3339).
    #[must_use]
    pub fn facts(&self, as_of: String) -> RemoteFacts {
        RemoteFacts {
            strategy: self.way.into(),
            customers: self.customers,
            as_of: Some(as_of),
        }
    }
}

/// Reads the remote side. `keys` are the rows' keys, as far as they were gathered.
///
/// # Errors
/// When a request got no usable answer, or the reading cannot be kept.
pub async fn read(
    client: &ReadClient,
    settings: &RemoteSettings,
    keys: &WantedKeys,
    mut reading: Reading,
    progress: &dyn ReadProgress,
) -> Result<RemoteSide, RemoteError> {
    let first = first_page(client).await?;
    let total = first
        .total
        .or_else(|| (first.customers.is_empty()).then_some(0));
    let situation = Situation {
        total,
        first_page: first.customers.len() as u64,
        filters: keys.filters(),
        filters_a_search: FILTERS as u64,
    };
    let choice = situation.cheapest();
    tracing::debug!(?situation, ?choice, "reading the remote side");
    let looks_up = match settings.strategy {
        Strategy::Auto => matches!(choice, Choice::Lookup { .. }),
        Strategy::List => false,
        Strategy::Lookup => total != Some(0) && keys.filters().is_some(),
    };
    if looks_up {
        let case = match settings.email_case {
            EmailCase::Unknown => by_keys(client, &first, keys, &mut reading, progress).await?,
            known => {
                look_up(client, keys, &mut reading, progress).await?;
                known
            }
        };
        let absence_counts = case != EmailCase::Matters || all_emails_found(keys, &reading)?;
        if absence_counts || settings.strategy == Strategy::Lookup {
            return Ok(RemoteSide {
                reading,
                customers: total,
                way: "lookup",
                absence_counts,
                email_case: case,
            });
        }
        tracing::info!("e-mail search does not ignore case: reading all customers instead");
    }
    list_rest(client, &first, &mut reading, progress).await?;
    let customers = Some(reading.len());
    Ok(RemoteSide {
        reading,
        customers,
        way: "list",
        absence_counts: true,
        email_case: EmailCase::Unknown,
    })
}

/// Looks the keys up; tells what is known of the case of e-mail search, testing it where somebody was not found.
async fn by_keys(
    client: &ReadClient,
    first: &Page,
    keys: &WantedKeys,
    reading: &mut Reading,
    progress: &dyn ReadProgress,
) -> Result<EmailCase, RemoteError> {
    look_up(client, keys, reading, progress).await?;
    if all_emails_found(keys, reading)? {
        return Ok(EmailCase::Unknown);
    }
    let testable = |c: &&RemoteCustomer| {
        c.email()
            .is_some_and(|e| e.chars().any(|c| c.is_ascii_alphabetic()))
    };
    match first.customers.iter().find(testable) {
        Some(known) => swapped_case_test(client, known).await,
        None => Ok(EmailCase::Matters),
    }
}

fn all_emails_found(keys: &WantedKeys, reading: &Reading) -> Result<bool, ReadingError> {
    for email in keys.emails() {
        if reading.by_email(email)?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}
