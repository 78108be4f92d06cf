//! A reading of the remote side: records in a file, an index in memory.

mod lookup;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::Arc;

use crate::domain::{CustomerId, KindCounts, RemoteCustomer};
use crate::helpcrunch::decode_customer;
use crate::plan::fingerprint::Fingerprinter;
use crate::plan::previewer::KnownNames;
use crate::platform::read_from;

use super::decoded::{DecodedCustomers, count_kinds, join_names, learn_names};
use super::index::{CustomerIndex, Entry, Place};
use super::memory_limit::MemoryLimit;
use super::snapshot::{SnapshotError, StoredBlocks};

/// Bytes that wait in memory before they go to the file.
const BUFFER: usize = 1 << 20;

/// Why a reading cannot be kept or consulted.
#[derive(Debug, thiserror::Error)]
pub enum ReadingError {
    #[error("the reading of the remote side could not be kept on disk")]
    Storage(#[from] io::Error),
    #[error("the reading of the remote side is damaged")]
    Damaged(#[from] serde_json::Error),
    #[error(
        "the export was changed while it was read; run the command again once it is no longer written to"
    )]
    Changed,
    #[error(transparent)]
    Snapshot(#[from] Box<SnapshotError>),
}

/// Customers as they were read. Memory holds some hundred bytes for each, the records are in a file.
#[derive(Debug)]
pub struct Reading {
    file: File,
    /// Records at the end that are not in the file yet, from `written` on.
    tail: Vec<u8>,
    written: u64,
    /// Records that stay in a snapshot.
    stored: Option<Arc<StoredBlocks>>,
    index: CustomerIndex,
    /// Some customer's answer left out its tags or properties.
    silent: bool,
    /// Nothing was read, so that any id may exist.
    is_unread: bool,
    names: KnownNames,
    fingerprinter: Option<Arc<Fingerprinter>>,
    /// The file is an export: customers as the API answers them, and nothing is written to it.
    is_export: bool,
}

impl Reading {
    /// An empty reading whose records go to the file, which is overwritten.
    #[must_use]
    pub fn new(file: File) -> Self {
        Self {
            file,
            tail: Vec::new(),
            written: 0,
            stored: None,
            index: CustomerIndex::default(),
            silent: false,
            is_unread: false,
            names: KnownNames::default(),
            fingerprinter: None,
            is_export: false,
        }
    }

    /// An empty reading of an export of `bytes` bytes. What is added afterwards stays in memory.
    pub(super) fn of_export(file: File, bytes: u64) -> Self {
        Self {
            written: bytes,
            is_export: true,
            ..Self::new(file)
        }
    }

    /// The same with a fingerprint of each customer that is added from now on.
    #[must_use]
    pub fn with_fingerprints(self, fingerprinter: Arc<Fingerprinter>) -> Self {
        Self {
            fingerprinter: Some(fingerprinter),
            ..self
        }
    }

    /// The same with a limit for the index; the rest of it goes to files. Nothing was added yet.
    #[must_use]
    pub fn with_memory_limit(mut self, limit: Option<MemoryLimit>) -> Self {
        if let Some(limit) = limit {
            self.index.limit(limit);
        }
        self
    }

    /// What makes the fingerprints, where they are made.
    pub(super) fn fingerprinter(&self) -> Option<&Arc<Fingerprinter>> {
        self.fingerprinter.as_ref()
    }

    /// Uses the fingerprints that a snapshot has, if they are of the same attributes. Nothing was added yet.
    pub(super) fn share_fingerprints(&mut self, stored: &Arc<Fingerprinter>) {
        let own = self.fingerprinter.as_mut();
        if let Some(own) = own.filter(|own| own.managed() == stored.managed()) {
            *own = Arc::clone(stored);
        }
    }

    /// Sets where records are that stay in a snapshot.
    pub(super) fn keep_stored(&mut self, stored: Arc<StoredBlocks>) {
        self.stored = Some(stored);
    }

    /// What makes the fingerprints, and the customers that have them.
    #[must_use]
    pub fn fingerprints(&self) -> Option<(&Fingerprinter, &CustomerIndex)> {
        Some((self.fingerprinter.as_deref()?, &self.index))
    }

