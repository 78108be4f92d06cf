//! What the snapshot knows about itself, and its format.

use std::sync::Arc;

use jiff::Timestamp;
use redb::{Database, ReadableDatabase, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use crate::plan::fingerprint::{Fingerprinter, ManagedAttributes};

use super::super::reading::ReadingError;
use super::SnapshotError;
use super::error::redb_error;
use super::header::HEADER_VERSION;

/// The format version that this program writes. See docs/formats/snapshot.md.
const FORMAT: u32 = 2;

const ABOUT: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("about");
const FACTS: &str = "facts";

/// Facts about a snapshot as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotFacts {
    /// When the complete reading began. Entries are from then or, if answers updated them, newer.
    pub as_of: Timestamp,
    /// Number of customers in it, including unsure ones.
    pub customers: u64,
}

/// The facts as they are stored.
#[derive(Serialize, Deserialize)]
struct StoredFacts {
    format: u32,
    /// RFC 3339, UTC.
    #[serde(default)]
    as_of: String,
    #[serde(default)]
    customers: u64,
    /// Number of transactions.
    #[serde(default)]
    writes: u64,
    /// What the fingerprints in the blocks' headers are made of. Without it there are no valid headers.
    #[serde(default)]
    fingerprints: Option<StoredFingerprints>,
}

#[derive(Serialize, Deserialize)]
struct StoredFingerprints {
    /// That of the headers.
    version: u32,
    seed: u64,
    #[serde(flatten)]
    managed: ManagedAttributes,
}

/// All that a snapshot knows about itself.
#[derive(Debug, Clone)]
pub(super) struct AllFacts {
    pub(super) facts: SnapshotFacts,
    /// Number of transactions.
    pub(super) writes: u64,
    /// What made the headers; `None` if they are not valid.
    pub(super) fingerprinter: Option<Arc<Fingerprinter>>,
}

pub(super) fn read_facts(database: &Database) -> Result<AllFacts, SnapshotError> {
    let transaction = database.begin_read().map_err(redb_error)?;
    let about = transaction.open_table(ABOUT).map_err(redb_error)?;
    let json = about.get(FACTS).map_err(redb_error)?;
    let json = json.ok_or(SnapshotError::Damaged("it was not finished"))?;
    let unreadable = |_| SnapshotError::Damaged("its facts cannot be read");
    let facts: StoredFacts = serde_json::from_slice(json.value()).map_err(unreadable)?;
    if facts.format > FORMAT {
        return Err(SnapshotError::Newer(facts.format));
    }
    let as_of = facts.as_of.parse();
    let as_of = as_of.map_err(|_| SnapshotError::Damaged("its time cannot be read"))?;
    let customers = facts.customers;
    let fingerprints = facts.fingerprints;
    let fingerprints = fingerprints.filter(|stored| stored.version == HEADER_VERSION);
    let fingerprinter =
        |stored: StoredFingerprints| Fingerprinter::new(stored.managed, stored.seed);
    Ok(AllFacts {
        facts: SnapshotFacts { as_of, customers },
        writes: facts.writes,
        fingerprinter: fingerprints.map(fingerprinter).map(Arc::new),
    })
}

pub(super) fn write_facts(
    transaction: &WriteTransaction,
    all: &AllFacts,
) -> Result<(), SnapshotError> {
    let fingerprints = |made_by: &Arc<Fingerprinter>| StoredFingerprints {
        version: HEADER_VERSION,
        seed: made_by.seed(),
        managed: made_by.managed().clone(),
    };
    let facts = StoredFacts {
        format: FORMAT,
        as_of: all.facts.as_of.to_string(),
        customers: all.facts.customers,
        writes: all.writes,
        fingerprints: all.fingerprinter.as_ref().map(fingerprints),
    };
    let facts = serde_json::to_vec(&facts).map_err(ReadingError::from)?;
    let mut about = transaction.open_table(ABOUT).map_err(redb_error)?;
    about.insert(FACTS, facts.as_slice()).map_err(redb_error)?;
    Ok(())
}
