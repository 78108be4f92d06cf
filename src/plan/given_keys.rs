//! The keys that rows give to their customers, new ones and those that are there already, so that a later row which
//! knows only such a key means the same person and creates nobody a second time.

use std::collections::HashMap;
use std::hash::Hasher;
use std::num::NonZeroU128;

use foldhash::fast::RandomState;
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::domain::{CustomerId, RowKey, fold_email};

use super::matching::{NewCustomer, Target};

/// A match key reduced to 128 bits, so that millions of customers stay small in memory. E-mail addresses that differ in
/// case only have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash(NonZeroU128);

impl KeyHash {
    #[must_use]
    pub fn of_user_id(user_id: &str) -> Self {
        Self::of(user_id)
    }

    #[must_use]
    pub fn of_email(email: &str) -> Self {
        Self::of(&fold_email(email))
    }

    fn of(text: &str) -> Self {
        let mut hasher = SipHasher13::new();
        hasher.write(text.as_bytes());
        let hash = NonZeroU128::new(hasher.finish128().as_u128());
        Self(hash.unwrap_or(NonZeroU128::MIN))
    }

    /// For tables with a place of 64 bits.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "half of it is as random")]
    pub fn short(self) -> u64 {
        self.0.get() as u64
    }
}

/// The match keys of a row or a customer, hashed once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyHashes {
    pub user_id: Option<KeyHash>,
    pub email: Option<KeyHash>,
}

impl KeyHashes {
    #[must_use]
    pub fn of(key: &RowKey) -> Self {
        Self {
            user_id: key.user_id.as_deref().map(KeyHash::of_user_id),
            email: key.email.as_deref().map(KeyHash::of_email),
        }
    }
}

impl From<&RowKey> for KeyHashes {
    fn from(key: &RowKey) -> Self {
        Self::of(key)
    }
}

/// Customers by the keys that earlier rows give them: those that are created, and remote ones that get another key.
#[derive(Debug, Default)]
pub(super) struct GivenKeys {
    created: Vec<KeyHashes>,
    /// Only keys that the customer did not have.
    remote: HashMap<CustomerId, KeyHashes, RandomState>,
    by_user_id: HashMap<KeyHash, Target, RandomState>,
    by_email: HashMap<KeyHash, Vec<Target>, RandomState>,
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

    pub(super) fn by_user_id(&self, user_id: KeyHash) -> Option<Target> {
        self.by_user_id.get(&user_id).copied()
    }

    pub(super) fn by_email(&self, email: KeyHash) -> impl Iterator<Item = Target> {
        let sharers = self.by_email.get(&email);
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
