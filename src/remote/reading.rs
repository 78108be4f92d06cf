//! A reading of the remote side: records in a file, an index in memory.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::hash::Hasher;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use foldhash::fast::RandomState;
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::domain::{
    CustomValue, CustomerId, DesiredCustomer, KindCounts, Known, RemoteCustomer, fold_email,
};
use crate::helpcrunch::decode_customer;
use crate::plan::fingerprint::{Fingerprint, Fingerprinter};
use crate::plan::matching::RemoteLookup;
use crate::plan::previewer::KnownNames;

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

#[derive(Debug, Clone, Copy)]
struct Slot {
    offset: u64,
    length: u32,
    fingerprint: Option<Fingerprint>,
}

/// Customers by hash of a key; nearly always one.
#[derive(Debug, Default)]
struct KeyIndex {
    one: HashMap<u128, CustomerId, RandomState>,
    further: HashMap<u128, Vec<CustomerId>, RandomState>,
}

impl KeyIndex {
    fn add(&mut self, hash: u128, id: CustomerId) {
        let first = *self.one.entry(hash).or_insert(id);
        if first != id {
            let further = self.further.entry(hash).or_default();
            if !further.contains(&id) {
                further.push(id);
            }
        }
    }

    fn find(&self, key: &str) -> Vec<CustomerId> {
        let hash = hash(key);
        let further = self.further.get(&hash).into_iter().flatten();
        self.one
            .get(&hash)
            .into_iter()
            .chain(further)
            .copied()
            .collect()
    }
}

fn hash(text: &str) -> u128 {
    let mut hasher = SipHasher13::new();
    hasher.write(text.as_bytes());
    hasher.finish128().as_u128()
}

/// Customers as they were read. Memory holds some hundred bytes for each, the records are in a file.
#[derive(Debug)]
pub struct Reading {
    file: RefCell<File>,
    /// Records at the end that are not in the file yet, from `written` on.
    tail: Vec<u8>,
    written: u64,
    slots: HashMap<CustomerId, Slot, RandomState>,
    user_ids: KeyIndex,
    emails: KeyIndex,
    /// Some customer was read twice, so that the key indexes may name it by keys that it had before.
    replaced: bool,
    /// Some customer's answer left out its tags or properties.
    silent: bool,
    /// Nothing was read, so that any id may exist.
    is_unread: bool,
    names: KnownNames,
    fingerprinter: Option<Arc<Fingerprinter>>,
    /// The file is an export: customers as the API answers them, and nothing is written to it.
    is_export: bool,
}

/// What the indexes hold of a customer, made wherever the customer is decoded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    id: CustomerId,
    user_id: Option<u128>,
    email: Option<u128>,
    is_silent: bool,
    fingerprint: Option<Fingerprint>,
}

impl Entry {
    pub(super) fn of(customer: &RemoteCustomer, fingerprinter: Option<&Fingerprinter>) -> Self {
        Self {
            id: customer.id,
            user_id: customer.user_id().map(hash),
            email: customer.email().map(|email| hash(&fold_email(email))),
            is_silent: !customer.is_whole(),
            fingerprint: fingerprinter.and_then(|prints| prints.of_customer(customer)),
        }
    }
}

