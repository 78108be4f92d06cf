//! What is kept of each customer that was read: where it stands, the hashes of its keys and its fingerprint. Memory holds it,
//! or files once it is more than the limit of memory allows.

mod array;
mod entry;
mod only;
mod place_table;
mod room;

use std::collections::HashSet;
use std::hash::BuildHasher as _;
use std::io;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use crate::domain::CustomerId;
use crate::plan::key_hash::{KeyHash, KeyHashes};
use crate::plan::matching::{CustomerIds, CustomerPlace};

use super::memory_limit::MemoryLimit;
use array::Array;
pub(super) use entry::{Entry, Place};
use place_table::PlaceTable;

/// Customers in the order in which they were first read, and tables that find them: eleven bytes for each key.
#[derive(Debug, Default)]
pub struct CustomerIndex {
    entries: Array<Entry>,
    /// The id of the last entry.
    last: Option<CustomerId>,
    /// Needed only once an id came that is not greater than all before it, as it is in an export.
    ids: Option<PlaceTable>,
    /// A customer that was read again may stand under keys that it had before: what it has now decides.
    user_ids: PlaceTable,
    emails: PlaceTable,
    /// How many customers there is room for.
    room: usize,
    /// Addresses that more than one customer has, or had.
    shared_emails: HashSet<KeyHash, RandomState>,
    hashes: RandomState,
    limit: Option<MemoryLimit>,
}

/// Customers that there is room for at least, once there is any.
const MIN_ROOM: usize = 256;

impl CustomerIndex {
    /// Sets a limit before the first customer is added.
    pub(super) fn limit(&mut self, limit: MemoryLimit) {
        self.limit = Some(limit);
    }

    /// An empty index with the same limit.
    pub(super) fn emptied(&self) -> Self {
        Self {
            limit: self.limit.clone(),
            ..Self::default()
        }
    }

    /// Adds a customer, or replaces what was known of it. Returns what it replaced.
    pub(super) fn put(&mut self, entry: Entry) -> io::Result<Option<Entry>> {
        if !self.has_room() {
            self.reserve(self.entries.len() / 2 + MIN_ROOM)?;
        }
        if let Some(CustomerPlace(at)) = self.place(entry.id)? {
            let earlier = self.entry(at)?;
            self.entries.set(at as usize, entry)?;
            let keys = earlier.map(|earlier| earlier.keys).unwrap_or_default();
            if keys.user_id != entry.keys.user_id {
                self.add_user_id(at, entry)?;
            }
            if keys.email != entry.keys.email {
                self.add_email(at, entry)?;
            }
            return Ok(earlier);
        }
        if self.ids.is_none() && self.last.is_some_and(|last| last >= entry.id) {
            self.find_ids_by_hash()?;
        }
        // No account has more customers than this counts.
        let at = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.entries.push(entry)?;
        self.last = Some(entry.id);
        if let Some(ids) = &mut self.ids {
            ids.insert(self.hashes.hash_one(entry.id), at)?;
        }
        self.add_user_id(at, entry)?;
        self.add_email(at, entry)?;
        Ok(None)
    }

    fn find_ids_by_hash(&mut self) -> io::Result<()> {
        self.ids = Some(PlaceTable::default());
        self.reserve(self.room - self.entries.len())?;
        if let Some(ids) = &mut self.ids {
            for (at, entry) in (0..).zip(self.entries.iter()) {
                ids.insert(self.hashes.hash_one(entry?.id), at)?;
            }
        }
        Ok(())
    }

    fn add_user_id(&mut self, at: u32, entry: Entry) -> io::Result<()> {
        match entry.keys.user_id {
            Some(user_id) => self.user_ids.insert(self.hash(user_id), at),
            None => Ok(()),
        }
    }

    fn add_email(&mut self, at: u32, entry: Entry) -> io::Result<()> {
        let Some(email) = entry.keys.email else {
            return Ok(());
        };
        let sharers = self.having(&self.emails, email, |keys| keys.email);
        // One that cannot be read might be another.
        let is_other =
            |sharer: io::Result<(u32, Entry)>| sharer.map_or(true, |(other, _)| other != at);
        let is_shared = { sharers }.any(is_other);
        if is_shared {
            self.shared_emails.insert(email);
        }
        self.emails.insert(self.hash(email), at)
    }

    /// Keys of customers come from outside: who can choose them must not be able to choose where they stand.
    fn hash(&self, key: KeyHash) -> u64 {
        self.hashes.hash_one(key.short())
    }

    fn entry(&self, at: u32) -> io::Result<Option<Entry>> {
        self.entries.get(at as usize)
    }

