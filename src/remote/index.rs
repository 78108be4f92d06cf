//! What memory holds of each customer that was read: where it stands, the hashes of its keys and its fingerprint.

use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use smallvec::SmallVec;

use crate::domain::{CustomerId, RemoteCustomer};
use crate::plan::fingerprint::{Fingerprint, Fingerprinter};
use crate::plan::given_keys::{KeyHash, KeyHashes};
use crate::plan::matching::CustomerIds;

/// One customer, in 64 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) id: CustomerId,
    keys: KeyHashes,
    /// Where its record begins, and how long it is.
    pub(super) offset: u64,
    pub(super) length: u32,
    pub(super) fingerprint: Option<Fingerprint>,
}

impl Entry {
    pub(super) fn new(
        customer: &RemoteCustomer,
        (offset, length): (u64, u32),
        fingerprinter: Option<&Fingerprinter>,
    ) -> Self {
        Self {
            id: customer.id,
            keys: KeyHashes {
                user_id: customer.user_id().map(KeyHash::of_user_id),
                email: customer.email().map(KeyHash::of_email),
            },
            offset,
            length,
            fingerprint: fingerprinter.and_then(|prints| prints.of_customer(customer)),
        }
    }
}

/// Customers in the order in which they were first read, and tables that find them: five bytes for each key.
#[derive(Debug, Default)]
pub(super) struct CustomerIndex {
    entries: Vec<Entry>,
    ids: HashTable<u32>,
    /// A customer that was read again may stand under keys that it had before: what it has now decides.
    user_ids: HashTable<u32>,
    emails: HashTable<u32>,
    hashes: RandomState,
}

impl CustomerIndex {
    /// Adds a customer, or takes the place of what was known of it, which is given back.
    pub(super) fn put(&mut self, entry: Entry) -> Option<Entry> {
        let Self {
            entries,
            ids,
            hashes,
            ..
        } = self;
        let hash_of = |id: CustomerId| hashes.hash_one(id);
        let hash = hash_of(entry.id);
        let known = ids.find(hash, |at| is_at(entries, *at, |known| known.id == entry.id));
        if let Some(&at) = known {
            let slot = entries.get_mut(at as usize)?;
            let earlier = std::mem::replace(slot, entry);
            if earlier.keys.user_id != entry.keys.user_id {
                self.add_user_id(at, entry);
            }
            if earlier.keys.email != entry.keys.email {
                self.add_email(at, entry);
            }
            return Some(earlier);
        }
        // More customers than that are in no account.
        let at = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        entries.push(entry);
        ids.insert_unique(hash, at, |at| {
            entries
                .get(*at as usize)
                .map_or(0, |entry| hash_of(entry.id))
        });
        self.add_user_id(at, entry);
        self.add_email(at, entry);
        None
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
            let short = |at: &u32| short_hash(entries, *at, |keys| keys.email);
            self.emails.insert_unique(email.short(), at, short);
        }
    }

    pub(super) fn get(&self, id: CustomerId) -> Option<&Entry> {
        let is_it = |at: &u32| is_at(&self.entries, *at, |known| known.id == id);
        let at = self.ids.find(self.hashes.hash_one(id), is_it)?;
        self.entries.get(*at as usize)
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
        let has = |at: &&u32| is_at(&self.entries, **at, |entry| of(&entry.keys) == Some(key));
        let mut places: SmallVec<[u32; 4]> =
            table.iter_hash(key.short()).filter(has).copied().collect();
        places.sort_unstable();
        places.dedup();
        let entries = places
            .into_iter()
            .filter_map(|at| self.entries.get(at as usize));
        entries.map(|entry| entry.id).collect()
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
        Entry::new(&customer, (id * 100, 50), None)
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
            assert_eq!(earlier.offset, id * 100);
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
}
