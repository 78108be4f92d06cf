//! Match keys as hashes.

use std::hash::Hasher;
use std::num::NonZeroU128;

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::domain::{RowKey, fold_email};

/// A match key as 128 bits, so that millions of them fit in memory. E-mail addresses that differ only in case or
/// normalization have the same hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash(NonZeroU128);

impl KeyHash {
    pub fn of_user_id(user_id: &str) -> Self {
        Self::of(user_id)
    }

    pub fn of_email(email: &str) -> Self {
        Self::of(&fold_email(email))
    }

    fn of(text: &str) -> Self {
        let mut hasher = SipHasher13::new();
        hasher.write(text.as_bytes());
        let hash = NonZeroU128::new(hasher.finish128().as_u128());
        Self(hash.unwrap_or(NonZeroU128::MIN))
    }

    /// The hash as stored; 0 for none.
    pub fn to_bits(hash: Option<Self>) -> u128 {
        hash.map_or(0, |hash| hash.0.get())
    }

    pub fn from_bits(bits: u128) -> Option<Self> {
        NonZeroU128::new(bits).map(Self)
    }

    /// The lower 64 bits, for hash tables.
    #[expect(clippy::cast_possible_truncation, reason = "half of it is as random")]
    pub fn short(self) -> u64 {
        self.0.get() as u64
    }
}

/// The match keys of a row or a customer as hashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyHashes {
    pub user_id: Option<KeyHash>,
    pub email: Option<KeyHash>,
}

impl KeyHashes {
    pub fn of<T: AsRef<str>>(key: &RowKey<T>) -> Self {
        let hash = |text: &Option<T>, hash: fn(&str) -> KeyHash| {
            text.as_ref().map(|text| hash(text.as_ref()))
        };
        Self {
            user_id: hash(&key.user_id, KeyHash::of_user_id),
            email: hash(&key.email, KeyHash::of_email),
        }
    }
}

impl From<&RowKey> for KeyHashes {
    fn from(key: &RowKey) -> Self {
        Self::of(key)
    }
}
