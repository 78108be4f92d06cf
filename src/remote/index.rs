//! What is kept of each customer that was read: where it stands, the hashes of its keys and its fingerprint. Memory holds it,
//! or files once it is more than the limit of memory allows.

mod adding;
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
    /// The id of the last entry of those that ascend.
    last: Option<CustomerId>,
    /// From this entry on, ids ascend, as they do in an export and in a snapshot: they are found there without a table.
    ascending_from: usize,
    /// The entries before it, by their ids. Needed only once an id came out of order.
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
        }
        if self.last.is_none_or(|last| last < id) {
            return Ok(None);
        }
        let (mut first, mut end) = (self.ascending_from, self.entries.len());
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
    fn few_ids_out_of_order_put_no_others_into_a_table() {
        for mut index in indexes() {
            let ids = (901..=1_000).chain(1..=900).chain(1_001..=5_000);
            let entries: Vec<_> = ids.map(|id| entry(id, &format!("u{id}"), None)).collect();
            assert!(index.put_all(&entries).unwrap().is_empty());
            assert_eq!(index.ids.as_ref().unwrap().len(), 100);
            assert!((1..=5_000).all(|id| index.get(CustomerId(id)).unwrap().is_some()));
            assert!(index.get(CustomerId(5_001)).unwrap().is_none());
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
            at_once in 1..20_usize,
        ) {
            let mut latest = std::collections::BTreeMap::new();
            let (mut first, mut entries, mut replaced) = (Vec::new(), Vec::new(), Vec::new());
            let [mut memory, mut files, mut both] = indexes();
            for (id, user_id, email) in puts {
                let email = email.map(|email| format!("{email}@x.org"));
                let entry = entry(id, &user_id.to_string(), email.as_deref());
                let earlier = latest.insert(id, entry);
                if earlier.is_none() {
                    first.push(CustomerId(id));
                }
                entries.push(entry);
                replaced.push(earlier);
            }
            for index in [&mut memory, &mut files, &mut both] {
                for (entries, replaced) in entries.chunks(at_once).zip(replaced.chunks(at_once)) {
                    let replaced: Vec<_> = replaced.iter().flatten().copied().collect();
                    prop_assert_eq!(index.put_all(entries).unwrap(), replaced);
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