    pub(super) fn get(&self, id: CustomerId) -> io::Result<Option<Entry>> {
        match self.place(id)? {
            Some(place) => self.at(place),
            None => Ok(None),
        }
    }

    pub(super) fn at(&self, place: CustomerPlace) -> io::Result<Option<Entry>> {
        self.entry(place.0)
    }

    pub(super) fn place(&self, id: CustomerId) -> io::Result<Option<CustomerPlace>> {
        if let Some(ids) = &self.ids {
            for at in ids.places(self.hashes.hash_one(id)) {
                let at = at?;
                if self.entry(at)?.is_some_and(|entry| entry.id == id) {
                    return Ok(Some(CustomerPlace(at)));
                }
            }
            return Ok(None);
        }
        // Usually it comes after all others.
        if self.last.is_none_or(|last| last < id) {
            return Ok(None);
        }
        let (mut first, mut end) = (0, self.entries.len());
        while first < end {
            let middle = first + (end - first) / 2;
            match self.entries.get(middle)? {
                Some(entry) if entry.id < id => first = middle + 1,
                Some(entry) if entry.id == id => {
                    return Ok(u32::try_from(middle).ok().map(CustomerPlace));
                }
                _ => end = middle,
            }
        }
        Ok(None)
    }

    pub(super) fn by_user_id(&self, user_id: KeyHash) -> io::Result<CustomerIds> {
        in_order(self.having(&self.user_ids, user_id, |keys| keys.user_id))
    }

    pub(super) fn by_email(&self, email: KeyHash) -> io::Result<CustomerIds> {
        in_order(self.having(&self.emails, email, |keys| keys.email))
    }

