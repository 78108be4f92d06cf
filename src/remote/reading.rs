//! A reading of the remote side: records in a file, an index in memory.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use crate::domain::{CustomValue, CustomerId, KindCounts, Known, RemoteCustomer};
use crate::helpcrunch::decode_customer;
use crate::plan::fingerprint::{Fingerprint, Fingerprinter};
use crate::plan::given_keys::KeyHash;
use crate::plan::matching::{CustomerIds, RemoteLookup};
use crate::plan::previewer::KnownNames;

use super::index::{CustomerIndex, Entry};

/// Bytes that wait in memory before they go to the file.
const BUFFER: usize = 1 << 20;
/// Distinct tag and property names that are remembered; more are no help to anybody who looks for typing errors.
const MOST_NAMES: usize = 100_000;

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
}

/// Customers as they were read. Memory holds some hundred bytes for each, the records are in a file.
#[derive(Debug)]
pub struct Reading {
    file: RefCell<File>,
    /// Records at the end that are not in the file yet, from `written` on.
    tail: Vec<u8>,
    written: u64,
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
            file: RefCell::new(file),
            tail: Vec::new(),
            written: 0,
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

    /// Whether the fingerprints prove that a customer is as its row wants it. False says nothing.
    #[must_use]
    pub fn proves(&self, id: CustomerId, row: Fingerprint) -> bool {
        let entry = self.index.get(id);
        entry.is_some_and(|entry| entry.fingerprint == Some(row))
    }

