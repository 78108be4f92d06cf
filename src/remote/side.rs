//! Reads the remote side for a plan, in the way that needs the fewest requests.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::{CustomerId, RemoteCustomer};
use crate::helpcrunch::{CallError, Page, ReadClient};
use crate::plan::budget::ReadingAge;
use crate::plan::matching::RemoteLookup;
use crate::plan::{Explanation, RemoteFacts};

use super::kept::{Consulted, consult};
use super::listing::{first_page, list_rest};
use super::lookup::{EmailCase, WantedKeys, find_within, swapped_case_test};
use super::reading::{Reading, ReadingError};
use super::snapshot::{SnapshotFacts, SnapshotFiles};
use super::strategy::{Situation, Strategy, Way};

/// `[remote]`.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteSettings {
    pub strategy: Strategy,
    /// Nothing is written on the strength of an older reading.
    pub recheck_after: Duration,
    /// A complete reading that began longer ago is not used.
    pub snapshot_max_age: Duration,
    /// Whether all customers are read, whatever is known of them.
    pub refresh: bool,
    /// What is known of e-mail search before anything is read.
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
    #[error(
        "a search answered with customers that it was not asked for, so its filters seem to be ignored and the customers \
         cannot be read reliably. Nothing was sent. Check that api.base_url is the HelpCrunch API itself, not a proxy or a \
         test server, then run the command again"
    )]
    FilterIgnored,
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
    /// Which way was taken: `list`, `lookup`, `snapshot` or `file`.
    pub way: &'static str,
    /// Whether "not found" by e-mail address means that there is none.
    pub absence_counts: bool,
    pub email_case: EmailCase,
    /// The snapshot that most of the reading comes from, and who was read just now all the same.
    pub snapshot: Option<SnapshotFacts>,
    pub fresh: HashSet<CustomerId>,
    /// Between which ways was chosen; nothing where there was no choice.
    pub explanation: Option<Explanation>,
    /// What a preview should say of it, a sentence each.
    pub notes: Vec<String>,
}

impl RemoteSide {
    /// A reading that is no matter of requests.
    #[must_use]
    pub fn of_file(reading: Reading) -> Self {
        Self {
            customers: Some(reading.len()),
            way: "file",
            absence_counts: true,
            email_case: EmailCase::Unknown,
            snapshot: None,
            fresh: HashSet::new(),
            explanation: None,
            notes: Vec::new(),
            reading,
        }
    }

    /// For previews and plans; `as_of` is the time of what is oldest in it (RFC 3339).
    #[must_use]
    pub fn facts(&self, as_of: String) -> RemoteFacts {
        RemoteFacts {
            strategy: self.way.into(),
            customers: self.customers,
            as_of: Some(as_of),
        }
    }
}

impl RemoteSide {
    /// How old what is known was when this reading began.
    #[must_use]
    pub fn age(&self, began: Timestamp) -> ReadingAge {
        self.snapshot.map_or_else(ReadingAge::default, |snapshot| {
            let age = Duration::try_from(began.duration_since(snapshot.as_of));
            ReadingAge::of_snapshot(age.unwrap_or_default(), self.fresh.clone())
        })
    }
}

/// Finds the rows' keys that a reading does not know.
pub type UnknownKeys<'a> = &'a mut dyn FnMut(&Reading) -> Result<WantedKeys, ReadingError>;

/// What is to be known of the remote side, and what with.
pub struct Inquiry<'a> {
    pub client: &'a ReadClient,
    pub settings: &'a RemoteSettings,
    /// The rows' keys, as far as they were gathered.
    pub keys: &'a WantedKeys,
    pub unknown: UnknownKeys<'a>,
    /// Nothing where another process has it, or none is kept.
    pub snapshot: Option<&'a mut SnapshotFiles>,
    pub now: Timestamp,
}

impl std::fmt::Debug for Inquiry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inquiry").finish_non_exhaustive()
    }
}