    /// Customers that have a key. One may come twice.
    fn having(
        &self,
        table: &PlaceTable,
        key: KeyHash,
        of: impl Fn(&KeyHashes) -> Option<KeyHash>,
    ) -> impl Iterator<Item = io::Result<(u32, Entry)>> {
        table.places(self.hash(key)).filter_map(move |at| {
            let found = at.and_then(|at| Ok((at, self.entry(at)?)));
            match found {
                Ok((at, Some(entry))) if of(&entry.keys) == Some(key) => Some(Ok((at, entry))),
                Ok(_) => None,
                Err(error) => Some(Err(error)),
            }
        })
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = io::Result<CustomerId>> {
        self.entries.iter().map(|entry| Ok(entry?.id))
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.len() == 0
    }
}

/// The ids of customers, in the order in which they were first read.
fn in_order(having: impl Iterator<Item = io::Result<(u32, Entry)>>) -> io::Result<CustomerIds> {
    let found = having.map(|found| found.map(|(at, entry)| (at, entry.id)));
    let mut found = found.collect::<io::Result<SmallVec<[(u32, CustomerId); 4]>>>()?;
    found.sort_unstable();
    found.dedup();
    Ok(found.into_iter().map(|(_, id)| id).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::memory_limit::WITHOUT_CUSTOMERS;
    use super::*;
    use crate::domain::{Field, RemoteCustomer, Value};

    fn entry(id: u64, user_id: &str, email: Option<&str>) -> Entry {
        let mut customer = RemoteCustomer::unknown(CustomerId(id));
        customer.set_field(Field::UserId, Some(Value::Text(user_id.into())));
        customer.set_field(Field::Email, email.map(|email| Value::Text(email.into())));
        let (offset, length) = (id * 100, 50);
        Entry::new(&customer, Place::File { offset, length }, None)
    }

    /// An index that holds about `customers` in memory.
    fn limited(customers: usize) -> CustomerIndex {
        let bytes = WITHOUT_CUSTOMERS + 200 * customers as u64;
        let folder = std::env::temp_dir();
        CustomerIndex {
            limit: Some(MemoryLimit { bytes, folder }),
            ..CustomerIndex::default()
        }
    }

    fn indexes() -> [CustomerIndex; 3] {
        [CustomerIndex::default(), limited(0), limited(1_500)]
    }

    fn only_customer(index: &CustomerIndex, keys: KeyHashes) -> Option<CustomerId> {
        Some(index.only_at(index.only(keys)?, keys)?.0)
    }

    #[test]
    fn an_entry_is_small() {
        assert_eq!(size_of::<Entry>(), 64);
    }

    #[test]
    fn an_id_out_of_order_is_found_however_many_came_before() {
        for before in (1..300).chain([1_400, 2_000]) {
            for mut index in indexes() {
                for id in 2..before + 2 {
                    index.put(entry(id, &format!("u{id}"), None)).unwrap();
                }
                index.put(entry(1, "u1", None)).unwrap();
                for id in [1, 2, before + 1] {
                    assert!(index.get(CustomerId(id)).unwrap().is_some(), "{before}");
                }
            }
        }
    }

    #[test]
    fn what_a_customer_has_now_decides_however_the_tables_grew() {
        for mut index in indexes() {
            for id in 1..=1_000 {
                let new = entry(id, &format!("u{id}"), Some("Shared@x.org"));
                assert!(index.put(new).unwrap().is_none());
            }
            for id in 1..=500 {
                let earlier = index.put(entry(id, &format!("v{id}"), None)).unwrap();
                let expected = entry(id, &format!("u{id}"), Some("Shared@x.org"));
                assert_eq!(earlier, Some(expected));
            }
            for id in 1_001..=5_000 {
                index.put(entry(id, &format!("u{id}"), None)).unwrap();
            }
            assert_eq!(index.entries.is_in_file(), index.limit.is_some());
            let of = |user_id: &str| index.by_user_id(KeyHash::of_user_id(user_id)).unwrap();
            assert_eq!(
                (of("u7").len(), of("v7").to_vec()),
                (0, vec![CustomerId(7)])
            );
            assert_eq!(of("u700").to_vec(), [CustomerId(700)]);
            let user_id = Some(KeyHash::of_user_id("u4000"));
            let only = only_customer(
                &index,
                KeyHashes {
                    user_id,
                    email: None,
                },
            );
            assert_eq!(only, Some(CustomerId(4_000)));
            let sharers = index.by_email(KeyHash::of_email("shared@X.org")).unwrap();
            assert_eq!(
                sharers.to_vec(),
                (501..=1_000).map(CustomerId).collect::<Vec<_>>()
            );
            assert_eq!(index.len(), 5_000);
            assert!(index.get(CustomerId(5_001)).unwrap().is_none());
        }
    }

    #[test]
    fn only_what_does_not_fit_goes_to_files() {
        let mut index = limited(10_000);
        index.reserve(10_000).unwrap();
        assert_eq!(
            (index.bytes_with(0) > 0, index.entries.is_in_file()),
            (true, false)
        );
        index.reserve(22_000).unwrap();
        assert!(index.entries.is_in_file() && !index.user_ids.is_in_file());
        index.reserve(1_000_000).unwrap();
        assert!(index.user_ids.is_in_file() && index.emails.is_in_file());
        let mut without = CustomerIndex::default();
        without.reserve(1_000_000).unwrap();
        assert!(!without.entries.is_in_file());
    }

    proptest! {
        /// Few ids and keys, so that customers come again and share them.
        #[test]
        fn an_index_finds_what_was_put_last_wherever_it_is(
            puts in prop::collection::vec((1..40_u64, 0..20_u8, prop::option::of(0..10_u8)), 1..80),
        ) {
            let mut latest = std::collections::BTreeMap::new();
            let mut first = Vec::new();
            let [mut memory, mut files, mut both] = indexes();
            for (id, user_id, email) in puts {
                let email = email.map(|email| format!("{email}@x.org"));
                let entry = entry(id, &user_id.to_string(), email.as_deref());
                let earlier = latest.insert(id, entry);
                if earlier.is_none() {
                    first.push(CustomerId(id));
                }
                for index in [&mut memory, &mut files, &mut both] {
                    prop_assert_eq!(index.put(entry).unwrap(), earlier);
                }
            }
            prop_assert!(files.entries.is_in_file());
            for index in [&memory, &files, &both] {
                let ids: io::Result<Vec<_>> = index.ids().collect();
                prop_assert_eq!(&ids.unwrap(), &first);
                for id in 0..41 {
                    prop_assert_eq!(index.get(CustomerId(id)).unwrap(), latest.get(&id).copied());
                }
                let having = |has: &dyn Fn(&Entry) -> bool| {
                    let ids = first.iter().filter(|id| has(&latest[&id.0]));
                    ids.copied().collect::<Vec<_>>()
                };
                for key in 0..20_u8 {
                    let user_id = KeyHash::of_user_id(&key.to_string());
                    let email = KeyHash::of_email(&format!("{key}@X.org"));
                    let expected = having(&|entry| entry.keys.user_id == Some(user_id));
                    prop_assert_eq!(index.by_user_id(user_id).unwrap().to_vec(), expected.clone());
                    let only = only_customer(index, KeyHashes { user_id: Some(user_id), email: None });
                    prop_assert!(only.is_none_or(|id| expected == [id]));
                    let expected = having(&|entry| entry.keys.email == Some(email));
                    prop_assert_eq!(index.by_email(email).unwrap().to_vec(), expected.clone());
                    let only = only_customer(index, KeyHashes { user_id: None, email: Some(email) });
                    prop_assert!(only.is_none_or(|id| expected == [id]));
                }
            }
        }
    }
}