    /// What makes the fingerprints.
    #[must_use]
    pub fn fingerprinter(&self) -> Option<&Fingerprinter> {
        self.fingerprinter.as_deref()
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

    /// Adds a customer from its [`record`](Self::record).
    ///
    /// # Errors
    /// When the record is of no customer or of another, or the file cannot be written.
    pub(super) fn put_record(&mut self, id: CustomerId, record: &[u8]) -> Result<(), ReadingError> {
        let customer: RemoteCustomer = serde_json::from_slice(record)?;
        if customer.id != id {
            return Err(io::Error::other("a record is of another customer").into());
        }
        let start = self.tail.len();
        self.tail.extend_from_slice(record);
        self.index(&customer, start)
    }

    /// Takes in the record that was just added to the tail, from `start` on.
    fn index(&mut self, customer: &RemoteCustomer, start: usize) -> Result<(), ReadingError> {
        let length = u32::try_from(self.tail.len() - start).map_err(io::Error::other)?;
        let place = (self.written + start as u64, length);
        let entry = Entry::new(customer, place, self.fingerprinter.as_deref());
        learn_names(&mut self.names, customer);
        self.silent |= !customer.is_whole();
        self.enter(entry)?;
        if self.tail.len() >= BUFFER {
            self.flush()?;
        }
        Ok(())
    }

    /// Enters a customer whose names are known already.
    pub(super) fn enter(&mut self, entry: Entry) -> Result<(), ReadingError> {
        if let Some(earlier) = self.index.put(entry) {
            // Each customer counts once, with what it has now.
            let earlier = self.load(earlier)?;
            count_kinds(&mut self.names, &earlier, KindCounts::remove);
        }
        Ok(())
    }

    /// Records whether answers left out tags or properties of their customers.
    pub(super) fn add_silent(&mut self, is_silent: bool) {
        self.silent |= is_silent;
    }

    /// Takes over the names that were learned elsewhere.
    pub(super) fn take_names(&mut self, names: KnownNames) {
        for tag in names.tags {
            if self.names.tags.len() < MOST_NAMES {
                self.names.tags.insert(tag);
            }
        }
        for (name, counts) in names.properties {
            let is_known = self.names.properties.contains_key(&name);
            if is_known || self.names.properties.len() < MOST_NAMES {
                self.names.properties.entry(name).or_default().join(counts);
            }
        }
    }

    fn flush(&mut self) -> Result<(), ReadingError> {
        if self.is_export {
            return Ok(());
        }
        let mut file = self.file.borrow_mut();
        file.seek(SeekFrom::Start(self.written))?;
        file.write_all(&self.tail)?;
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

    #[must_use]
    pub fn contains(&self, id: CustomerId) -> bool {
        self.index.get(id).is_some()
    }

    /// Ids in ascending order.
    #[must_use]
    pub fn ids(&self) -> Vec<CustomerId> {
        let mut ids: Vec<_> = self.index.ids().collect();
        ids.sort_unstable();
        ids
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

    /// The same with nobody in it.
    #[must_use]
    pub(super) fn emptied(self) -> Self {
        Self {
            fingerprinter: self.fingerprinter,
            ..Self::new(self.file.into_inner())
        }
    }

    /// The customer as it is kept here.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn record(&self, id: CustomerId) -> Result<Option<Vec<u8>>, ReadingError> {
        let entry = self.index.get(id);
        entry.map(|entry| self.bytes(*entry)).transpose()
    }

    fn bytes(&self, entry: Entry) -> Result<Vec<u8>, ReadingError> {
        let length = entry.length as usize;
        if entry.offset >= self.written {
            let start = usize::try_from(entry.offset - self.written).map_err(io::Error::other)?;
            let bytes = self.tail.get(start..start + length).unwrap_or_default();
            return Ok(bytes.to_vec());
        }
        let mut bytes = vec![0; length];
        let mut file = self.file.borrow_mut();
        file.seek(SeekFrom::Start(entry.offset))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn load(&self, entry: Entry) -> Result<RemoteCustomer, ReadingError> {
        let bytes = self.bytes(entry)?;
        match self.is_export && entry.offset < self.written {
            true => decode_customer(&bytes).map_err(|_| ReadingError::Changed),
            false => Ok(serde_json::from_slice(&bytes)?),
        }
    }
}

/// Takes note of the names of a customer's tags and properties, and of the kinds of its values.
pub(super) fn learn_names(names: &mut KnownNames, customer: &RemoteCustomer) {
    if let Known::Is(tags) = &customer.tags {
        for tag in tags {
            if !names.tags.contains(&tag.name) && names.tags.len() < MOST_NAMES {
                names.tags.insert(tag.name.clone());
            }
        }
    }
    count_kinds(names, customer, KindCounts::add);
}

fn count_kinds(
    names: &mut KnownNames,
    customer: &RemoteCustomer,
    count: fn(&mut KindCounts, &CustomValue),
) {
    let Known::Is(properties) = &customer.custom_data else {
        return;
    };
    let known = &mut names.properties;
    for (name, value) in properties {
        if !known.contains_key(name) && known.len() < MOST_NAMES {
            known.insert(name.clone(), KindCounts::default());
        }
        if let Some(counts) = known.get_mut(name) {
            count(counts, value);
        }
    }
}

impl RemoteLookup for Reading {
    type Error = ReadingError;

    fn by_user_id(&self, user_id: KeyHash) -> Result<CustomerIds, ReadingError> {
        Ok(self.index.by_user_id(user_id))
    }

    fn by_email(&self, email: KeyHash) -> Result<CustomerIds, ReadingError> {
        Ok(self.index.by_email(email))
    }

    fn customer(&self, id: CustomerId) -> Result<Option<RemoteCustomer>, ReadingError> {
        if self.is_unread {
            return Ok(Some(RemoteCustomer::unknown(id)));
        }
        let Some(entry) = self.index.get(id) else {
            return Ok(None);
        };
        let customer = self.load(*entry)?;
        match customer.id == id {
            true => Ok(Some(customer)),
            false => Err(ReadingError::Changed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Field, Value};

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
            customer.custom_data = Known::Is([("vip".to_owned(), value)].into());
            reading.put(&customer).unwrap();
        }
        let kind = reading.names().kind_of("vip");
        assert_eq!(kind, Some(crate::domain::PropertyKind::Text));
    }
}