/// Reads the remote side.
///
/// # Errors
/// When a request got no usable answer, or the reading cannot be kept.
pub async fn read(
    inquiry: Inquiry<'_>,
    reading: Reading,
    progress: &dyn ReadProgress,
) -> Result<RemoteSide, RemoteError> {
    let Inquiry {
        client,
        settings,
        keys,
        ..
    } = inquiry;
    let first = first_page(client).await?;
    let total = first.total.or(first.customers.is_empty().then_some(0));
    let (reading, consulted) = consult(inquiry, &first, total, reading)?;
    let situation = Situation {
        total,
        first_page: first.customers.len() as u64,
        filters: keys.filters(),
        unknown: match &consulted {
            Consulted::Usable { unknown, .. } => unknown
                .filters()
                .ok_or_else(|| "it does not know most of the rows' keys".to_owned()),
            Consulted::Out(why) => Err(why.clone()),
        },
        filters_a_search: client.most_filters(),
        tests_case: settings.email_case == EmailCase::Unknown && keys.emails().next().is_some(),
    };
    let strategy = match settings.refresh {
        true => Strategy::List,
        false => settings.strategy,
    };
    let way = situation.choose(strategy);
    tracing::debug!(?situation, ?way, "reading the remote side");
    let mut explanation = situation.explain(way);
    if let (Strategy::Snapshot, Err(why)) = (strategy, &situation.unknown) {
        tracing::info!(
            why,
            "no snapshot can be used: reading all customers, and making one"
        );
        explanation
            .notes
            .push(format!("remote.strategy asks for the snapshot, and {why}"));
    }
    let search = Searching {
        client,
        settings,
        first: &first,
        // A look-up is given up where it turns out to cost more than a listing.
        most: situation
            .price(Way::List)
            .ok()
            .filter(|_| strategy == Strategy::Auto),
    };
    let mut side = RemoteSide {
        reading,
        customers: total,
        way: way.name(),
        absence_counts: true,
        email_case: settings.email_case,
        snapshot: None,
        fresh: HashSet::new(),
        explanation: None,
        notes: Vec::new(),
    };
    let wanted = match (way, consulted) {
        (Way::List, _) => None,
        (Way::Lookup, _) => {
            side.reading = side.reading.emptied();
            Some(keys.clone())
        }
        (
            Way::Snapshot,
            Consulted::Usable {
                facts,
                unknown,
                note,
            },
        ) => {
            side.snapshot = Some(facts);
            side.fresh.extend(first.customers.iter().map(|c| c.id));
            side.notes.extend(note);
            Some(unknown)
        }
        (Way::Snapshot, Consulted::Out(_)) => None,
    };
    if let Some(wanted) = wanted {
        match search.keys(&wanted, &mut side).await? {
            None => {
                side.explanation = Some(explanation);
                return Ok(side);
            }
            Some(why) => {
                tracing::info!("{why}: reading all customers instead");
                explanation
                    .notes
                    .push(format!("{why}, so all customers were read instead"));
                explanation.taken = Way::List.name().to_owned();
            }
        }
    }
    let mut reading = side.reading.emptied();
    list_rest(client, &first, &mut reading, progress).await?;
    Ok(RemoteSide {
        customers: Some(reading.len()),
        explanation: Some(explanation),
        way: Way::List.name(),
        absence_counts: true,
        email_case: side.email_case,
        snapshot: None,
        fresh: HashSet::new(),
        notes: Vec::new(),
        reading,
    })
}

/// A look-up of keys.
struct Searching<'a> {
    client: &'a ReadClient,
    settings: &'a RemoteSettings,
    first: &'a Page,
    /// Requests that it may cost; nothing where it has to be.
    most: Option<u64>,
}

impl Searching<'_> {
    /// Looks the keys up, and learns what can be relied on. Tells why listing is the better way, where it is.
    async fn keys(
        &self,
        wanted: &WantedKeys,
        side: &mut RemoteSide,
    ) -> Result<Option<&'static str>, RemoteError> {
        let mut found = Vec::new();
        if !find_within(self.client, wanted, &mut found, self.most).await? {
            return Ok(Some("search takes fewer filters than was thought"));
        }
        for customer in &found {
            side.reading.put(customer)?;
            side.fresh.insert(customer.id);
        }
        let all_found = all_emails_found(wanted, &side.reading)?;
        if side.email_case == EmailCase::Unknown && !all_found {
            side.email_case = self.case(&found).await?;
        }
        side.absence_counts = all_found || side.email_case == EmailCase::Ignored;
        let may_list = self.settings.strategy != Strategy::Lookup;
        let why = match side.email_case {
            EmailCase::Unknown => "e-mail search is not known to ignore case",
            EmailCase::Ignored | EmailCase::Matters => "e-mail search does not ignore case",
        };
        Ok((!side.absence_counts && may_list).then_some(why))
    }

    /// Tests e-mail search with a customer who is known: of the first page, or of those that were found.
    async fn case(&self, found: &[RemoteCustomer]) -> Result<EmailCase, RemoteError> {
        let testable = |c: &&RemoteCustomer| {
            c.email()
                .is_some_and(|e| e.chars().any(|c| c.is_ascii_alphabetic()))
        };
        match self.first.customers.iter().chain(found).find(testable) {
            Some(known) => swapped_case_test(self.client, known).await,
            None => Ok(EmailCase::Unknown),
        }
    }
}

fn all_emails_found(keys: &WantedKeys, reading: &Reading) -> Result<bool, ReadingError> {
    for email in keys.emails() {
        if reading.with_email(email)?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}