    /// Stands for an account that is not asked: any id is taken to exist, and no other key to be known. The file stays
    /// empty.
    #[must_use]
    pub fn unread(file: File) -> Self {
        Self {
            is_unread: true,
            ..Self::new(file)
        }
    }

    /// Adds a customer, or takes the place of an earlier record of it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put(&mut self, customer: &RemoteCustomer) -> Result<(), ReadingError> {
        let start = self.tail.len();
        serde_json::to_writer(&mut self.tail, customer)?;
        self.index(customer, start)
    }

    /// Adds customers that were decoded apart and whose records stay where they are.
    ///
    /// # Errors
    /// When an earlier record of one cannot be read.
    pub(super) fn put_all(&mut self, decoded: DecodedCustomers) -> Result<(), ReadingError> {
        join_names(&mut self.names, decoded.names);
        self.silent |= decoded.is_silent;
        for earlier in self.index.put_all(&decoded.entries)? {
            self.forget_values(earlier)?;
        }
        Ok(())
    }

    /// Takes in the record that was just added to the tail, from `start` on.
    fn index(&mut self, customer: &RemoteCustomer, start: usize) -> Result<(), ReadingError> {
        let length = u32::try_from(self.tail.len() - start).map_err(io::Error::other)?;
        let offset = self.written + start as u64;
        let place = Place::File { offset, length };
        let entry = Entry::new(customer, place, self.fingerprinter.as_deref());
        learn_names(&mut self.names, customer);
        self.silent |= !customer.is_complete();
        if let Some(earlier) = self.index.put(entry)? {
            self.forget_values(earlier)?;
        }
        if self.tail.len() >= BUFFER {
            self.flush()?;
        }
        Ok(())
    }

    /// Makes room for as many more customers.
    pub(super) fn reserve(&mut self, customers: usize) -> Result<(), ReadingError> {
        Ok(self.index.reserve(customers)?)
    }

    /// Takes back what was counted of a record that another one replaced: each customer counts once, with what it has now.
    fn forget_values(&mut self, earlier: Entry) -> Result<(), ReadingError> {
        let earlier = self.load(earlier)?;
        count_kinds(&mut self.names, &earlier, KindCounts::remove);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ReadingError> {
        if self.is_export {
            return Ok(());
        }
        self.file.seek(SeekFrom::Start(self.written))?;
        self.file.write_all(&self.tail)?;
        self.written += self.tail.len() as u64;
        self.tail.clear();
        Ok(())
    }

    /// Number of distinct customers.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.index.len() as u64
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// # Errors
    /// When the index cannot be read.
    pub fn contains(&self, id: CustomerId) -> Result<bool, ReadingError> {
        Ok(self.index.place(id)?.is_some())
    }

    /// Ids in ascending order.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn ids(&self) -> Result<Vec<CustomerId>, ReadingError> {
        let mut ids = self.index.ids().collect::<io::Result<Vec<_>>>()?;
        ids.sort_unstable();
        Ok(ids)
    }

