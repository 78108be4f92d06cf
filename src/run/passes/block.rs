//! A block of rows: mapped, and proved unchanged where that is possible.

use std::sync::Arc;

use crate::domain::{CustomerId, Position, RemoteCustomer, Row, RowKey, RowNumber};
use crate::mapping::{MappedRow, Schema, UnitSurvey};
use crate::plan::fingerprint::{Fingerprint, Fingerprinter};
use crate::plan::key_hash::KeyHashes;
use crate::plan::matching::CustomerPlace;
use crate::remote::{CustomerIndex, Reading};
use crate::run::intake::{MappingFigures, map_record, record_of};
use crate::run::rows::{RowRecord, Verdict};
use crate::source::Record;

/// What proves that a row's customer is as the row wants it.
#[derive(Debug, Clone, Copy)]
pub(in crate::run) struct Proofs<'a> {
    pub(in crate::run) reading: &'a Reading,
    pub(in crate::run) fingerprinter: &'a Fingerprinter,
    pub(in crate::run) customers: &'a CustomerIndex,
    /// Whether a complete list of tags takes other tags from the customer.
    pub(in crate::run) exact_tags: bool,
    /// Whether a record of each row is written, which has its key.
    pub(in crate::run) keeps_keys: bool,
}

/// A row that was mapped, and perhaps compared.
#[derive(Debug)]
pub(in crate::run) enum PassedRow {
    /// With the customer that it was compared with.
    Read(Box<RowRecord>, Option<Box<RemoteCustomer>>),
    /// Nothing of what it wants is kept: it is mapped again where that is needed after all.
    Proved(ProvedRow),
}

/// A row whose keys find one customer, who is as the row wants it.
#[derive(Debug)]
pub(in crate::run) struct ProvedRow {
    pub(in crate::run) customer: CustomerId,
    pub(in crate::run) place: CustomerPlace,
    pub(in crate::run) keys: KeyHashes,
    /// Where keys are kept.
    key: Option<Box<RowKey>>,
    row: Row,
}

impl PassedRow {
    /// `schema`: that of its block.
    pub(in crate::run) fn into_record(
        self,
        schema: &Schema,
    ) -> (RowRecord, Option<Box<RemoteCustomer>>) {
        match self {
            Self::Read(record, compared) => (*record, compared),
            Self::Proved(proved) => {
                let mapped = schema.map(&proved.row).into_owned();
                (record_of(proved.row, mapped).0, None)
            }
        }
    }
}

impl ProvedRow {
    pub(in crate::run) fn row(&self) -> RowNumber {
        self.row.position.row
    }

    pub(in crate::run) fn position(&self) -> Position {
        self.row.position
    }

    /// The record of the row, where keys are kept.
    pub(in crate::run) fn unchanged_record(&self) -> Option<RowRecord> {
        let key = self.key.as_deref()?.clone();
        Some(RowRecord {
            key,
            verdict: Verdict::Unchanged,
            customer_id: Some(self.customer),
            ..RowRecord::at(self.row.position)
        })
    }
}

/// Records, and the schema to map them by.
pub(in crate::run) struct Block {
    pub(in crate::run) records: Vec<Record>,
    pub(in crate::run) schema: Arc<Schema>,
}

pub(super) struct MappedBlock {
    pub(super) rows: Vec<PassedRow>,
    pub(super) schema: Arc<Schema>,
    pub(super) figures: MappingFigures,
    pub(super) units: UnitSurvey,
}

/// Rows that are mapped before their customers are looked for: enough for the processor to fetch several customers at once,
/// and few enough for what the rows want to stay in its cache.
const AT_ONCE: usize = 32;

