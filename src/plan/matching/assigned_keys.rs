//! Keys that earlier rows assign to customers. A later row that has only such a key means the same customer and must not
//! create a second one.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::domain::CustomerId;
use crate::plan::key_hash::{KeyHash, KeyHashes};

use super::customer_ref::{CustomerRef, NewCustomer};

/// Customers by the keys that rows assign to them: those that are created, and remote ones that get another key.
#[derive(Debug, Default)]
pub(super) struct AssignedKeys {
    holders: Vec<Holder>,
    /// Places of remote customers among the holders. That of a new one is its index.
    remote: HashMap<CustomerId, u32, RandomState>,
    /// Places of holders by their keys: five bytes for each key.
    by_user_id: HashTable<u32>,
    by_email: HashTable<u32>,
}

/// A customer with the keys that rows assign to it: of a remote one only those that it did not have.
#[derive(Debug, Clone, Copy)]
struct Holder {
    customer: Option<CustomerId>,
    keys: KeyHashes,
}

impl AssignedKeys {
    pub(super) fn add_customer(&mut self) -> NewCustomer {
        NewCustomer(self.add_holder(None))
    }

    fn add_holder(&mut self, customer: Option<CustomerId>) -> u32 {
        let at = u32::try_from(self.holders.len()).unwrap_or(u32::MAX);
        let keys = KeyHashes::default();
        self.holders.push(Holder { customer, keys });
        at
    }

    /// Assigns these keys in place of those from an earlier row, which are not written: a second run would not find the
    /// customer by them.
    pub(super) fn replace(&mut self, customer: CustomerRef, keys: KeyHashes) {
        let at = match (self.place(customer), customer) {
            (Some(at), _) => at,
            (None, CustomerRef::Remote(id)) if keys != KeyHashes::default() => {
                let at = self.add_holder(Some(id));
                self.remote.insert(id, at);
                at
            }
            (None, _) => return,
        };
        self.forget(at);
        let Some(holder) = self.holders.get_mut(at as usize) else {
            return;
        };
        holder.keys = keys;
        let holders = &self.holders;
        if let Some(user_id) = keys.user_id {
            let has = |other: &u32| user_id_of(holders, *other) == Some(user_id);
            let short = |at: &u32| user_id_of(holders, *at).map_or(0, KeyHash::short);
            let entry = self.by_user_id.entry(user_id.short(), has, short);
            entry.and_modify(|other| *other = at).or_insert(at);
        }
        if let Some(email) = keys.email {
            let short = |at: &u32| email_of(holders, *at).map_or(0, KeyHash::short);
            self.by_email.insert_unique(email.short(), at, short);
        }
    }

    /// Takes the keys that a customer has out of the tables.
    fn forget(&mut self, at: u32) {
        let holders = &self.holders;
        if let Some(user_id) = user_id_of(holders, at) {
            let has = |other: &u32| user_id_of(holders, *other) == Some(user_id);
            if let Ok(entry) = self.by_user_id.find_entry(user_id.short(), has) {
                entry.remove();
            }
        }
        if let Some(email) = email_of(holders, at) {
            let is_it = |other: &u32| *other == at;
            if let Ok(entry) = self.by_email.find_entry(email.short(), is_it) {
                entry.remove();
            }
        }
    }

    /// Assigns these keys in addition to those from earlier rows, which win.
    pub(super) fn add(&mut self, customer: CustomerRef, keys: KeyHashes) {
        let before = self.keys_of(customer);
        self.replace(
            customer,
            KeyHashes {
                user_id: before.user_id.or(keys.user_id),
                email: before.email.or(keys.email),
            },
        );
    }

    /// Whether a row assigned one of these keys.
    pub(super) fn has_any(&self, keys: KeyHashes) -> bool {
        let has_user_id = |key| self.by_user_id(key).is_some();
        let has_email = |key| self.by_email(key).next().is_some();
        keys.user_id.is_some_and(has_user_id) || keys.email.is_some_and(has_email)
    }

