//! What is read of the remote side for a plan, with which parameters.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::CustomerId;
use crate::helpcrunch::{CallError, CustomerPage, ReadClient};
use crate::plan::budget::ReadingAge;
use crate::plan::{Explanation, RemoteFacts};

use super::email_case::EmailCase;
use super::lookup_keys::LookupKeys;
use super::reading::{Reading, ReadingError};
use super::snapshot::SnapshotFacts;
use super::snapshot_check::UsableSnapshot;
use super::strategy::Strategy;

/// `[remote]`.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteSettings {
    pub strategy: Strategy,
    /// Customers that were read longer ago are re-read before a write.
    pub recheck_after: Duration,
    /// Maximum age of a snapshot, counted from the beginning of its complete reading.
    pub snapshot_max_age: Duration,
    /// Read all customers, even if there is a usable snapshot.
    pub refresh: bool,
    /// What is known about e-mail search before anything is read.
    pub email_case: EmailCase,
}

impl Default for RemoteSettings {
    fn default() -> Self {
        Self {
            strategy: Strategy::Auto,
            recheck_after: Duration::from_secs(30 * 60),
            snapshot_max_age: Duration::from_secs(20 * 60 * 60),
            refresh: false,
            email_case: EmailCase::Unknown,
        }
    }
}

/// Errors reading the remote side.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Reading(#[from] ReadingError),
    #[error(
        "the customers cannot be listed completely: a search for a single id answers that there are more"
    )]
    Unlistable,
    #[error(
        "a search answered with customers that it was not asked for, so its filters seem to be ignored and the customers \
         cannot be read reliably. Nothing was sent. Check that api.base_url is the HelpCrunch API itself, not a proxy or a \
         test server, then run the command again"
    )]
    FilterIgnored,
}

/// Receives progress updates while customers are read.
pub trait ReadProgress {
    fn read(&self, customers: u64, total: Option<u64>);
}

/// Ignores progress updates.
#[derive(Debug, Clone, Copy)]
pub struct NoProgress;

impl ReadProgress for NoProgress {
    fn read(&self, _customers: u64, _total: Option<u64>) {}
}

/// The remote side as it was read.
#[derive(Debug)]
pub struct RemoteSide {
    pub reading: Reading,
    /// Number of customers of the account, if known.
    pub customers: Option<u64>,
    /// How it was read: `list`, `lookup`, `snapshot` or `file`.
    pub method: &'static str,
    /// Whether an e-mail address that is not found means that no customer has it.
    pub absence_counts: bool,
    pub email_case: EmailCase,
    /// The snapshot that the reading is based on, if any.
    pub snapshot: Option<SnapshotFacts>,
    /// Customers that were read now and not taken from the snapshot.
    pub fresh: HashSet<CustomerId>,
    /// Whether searches found customers.
    pub has_found: bool,
    /// Why this method was chosen. `None` if there was no choice.
    pub explanation: Option<Explanation>,
    /// Sentences for the preview.
    pub notes: Vec<String>,
}

impl RemoteSide {
    /// A reading of all customers.
    pub(super) fn new(reading: Reading, method: &'static str) -> Self {
        Self {
            customers: Some(reading.len()),
            method,
            absence_counts: true,
            email_case: EmailCase::Unknown,
            snapshot: None,
            fresh: HashSet::new(),
            has_found: false,
            explanation: None,
            notes: Vec::new(),
            reading,
        }
    }

    /// Bases the reading on a snapshot; the customers of the first page were read now.
    pub(super) fn use_snapshot(&mut self, snapshot: &UsableSnapshot, first: &CustomerPage) {
        self.snapshot = Some(snapshot.facts);
        self.fresh.extend(first.customers.iter().map(|c| c.id));
        self.notes.extend(snapshot.note.clone());
    }

    /// A reading of an export.
    #[must_use]
    pub fn of_file(reading: Reading) -> Self {
        Self::new(reading, "file")
    }

    /// Returns the facts for previews and plans. `as_of` is the time of the oldest customer (RFC 3339).
    #[must_use]
    pub fn facts(&self, as_of: String) -> RemoteFacts {
        RemoteFacts {
            strategy: self.method.into(),
            customers: self.customers,
            as_of: Some(as_of),
        }
    }

    /// Returns how old the customers were when this reading began.
    #[must_use]
    pub fn age(&self, began: Timestamp) -> ReadingAge {
        self.snapshot.map_or_else(ReadingAge::default, |snapshot| {
            let age = Duration::try_from(began.duration_since(snapshot.as_of));
            ReadingAge::of_snapshot(age.unwrap_or_default(), self.fresh.clone())
        })
    }
}

/// Parameters for reading the remote side once the first page is known.
#[expect(missing_debug_implementations, reason = "it has a closure")]
pub struct RemoteQuery<'a> {
    pub client: &'a ReadClient,
    pub settings: &'a RemoteSettings,
    pub keys: &'a LookupKeys,
    /// Returns the rows' keys that no customer of a reading has.
    pub missing_keys: &'a mut dyn FnMut(&Reading) -> Result<LookupKeys, ReadingError>,
}