pub(super) fn map_block(
    Block { records, schema }: Block,
    proofs: Option<Proofs<'_>>,
) -> MappedBlock {
    let mut figures = MappingFigures::default();
    let mut units = UnitSurvey::default();
    let mut outcomes = Vec::with_capacity(records.len());
    for records in records.chunks(AT_ONCE) {
        // What a row wants is borrowed from it, until it is known whether anything has to be done for it.
        let mapped = records.iter().map(|record| {
            let row = record.row()?;
            if schema.has_provisional_units() {
                units.see(&schema, row);
            }
            let mapped = schema.map(row);
            figures.see(&mapped);
            Some(mapped)
        });
        let mapped: Vec<_> = mapped.collect();
        let compared = compared(&mapped, proofs);
        let keeps_keys = proofs.is_some_and(|proofs| proofs.keeps_keys);
        let pairs = mapped.into_iter().zip(compared);
        outcomes.extend(pairs.map(|(mapped, compared)| match (mapped?, compared) {
            (mapped, Compared::Same(keys, place, customer)) => {
                let desired = mapped.desired.filter(|_| keeps_keys);
                let key = desired.map(|desired| Box::new(desired.key.into_owned()));
                Some(Outcome::Proved(keys, place, customer, key))
            }
            (mapped, Compared::Different(customer)) => {
                Some(Outcome::Read(Box::new(mapped.into_owned()), Some(customer)))
            }
            (mapped, Compared::Unknown) => Some(Outcome::Read(Box::new(mapped.into_owned()), None)),
        }));
    }
    let rows = records.into_iter().zip(outcomes);
    let rows = rows.map(|(record, outcome)| match (record, outcome) {
        (Record::Row(row), Some(Outcome::Proved(keys, place, customer, key))) => {
            PassedRow::Proved(ProvedRow {
                customer,
                place,
                keys,
                key,
                row,
            })
        }
        (Record::Row(row), Some(Outcome::Read(mapped, customer))) => {
            PassedRow::Read(Box::new(record_of(row, *mapped).0), customer)
        }
        (record, _) => {
            let (record, _) = map_record(record, &schema, &mut MappingFigures::default());
            PassedRow::Read(Box::new(record), None)
        }
    });
    MappedBlock {
        rows: rows.collect(),
        schema: Arc::clone(&schema),
        figures,
        units,
    }
}

/// What becomes of a row that can be mapped.
enum Outcome {
    Proved(KeyHashes, CustomerPlace, CustomerId, Option<Box<RowKey>>),
    /// With the customer that it was compared with.
    Read(Box<MappedRow>, Option<Box<RemoteCustomer>>),
}

/// The keys of the good rows of a block.
pub(super) fn map_keys(Block { records, schema }: Block) -> (Vec<RowKey>, UnitSurvey) {
    let mut units = UnitSurvey::default();
    let keys = records.iter().filter_map(|record| {
        let row = record.row()?;
        if schema.has_provisional_units() {
            units.see(&schema, row);
        }
        Some(schema.map(row).desired?.key.into_owned())
    });
    (keys.collect(), units)
}

/// How a row and its customer compare.
enum Compared {
    /// It is not known which customer it is, or not needed.
    Unknown,
    Same(KeyHashes, CustomerPlace, CustomerId),
    /// At least the fingerprints differ.
    Different(Box<RemoteCustomer>),
}

/// Compares the rows of a block with the customers that their keys find. Where a customer's fingerprint differs from that
/// of its row, only what the row mentions counts.
fn compared<T: AsRef<str>>(
    mapped: &[Option<MappedRow<T>>],
    proofs: Option<Proofs<'_>>,
) -> Vec<Compared> {
    let Some(proofs) = proofs else {
        return mapped.iter().map(|_| Compared::Unknown).collect();
    };
    let print_of = |mapped: &MappedRow<T>| -> Option<(KeyHashes, Fingerprint)> {
        let desired = mapped.desired.as_ref()?;
        // Values that are left out are reported with the row, and an id is looked for in another way.
        let is_plain = mapped.left_out.is_empty() && desired.key.id.is_none();
        let print = proofs.fingerprinter.of_row(desired).filter(|_| is_plain)?;
        Some((KeyHashes::of(&desired.key), print))
    };
    let prints: Vec<_> = mapped.iter().map(|row| print_of(row.as_ref()?)).collect();
    // Each step by itself, since the processor then fetches what it needs for several rows at once.
    let places = prints
        .iter()
        .map(|prints| proofs.customers.only(prints.as_ref()?.0));
    let places: Vec<_> = places.collect();
    let found = prints.into_iter().zip(places).map(|(prints, place)| {
        let ((keys, print), place) = (prints?, place?);
        let (id, of_customer) = proofs.customers.only_at(place, keys)?;
        Some((keys, print, (place, id, of_customer)))
    });
    let found: Vec<_> = found.collect();
    let compared = mapped.iter().zip(found).map(|(mapped, found)| {
        let desired = mapped.as_ref()?.desired.as_ref()?;
        let (keys, print, (place, id, of_customer)) = found?;
        // Its e-mail address is part of the fingerprint.
        if of_customer == Some(print) {
            return Some(Compared::Same(keys, place, id));
        }
        // If it cannot be read, planning the row says so.
        let customer = proofs.reading.customer_at(place).ok().flatten();
        let customer = customer.filter(|customer| customer.id == id)?;
        let fingerprinter = proofs.fingerprinter;
        let mentioned = fingerprinter.of_mentioned(&customer, desired, proofs.exact_tags);
        Some(match mentioned == Some(print) {
            true => Compared::Same(keys, place, id),
            false => Compared::Different(Box::new(customer)),
        })
    });
    compared
        .map(|compared| compared.unwrap_or(Compared::Unknown))
        .collect()
}