    pub(super) fn by_user_id(&self, user_id: KeyHash) -> Option<CustomerRef> {
        let has = |at: &u32| user_id_of(&self.holders, *at) == Some(user_id);
        let at = self.by_user_id.find(user_id.short(), has)?;
        Some(self.customer(*at))
    }

    pub(super) fn by_email(&self, email: KeyHash) -> impl Iterator<Item = CustomerRef> {
        let has = move |at: &&u32| email_of(&self.holders, **at) == Some(email);
        let sharers = self.by_email.iter_hash(email.short()).filter(has);
        sharers.map(|at| self.customer(*at))
    }

    pub(super) fn user_id(&self, customer: CustomerRef) -> Option<KeyHash> {
        self.keys_of(customer).user_id
    }

    fn keys_of(&self, customer: CustomerRef) -> KeyHashes {
        let holder = self
            .place(customer)
            .and_then(|at| self.holders.get(at as usize));
        holder.map_or_else(KeyHashes::default, |holder| holder.keys)
    }

    fn place(&self, customer: CustomerRef) -> Option<u32> {
        match customer {
            CustomerRef::New(new) => Some(new.0),
            CustomerRef::Remote(id) => self.remote.get(&id).copied(),
        }
    }

    fn customer(&self, at: u32) -> CustomerRef {
        let id = self
            .holders
            .get(at as usize)
            .and_then(|holder| holder.customer);
        id.map_or(CustomerRef::New(NewCustomer(at)), CustomerRef::Remote)
    }
}

fn user_id_of(holders: &[Holder], at: u32) -> Option<KeyHash> {
    holders.get(at as usize)?.keys.user_id
}

fn email_of(holders: &[Holder], at: u32) -> Option<KeyHash> {
    holders.get(at as usize)?.keys.email
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys((user_id, email): (Option<u8>, Option<u8>)) -> KeyHashes {
        KeyHashes {
            user_id: user_id.map(|n| KeyHash::of_user_id(&n.to_string())),
            email: email.map(|n| KeyHash::of_email(&n.to_string())),
        }
    }

    proptest! {
        #[test]
        fn customers_are_found_by_the_keys_that_they_have(
            assignments in proptest::collection::vec(
                (0..8_u32, proptest::option::of(0..5_u8), proptest::option::of(0..5_u8)),
                0..30,
            ),
        ) {
            let mut assigned = AssignedKeys::default();
            let new: Vec<_> = (0..4).map(|_| CustomerRef::New(assigned.add_customer())).collect();
            let customer = |n: u32| match new.get(n as usize) {
                Some(new) => *new,
                None => CustomerRef::Remote(CustomerId(n.into())),
            };
            let mut expected: HashMap<CustomerRef, KeyHashes> = HashMap::new();
            for (n, user_id, email) in assignments {
                let given = keys((user_id, email));
                // Two customers of one userId are a conflict, and never assigned.
                let has_other = |(other, keys): (&CustomerRef, &KeyHashes)| {
                    *other != customer(n) && keys.user_id == given.user_id
                };
                if given.user_id.is_some() && expected.iter().any(has_other) {
                    continue;
                }
                assigned.replace(customer(n), given);
                expected.insert(customer(n), given);
            }
            for n in 0..5 {
                let KeyHashes { user_id, email } = keys((Some(n), Some(n)));
                let (user_id, email) = (user_id.unwrap(), email.unwrap());
                let having = |is_it: &dyn Fn(&KeyHashes) -> bool| {
                    let having = expected.iter().filter(|(_, keys)| is_it(keys));
                    let mut having: Vec<_> = having.map(|(customer, _)| *customer).collect();
                    having.sort();
                    having
                };
                let found: Vec<_> = assigned.by_user_id(user_id).into_iter().collect();
                prop_assert_eq!(found, having(&|keys| keys.user_id == Some(user_id)));
                let mut found: Vec<_> = assigned.by_email(email).collect();
                found.sort();
                prop_assert_eq!(&found, &having(&|keys| keys.email == Some(email)));
                let any = KeyHashes { user_id: None, email: Some(email) };
                prop_assert_eq!(assigned.has_any(any), !found.is_empty());
            }
        }
    }
}
