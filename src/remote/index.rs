//! What memory holds of each customer that was read: where it stands, the hashes of its keys and its fingerprint.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use smallvec::SmallVec;

use crate::domain::{CustomerId, RemoteCustomer};
use crate::plan::fingerprint::{Fingerprint, Fingerprinter};
use crate::plan::key_hash::{KeyHash, KeyHashes};
use crate::plan::matching::{CustomerIds, CustomerPlace};

/// One customer, in 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: CustomerId,
    pub(super) keys: KeyHashes,
    pub(super) place: Place,
    pub(super) fingerprint: Option<Fingerprint>,
}

/// Where a customer's record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the reading's file, or in its tail behind that.
    File { offset: u64, length: u32 },
    /// In the snapshot, with this number in its block.
    Stored(u32),
}

impl Entry {
    pub(super) fn new<T: AsRef<str> + Borrow<str> + Ord>(
        customer: &RemoteCustomer<T>,
        place: Place,
        fingerprinter: Option<&Fingerprinter>,
    ) -> Self {
        Self {
            id: customer.id,
            keys: KeyHashes {
                user_id: customer.user_id().map(KeyHash::of_user_id),
                email: customer.email().map(KeyHash::of_email),
            },
            place,
            fingerprint: fingerprinter.and_then(|prints| prints.of_customer(customer)),
        }
    }
}

/// Customers in the order in which they were first read, and tables that find them: five bytes for each key.
#[derive(Debug, Default)]
pub struct CustomerIndex {
    entries: Vec<Entry>,
    /// Needed only once an id came that is not greater than all before it, as it is in an export.
    ids: Option<HashTable<u32>>,
    /// A customer that was read again may stand under keys that it had before: what it has now decides.
    user_ids: HashTable<u32>,
    emails: HashTable<u32>,
    /// Addresses that more than one customer has, or had.
    shared_emails: HashSet<KeyHash, RandomState>,
    hashes: RandomState,
}

impl CustomerIndex {
    /// Makes room for as many more customers.
    pub(super) fn reserve(&mut self, customers: usize) {
        self.entries.reserve_exact(customers);
        let entries = &self.entries;
        let user_id_hash = |at: &u32| short_hash(entries, *at, |keys| keys.user_id);
        let email_hash = |at: &u32| short_hash(entries, *at, |keys| keys.email);
        self.user_ids.reserve(customers, user_id_hash);
        self.emails.reserve(customers, email_hash);
    }

    /// Adds a customer, or replaces what was known of it. Returns what it replaced.
    pub(super) fn put(&mut self, entry: Entry) -> Option<Entry> {
        if let Some(CustomerPlace(at)) = self.place(entry.id) {
            let slot = self.entries.get_mut(at as usize)?;
            let earlier = std::mem::replace(slot, entry);
            if earlier.keys.user_id != entry.keys.user_id {
                self.add_user_id(at, entry);
            }
            if earlier.keys.email != entry.keys.email {
                self.add_email(at, entry);
            }
            return Some(earlier);
        }
        let is_greatest = self.entries.last().is_none_or(|last| last.id < entry.id);
        if self.ids.is_none() && !is_greatest {
            self.ids = Some(HashTable::new());
            let places = 0..self.entries.len();
            places.for_each(|at| self.add_id(u32::try_from(at).unwrap_or(u32::MAX)));
        }
        // No account has more customers than this counts.
        let at = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.entries.push(entry);
        self.add_id(at);
        self.add_user_id(at, entry);
        self.add_email(at, entry);
        None
    }

    fn add_id(&mut self, at: u32) {
        let (entries, hashes) = (&self.entries, &self.hashes);
        if let Some(ids) = &mut self.ids {
            let hash = |at: &u32| id_hash(entries, *at, hashes);
            ids.insert_unique(hash(&at), at, hash);
        }
    }

    fn add_user_id(&mut self, at: u32, entry: Entry) {
        let entries = &self.entries;
        if let Some(user_id) = entry.keys.user_id {
            let short = |at: &u32| short_hash(entries, *at, |keys| keys.user_id);
            self.user_ids.insert_unique(user_id.short(), at, short);
        }
    }

    fn add_email(&mut self, at: u32, entry: Entry) {
        let entries = &self.entries;
        if let Some(email) = entry.keys.email {
            let has = |other: &u32| {
                *other != at && is_at(entries, *other, |e| e.keys.email == Some(email))
            };
            if self.emails.iter_hash(email.short()).any(has) {
                self.shared_emails.insert(email);
            }
            let short = |at: &u32| short_hash(entries, *at, |keys| keys.email);
            self.emails.insert_unique(email.short(), at, short);
        }
    }

    pub(super) fn get(&self, id: CustomerId) -> Option<&Entry> {
        self.entries.get(self.place(id)?.0 as usize)
    }

    pub(super) fn at(&self, place: CustomerPlace) -> Option<&Entry> {
        self.entries.get(place.0 as usize)
    }

    pub(super) fn place(&self, id: CustomerId) -> Option<CustomerPlace> {
        let Some(ids) = &self.ids else {
            // Usually it comes after all others.
            let last = self.entries.last().filter(|last| last.id >= id)?;
            let at = match last.id == id {
                true => self.entries.len() - 1,
                false => self
                    .entries
                    .binary_search_by_key(&id, |entry| entry.id)
                    .ok()?,
            };
            return u32::try_from(at).ok().map(CustomerPlace);
        };
        let is_it = |at: &u32| is_at(&self.entries, *at, |entry| entry.id == id);
        let at = ids.find(self.hashes.hash_one(id), is_it)?;
        Some(CustomerPlace(*at))
    }