    /// Returns up to `max` of the lowest ids.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn lowest_ids(&self, max: usize) -> Result<BTreeSet<CustomerId>, ReadingError> {
        let mut lowest = BTreeSet::new();
        for id in self.index.ids() {
            let id = id?;
            if lowest.len() < max || lowest.last().is_some_and(|last| id < *last) {
                lowest.insert(id);
            }
            if lowest.len() > max {
                lowest.pop_last();
            }
        }
        Ok(lowest)
    }

    /// Whether some answer left out the tags or properties of its customer.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.silent
    }

    /// Names of the tags and properties that the customers have.
    #[must_use]
    pub fn names(&self) -> &KnownNames {
        &self.names
    }

    /// The same without customers.
    #[must_use]
    pub(super) fn emptied(self) -> Self {
        Self {
            index: self.index.emptied(),
            fingerprinter: self.fingerprinter,
            ..Self::new(self.file)
        }
    }

    /// The customer as it is kept here.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn record(&self, id: CustomerId) -> Result<Option<Vec<u8>>, ReadingError> {
        let entry = self.index.get(id)?;
        entry.map(|entry| self.bytes(entry)).transpose()
    }

    fn bytes(&self, entry: Entry) -> Result<Vec<u8>, ReadingError> {
        let (offset, length) = match (entry.place, &self.stored) {
            (Place::File { offset, length }, _) => (offset, length as usize),
            (Place::Stored(number), Some(stored)) => {
                return stored
                    .record(entry.id, number)
                    .map_err(|error| Box::new(error).into());
            }
            (Place::Stored(_), None) => return Err(ReadingError::Changed),
        };
        if offset >= self.written {
            let start = usize::try_from(offset - self.written).map_err(io::Error::other)?;
            let bytes = self.tail.get(start..start + length).unwrap_or_default();
            return Ok(bytes.to_vec());
        }
        let mut bytes = vec![0; length];
        match read_from(&self.file, offset, &mut bytes)? {
            read if read == length => Ok(bytes),
            _ => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        }
    }

    fn load(&self, entry: Entry) -> Result<RemoteCustomer, ReadingError> {
        let bytes = self.bytes(entry)?;
        match entry.place {
            Place::File { offset, .. } if self.is_export && offset < self.written => {
                decode_customer(&bytes).map_err(|_| ReadingError::Changed)
            }
            Place::File { .. } | Place::Stored(_) => Ok(serde_json::from_slice(&bytes)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CustomValue, Field, Reported, Value};
    use crate::plan::matching::RemoteLookup as _;

    fn person(id: u64, user_id: &str, email: &str) -> RemoteCustomer {
        let mut customer = RemoteCustomer::unknown(CustomerId(id));
        customer.set_field(Field::UserId, Some(Value::Text(user_id.into())));
        customer.set_field(Field::Email, Some(Value::Text(email.into())));
        customer
    }

    #[test]
    fn of_an_account_that_is_not_asked_any_id_may_exist() {
        let reading = Reading::unread(tempfile::tempfile().unwrap());
        let customer = reading.customer(CustomerId(7)).unwrap();
        assert_eq!(customer, Some(RemoteCustomer::unknown(CustomerId(7))));
        assert!(reading.with_user_id("u7").unwrap().is_empty());
        assert!(reading.with_email("u7@x.org").unwrap().is_empty());
    }

    #[test]
    fn customers_are_found_by_each_key_in_memory_and_on_disk() {
        let mut reading = Reading::new(tempfile::tempfile().unwrap());
        for id in 1..=20_000 {
            reading
                .put(&person(
                    id,
                    &format!("u{id}"),
                    &format!("U{}@x.org", id / 2),
                ))
                .unwrap();
        }
        assert!(reading.written > 0 && !reading.tail.is_empty());
        for id in [1, 2, 9_999, 20_000] {
            let customer = reading.customer(CustomerId(id)).unwrap().unwrap();
            assert_eq!(
                customer,
                person(id, &format!("u{id}"), &format!("U{}@x.org", id / 2))
            );
            assert_eq!(
                reading.with_user_id(&format!("u{id}")).unwrap().as_slice(),
                [CustomerId(id)]
            );
        }
        assert_eq!(
            reading.with_email("u7@X.org").unwrap().as_slice(),
            [CustomerId(14), CustomerId(15)]
        );
        assert_eq!(reading.with_user_id("U1").unwrap().as_slice(), []);
    }

    #[test]
    fn a_later_record_takes_the_place_of_an_earlier_one() {
        let mut reading = Reading::new(tempfile::tempfile().unwrap());
        reading.put(&person(1, "a", "a@x")).unwrap();
        reading.put(&person(1, "b", "b@x")).unwrap();
        assert_eq!(reading.len(), 1);
        assert_eq!(reading.with_user_id("a").unwrap().as_slice(), []);
        assert_eq!(
            reading.with_user_id("b").unwrap().as_slice(),
            [CustomerId(1)]
        );
        assert_eq!(reading.with_email("a@x").unwrap().as_slice(), []);
        let mut customer = person(1, "b", "b@x");
        for value in [CustomValue::Bool(true), CustomValue::Text("x".into())] {
            customer.custom_data = Reported::Value([("vip".to_owned(), value)].into());
            reading.put(&customer).unwrap();
        }
        let kind = reading.names().kind_of("vip");
        assert_eq!(kind, Some(crate::domain::PropertyKind::Text));
    }
}