impl Reading {
    /// An empty reading whose records go to the file, which is overwritten.
    #[must_use]
    pub fn new(file: File) -> Self {
        Self {
            file: RefCell::new(file),
            tail: Vec::new(),
            written: 0,
            slots: HashMap::default(),
            user_ids: KeyIndex::default(),
            emails: KeyIndex::default(),
            replaced: false,
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
    pub fn proves(&self, id: CustomerId, desired: &DesiredCustomer) -> bool {
        let theirs = self.slots.get(&id).and_then(|slot| slot.fingerprint);
        let wanted = self.fingerprinter.as_ref();
        theirs.is_some() && wanted.and_then(|prints| prints.of_row(desired)) == theirs
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
        let entry = Entry::of(customer, self.fingerprinter.as_deref());
        learn_names(&mut self.names, customer);
        self.enter(entry, place)?;
        if self.tail.len() >= BUFFER {
            self.flush()?;
        }
        Ok(())
    }

    /// Enters a customer whose record stands at an offset, with a length, and whose names are known already.
    pub(super) fn enter(
        &mut self,
        entry: Entry,
        (offset, length): (u64, u32),
    ) -> Result<(), ReadingError> {
        self.silent |= entry.is_silent;
        let slot = Slot {
            offset,
            length,
            fingerprint: entry.fingerprint,
        };
        if let Some(earlier) = self.slots.insert(entry.id, slot) {
            // Each customer counts once, with what it has now.
            let earlier = self.load(earlier)?;
            count_kinds(&mut self.names, &earlier, KindCounts::remove);
            self.replaced = true;
        }
        if let Some(user_id) = entry.user_id {
            self.user_ids.add(user_id, entry.id);
        }
        if let Some(email) = entry.email {
            self.emails.add(email, entry.id);
        }
        Ok(())
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
        self.slots.len() as u64
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    #[must_use]
    pub fn contains(&self, id: CustomerId) -> bool {
        self.slots.contains_key(&id)
    }

    /// Ids in ascending order.
    #[must_use]
    pub fn ids(&self) -> Vec<CustomerId> {
        let mut ids: Vec<_> = self.slots.keys().copied().collect();
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
        let slot = self.slots.get(&id);
        slot.map(|slot| self.bytes(*slot)).transpose()
    }

    fn bytes(&self, slot: Slot) -> Result<Vec<u8>, ReadingError> {
        let length = slot.length as usize;
        if slot.offset >= self.written {
            let start = usize::try_from(slot.offset - self.written).map_err(io::Error::other)?;
            let bytes = self.tail.get(start..start + length).unwrap_or_default();
            return Ok(bytes.to_vec());
        }
        let mut bytes = vec![0; length];
        let mut file = self.file.borrow_mut();
        file.seek(SeekFrom::Start(slot.offset))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn load(&self, slot: Slot) -> Result<RemoteCustomer, ReadingError> {
        let bytes = self.bytes(slot)?;
        match self.is_export && slot.offset < self.written {
            true => decode_customer(&bytes).map_err(|_| ReadingError::Changed),
            false => Ok(serde_json::from_slice(&bytes)?),
        }
    }

    /// The customer of this id, as its slot has it.
    fn load_of(&self, id: CustomerId, slot: Slot) -> Result<RemoteCustomer, ReadingError> {
        let customer = self.load(slot)?;
        match customer.id == id {
            true => Ok(customer),
            false => Err(ReadingError::Changed),
        }
    }

    /// The ids whose latest record really has the key.
    fn current(
        &self,
        ids: Vec<CustomerId>,
        has: impl Fn(&RemoteCustomer) -> bool,
    ) -> Result<Vec<CustomerId>, ReadingError> {
        if !self.replaced {
            return Ok(ids);
        }
        let mut current = Vec::new();
        for id in ids {
            if self.customer(id)?.is_some_and(|c| has(&c)) {
                current.push(id);
            }
        }
        Ok(current)
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

    fn by_user_id(&self, user_id: &str) -> Result<Vec<CustomerId>, ReadingError> {
        self.current(self.user_ids.find(user_id), |c| {
            c.user_id() == Some(user_id)
        })
    }

    fn by_email(&self, email: &str) -> Result<Vec<CustomerId>, ReadingError> {
        let folded = fold_email(email);
        self.current(self.emails.find(&folded), |c| {
            c.email().map(fold_email).as_deref() == Some(folded.as_str())
        })
    }

    fn customer(&self, id: CustomerId) -> Result<Option<RemoteCustomer>, ReadingError> {
        if self.is_unread {
            return Ok(Some(RemoteCustomer::unknown(id)));
        }
        let slot = self.slots.get(&id);
        slot.map(|slot| self.load_of(id, *slot)).transpose()
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
        assert!(reading.by_user_id("u7").unwrap().is_empty());
        assert!(reading.by_email("u7@x.org").unwrap().is_empty());
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
                reading.by_user_id(&format!("u{id}")).unwrap(),
                [CustomerId(id)]
            );
        }
        assert_eq!(
            reading.by_email("u7@X.org").unwrap(),
            [CustomerId(14), CustomerId(15)]
        );
        assert_eq!(reading.by_user_id("U1").unwrap(), []);
    }

    #[test]
    fn a_later_record_takes_the_place_of_an_earlier_one() {
        let mut reading = Reading::new(tempfile::tempfile().unwrap());
        reading.put(&person(1, "a", "a@x")).unwrap();
        reading.put(&person(1, "b", "b@x")).unwrap();
        assert_eq!(reading.len(), 1);
        assert_eq!(reading.by_user_id("a").unwrap(), []);
        assert_eq!(reading.by_user_id("b").unwrap(), [CustomerId(1)]);
        assert_eq!(reading.by_email("a@x").unwrap(), []);
        let mut customer = person(1, "b", "b@x");
        for value in [CustomValue::Bool(true), CustomValue::Text("x".into())] {
            customer.custom_data = Known::Is([("vip".to_owned(), value)].into());
            reading.put(&customer).unwrap();
        }
        let kind = reading.names().kind_of("vip");
        assert_eq!(kind, Some(crate::domain::PropertyKind::Text));
    }
}
