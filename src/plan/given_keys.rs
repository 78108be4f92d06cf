//! The keys that rows give to their customers, new ones and those that are there already, so that a later row which
//! knows only such a key means the same person and creates nobody a second time.

use std::collections::HashMap;
use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::domain::{CustomerId, RowKey, fold_email};

use super::matching::{NewCustomer, Target};

/// A match key reduced to 128 bits, so that millions of created customers stay small in memory.
pub(super) type KeyHash = u128;

pub(super) fn key_hash(text: &str) -> KeyHash {
    let mut hasher = SipHasher13::new();
    hasher.write(text.as_bytes());
    hasher.finish128().as_u128()
}

/// The keys that a row gives to its customer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KeyHashes {
    pub(super) user_id: Option<KeyHash>,
    pub(super) email: Option<KeyHash>,
}

impl KeyHashes {
    pub(super) fn of(key: &RowKey) -> Self {
        let email = key.email.as_deref().map(fold_email);
        Self {
            user_id: key.user_id.as_deref().map(key_hash),
            email: email.map(|email| key_hash(&email)),
        }
    }
}

/// Customers by the keys that earlier rows give them: those that are created, and remote ones that get another key.
#[derive(Debug, Default)]
pub(super) struct GivenKeys {
    created: Vec<KeyHashes>,
    /// Only keys that the customer did not have.
    remote: HashMap<CustomerId, KeyHashes>,
    by_user_id: HashMap<KeyHash, Target>,
    by_email: HashMap<KeyHash, Vec<Target>>,
}

impl GivenKeys {
    pub(super) fn create(&mut self) -> NewCustomer {
        let new = NewCustomer(u32::try_from(self.created.len()).unwrap_or(u32::MAX));
        self.created.push(KeyHashes::default());
        new
    }

    /// The customer gets these keys, and none that a row before gave it: those are not written, so that a second run
    /// would not find it by them.
    pub(super) fn replace(&mut self, target: Target, keys: KeyHashes) {
        let before = self.exchange(target, keys);
        if let Some(user_id) = before.user_id {
            self.by_user_id.remove(&user_id);
        }
        if let Some(sharers) = before.email.and_then(|email| self.by_email.get_mut(&email)) {
            sharers.retain(|sharer| *sharer != target);
        }
        if let Some(user_id) = keys.user_id {
            self.by_user_id.insert(user_id, target);
        }
        if let Some(email) = keys.email {
            self.by_email.entry(email).or_default().push(target);
        }
    }

    /// The customer gets these keys beside those that rows before gave it, which stay.
    pub(super) fn add(&mut self, target: Target, keys: KeyHashes) {
        let before = self.of(target);
        self.replace(
            target,
            KeyHashes {
                user_id: before.user_id.or(keys.user_id),
                email: before.email.or(keys.email),
            },
        );
    }

    pub(super) fn by_user_id(&self, user_id: &str) -> Option<Target> {
        self.by_user_id.get(&key_hash(user_id)).copied()
    }

    pub(super) fn by_email(&self, email: &str) -> impl Iterator<Item = Target> {
        let sharers = self.by_email.get(&key_hash(&fold_email(email)));
        sharers.into_iter().flatten().copied()
    }

    fn exchange(&mut self, target: Target, keys: KeyHashes) -> KeyHashes {
        match target {
            Target::New(new) => {
                let slot = self.created.get_mut(new.0 as usize);
                slot.map(|slot| std::mem::replace(slot, keys))
            }
            Target::Remote(id) if keys.user_id.is_none() && keys.email.is_none() => {
                self.remote.remove(&id)
            }
            Target::Remote(id) => self.remote.insert(id, keys),
        }
        .unwrap_or_default()
    }

    pub(super) fn user_id(&self, target: Target) -> Option<KeyHash> {
        self.of(target).user_id
    }

    fn of(&self, target: Target) -> KeyHashes {
        let keys = match target {
            Target::New(new) => self.created.get(new.0 as usize),
            Target::Remote(id) => self.remote.get(&id),
        };
        keys.copied().unwrap_or_default()
    }
}