    /// The only customer that the userId of a row finds, or its e-mail address if it has no userId, with the customer's
    /// fingerprint. Returns `None` wherever anything is unusual, which says nothing. The row may have another e-mail address.
    #[must_use]
    pub fn only(
        &self,
        keys: KeyHashes,
    ) -> Option<(CustomerPlace, CustomerId, Option<Fingerprint>)> {
        let email = keys.email;
        if email.is_some_and(|email| self.shared_emails.contains(&email)) {
            return None;
        }
        let at = match (keys.user_id, email) {
            (Some(user_id), _) => {
                let mut having = self.places(&self.user_ids, user_id, |keys| keys.user_id);
                having.next().filter(|_| having.next().is_none())?
            }
            (None, Some(email)) => self.places(&self.emails, email, |keys| keys.email).next()?,
            (None, None) => return None,
        };
        let entry = self.entries.get(at as usize)?;
        Some((CustomerPlace(at), entry.id, entry.fingerprint))
    }

    pub(super) fn by_user_id(&self, user_id: KeyHash) -> CustomerIds {
        self.having(&self.user_ids, user_id, |keys| keys.user_id)
    }

    pub(super) fn by_email(&self, email: KeyHash) -> CustomerIds {
        self.having(&self.emails, email, |keys| keys.email)
    }

    /// Customers that have a key, in the order in which they were first read.
    fn having(
        &self,
        table: &HashTable<u32>,
        key: KeyHash,
        of: impl Fn(&KeyHashes) -> Option<KeyHash>,
    ) -> CustomerIds {
        let mut places: SmallVec<[u32; 4]> = self.places(table, key, of).collect();
        places.sort_unstable();
        places.dedup();
        let entries = places
            .into_iter()
            .filter_map(|at| self.entries.get(at as usize));
        entries.map(|entry| entry.id).collect()
    }

    fn places(
        &self,
        table: &HashTable<u32>,
        key: KeyHash,
        of: impl Fn(&KeyHashes) -> Option<KeyHash>,
    ) -> impl Iterator<Item = u32> {
        let has = move |at: &u32| is_at(&self.entries, *at, |entry| of(&entry.keys) == Some(key));
        table.iter_hash(key.short()).copied().filter(has)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = CustomerId> {
        self.entries.iter().map(|entry| entry.id)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn is_at(entries: &[Entry], at: u32, is_it: impl Fn(&Entry) -> bool) -> bool {
    entries.get(at as usize).is_some_and(is_it)
}

fn id_hash(entries: &[Entry], at: u32, hashes: &RandomState) -> u64 {
    let entry = entries.get(at as usize);
    entry.map_or(0, |entry| hashes.hash_one(entry.id))
}

/// The place of an entry in a table. One that lost the key is not found, wherever it stands.
fn short_hash(entries: &[Entry], at: u32, of: impl Fn(&KeyHashes) -> Option<KeyHash>) -> u64 {
    let key = entries.get(at as usize).and_then(|entry| of(&entry.keys));
    key.map_or(0, KeyHash::short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Field, Value};

    fn entry(id: u64, user_id: &str, email: Option<&str>) -> Entry {
        let mut customer = RemoteCustomer::unknown(CustomerId(id));
        customer.set_field(Field::UserId, Some(Value::Text(user_id.into())));
        customer.set_field(Field::Email, email.map(|email| Value::Text(email.into())));
        let (offset, length) = (id * 100, 50);
        Entry::new(&customer, Place::File { offset, length }, None)
    }

    #[test]
    fn an_entry_is_small() {
        assert_eq!(size_of::<Entry>(), 64);
    }

    #[test]
    fn what_a_customer_has_now_decides_however_the_tables_grew() {
        let mut index = CustomerIndex::default();
        for id in 1..=1_000 {
            assert!(
                index
                    .put(entry(id, &format!("u{id}"), Some("Shared@x.org")))
                    .is_none()
            );
        }
        for id in 1..=500 {
            let earlier = index.put(entry(id, &format!("v{id}"), None)).unwrap();
            assert_eq!(earlier, entry(id, &format!("u{id}"), Some("Shared@x.org")));
        }
        for id in 1_001..=5_000 {
            index.put(entry(id, &format!("u{id}"), None));
        }
        let of = |user_id: &str| index.by_user_id(KeyHash::of_user_id(user_id)).to_vec();
        assert_eq!((of("u7"), of("v7")), (vec![], vec![CustomerId(7)]));
        assert_eq!(of("u700"), [CustomerId(700)]);
        let sharers = index.by_email(KeyHash::of_email("shared@X.org"));
        assert_eq!(
            sharers.to_vec(),
            (501..=1_000).map(CustomerId).collect::<Vec<_>>()
        );
        assert_eq!(
            (index.len(), index.get(CustomerId(5_001)).is_none()),
            (5_000, true)
        );
    }

    #[test]
    fn customers_are_found_by_id_in_whatever_order_they_come() {
        for ids in [[10, 20, 30, 40], [20, 10, 40, 30], [40, 30, 20, 10]] {
            let mut index = CustomerIndex::default();
            for (count, id) in ids.into_iter().enumerate() {
                assert!(index.put(entry(id, "u", None)).is_none());
                assert!(index.put(entry(id, "v", None)).is_some());
                assert_eq!(index.len(), count + 1);
                let known: Vec<u64> = (1..=50)
                    .filter(|id| index.get(CustomerId(*id)).is_some())
                    .collect();
                let mut expected = ids[..=count].to_vec();
                expected.sort_unstable();
                assert_eq!(known, expected);
            }
        }
    }
}
