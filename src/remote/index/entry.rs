use std::borrow::Borrow;

use crate::domain::{CustomerId, RemoteCustomer};
use crate::plan::fingerprint::{Fingerprint, Fingerprinter};
use crate::plan::key_hash::{KeyHash, KeyHashes};

use super::array::Item;

/// One customer, in 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::remote) struct Entry {
    pub(in crate::remote) id: CustomerId,
    pub(in crate::remote) keys: KeyHashes,
    pub(in crate::remote) place: Place,
    pub(in crate::remote) fingerprint: Option<Fingerprint>,
}

/// Where a customer's record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::remote) enum Place {
    /// In the reading's file, or in its tail behind that.
    File { offset: u64, length: u32 },
    /// In the snapshot, with this number in its block.
    Stored(u32),
}

impl Entry {
    pub(in crate::remote) fn new<T: AsRef<str> + Borrow<str> + Ord>(
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

/// Offset of a record in the snapshot, which no record in a file has.
const STORED: u64 = u64::MAX;

impl Item for Entry {
    const BYTES: usize = 60;

    fn to_bytes(self, out: &mut Vec<u8>) {
        let (offset, number) = match self.place {
            Place::File { offset, length } => (offset, length),
            Place::Stored(number) => (STORED, number),
        };
        out.extend(self.id.0.to_le_bytes());
        out.extend(KeyHash::to_bits(self.keys.user_id).to_le_bytes());
        out.extend(KeyHash::to_bits(self.keys.email).to_le_bytes());
        out.extend(Fingerprint::to_bits(self.fingerprint).to_le_bytes());
        out.extend(offset.to_le_bytes());
        out.extend(number.to_le_bytes());
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (id, rest) = bytes.split_first_chunk()?;
        let (user_id, rest) = rest.split_first_chunk()?;
        let (email, rest) = rest.split_first_chunk()?;
        let (fingerprint, rest) = rest.split_first_chunk()?;
        let (offset, rest) = rest.split_first_chunk()?;
        let number = u32::from_le_bytes(rest.try_into().ok()?);
        Some(Self {
            id: CustomerId(u64::from_le_bytes(*id)),
            keys: KeyHashes {
                user_id: KeyHash::from_bits(u128::from_le_bytes(*user_id)),
                email: KeyHash::from_bits(u128::from_le_bytes(*email)),
            },
            place: match u64::from_le_bytes(*offset) {
                STORED => Place::Stored(number),
                offset => Place::File {
                    offset,
                    length: number,
                },
            },
            fingerprint: Fingerprint::from_bits(u64::from_le_bytes(*fingerprint)),
        })
    }
}
