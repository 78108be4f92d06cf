//! What a run has to know of all customers of a block. It is stored beside the block, so that starting a run reads no values.

use crate::domain::{CustomerId, KindCounts, RemoteCustomer, Reported};
use crate::plan::fingerprint::{Fingerprint, Fingerprinter};
use crate::plan::key_hash::{KeyHash, KeyHashes};

use super::super::decoded::{DecodedCustomers, count_kinds, customer, join_names};
use super::super::index::{Entry, Place};
use super::super::reading::ReadingError;
use super::SnapshotError;
use super::block::Records;
use super::changes::RecordsBefore;

/// Raised whenever a header would say something else of the same customers: if other texts are hashed, for example.
pub(super) const HEADER_VERSION: u32 = 1;

/// Length of an entry: the id, the hashes of both keys, the fingerprint.
const ENTRY: usize = 8 + 16 + 16 + 8;

/// Decodes the customers of a block of which `takes` is true.
pub(super) fn decode(
    records: &Records,
    fingerprinter: Option<&Fingerprinter>,
    takes: impl Fn(CustomerId) -> bool,
) -> Result<DecodedCustomers, SnapshotError> {
    let mut decoded = DecodedCustomers::default();
    for (number, (id, record)) in (0..).zip(records) {
        if takes(CustomerId(*id)) {
            decoded.add_record(
                CustomerId(*id),
                record,
                Place::Stored(number),
                fingerprinter,
            )?;
        }
    }
    Ok(decoded)
}

/// The header of a block of which some records changed, made from its earlier header and these records alone. `None` if that
/// does not say all: records are gone, or names that others may still have.
pub(super) fn updated(
    header: &[u8],
    records: &Records,
    before: &RecordsBefore,
    fingerprinter: &Fingerprinter,
) -> Result<Option<DecodedCustomers>, SnapshotError> {
    let mut earlier = unpack_header(header)?;
    let mut changed = DecodedCustomers::default();
    if earlier.is_silent {
        return Ok(None);
    }
    for (id, before) in before {
        let Some(record) = records.get(id) else {
            return Ok(None);
        };
        let customer = customer(*id, record)?;
        if let Some(before) = before {
            let before = self::customer(*id, before)?;
            if !has_all_names(&customer, &before) {
                return Ok(None);
            }
            count_kinds(&mut earlier.names, &before, KindCounts::remove);
        }
        changed.add(&customer, Place::Stored(0), Some(fingerprinter));
    }
    join_names(&mut earlier.names, changed.names);
    let mut entries = Vec::with_capacity(records.len());
    let (mut old, mut new) = (earlier.entries.iter(), changed.entries.iter().peekable());
    for (number, id) in (0..).zip(records.keys()) {
        let is_changed = new.peek().is_some_and(|entry| entry.id.0 == *id);
        if before.get(id).is_none_or(Option::is_some) {
            let entry = old.next();
            if !is_changed {
                entries.extend(entry.copied());
            }
        }
        if is_changed {
            entries.extend(new.next().copied());
        }
        if let Some(entry) = entries.last_mut() {
            entry.place = Place::Stored(number);
        }
    }
    let is_whole = entries
        .iter()
        .map(|entry| entry.id.0)
        .eq(records.keys().copied());
    Ok(is_whole.then_some(DecodedCustomers {
        entries,
        names: earlier.names,
        is_silent: changed.is_silent,
    }))
}

/// Whether a customer has all tags and properties that it had before.
fn has_all_names(customer: &RemoteCustomer, before: &RemoteCustomer) -> bool {
    let (Reported::Value(tags), Reported::Value(properties)) = (&before.tags, &before.custom_data)
    else {
        return false;
    };
    let mut names = properties.keys();
    tags.iter().all(|tag| customer.has_tag(&tag.name))
        && names.all(|name| customer.property(name).is_some())
}

/// See docs/formats/snapshot.md.
pub(super) fn pack_header(customers: &DecodedCustomers) -> Result<Vec<u8>, SnapshotError> {
    let names = serde_json::to_vec(&customers.names).map_err(ReadingError::from)?;
    let mut out = Vec::with_capacity(5 + names.len() + customers.entries.len() * ENTRY);
    out.push(u8::from(customers.is_silent));
    let length = u32::try_from(names.len()).map_err(std::io::Error::other)?;
    out.extend(length.to_le_bytes());
    out.extend(names);
    for entry in &customers.entries {
        out.extend(entry.id.0.to_le_bytes());
        out.extend(KeyHash::to_bits(entry.keys.user_id).to_le_bytes());
        out.extend(KeyHash::to_bits(entry.keys.email).to_le_bytes());
        out.extend(Fingerprint::to_bits(entry.fingerprint).to_le_bytes());
    }
    Ok(out)
}

pub(super) fn unpack_header(header: &[u8]) -> Result<DecodedCustomers, SnapshotError> {
    let cut_off = || SnapshotError::Damaged("a block's header is cut off");
    let (is_silent, rest) = header.split_first().ok_or_else(cut_off)?;
    let (length, rest) = rest.split_first_chunk().ok_or_else(cut_off)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(std::io::Error::other)?;
    let (names, entries) = rest.split_at_checked(length).ok_or_else(cut_off)?;
    let entries = entries.chunks(ENTRY).zip(0..);
    let entries = entries.map(|(bytes, number)| entry(bytes, number).ok_or_else(cut_off));
    Ok(DecodedCustomers {
        entries: entries.collect::<Result<_, _>>()?,
        names: serde_json::from_slice(names).map_err(ReadingError::from)?,
        is_silent: *is_silent != 0,
    })
}

fn entry(bytes: &[u8], number: u32) -> Option<Entry> {
    let (id, rest) = bytes.split_first_chunk()?;
    let (user_id, rest) = rest.split_first_chunk()?;
    let (email, rest) = rest.split_first_chunk()?;
    let keys = KeyHashes {
        user_id: KeyHash::from_bits(u128::from_le_bytes(*user_id)),
        email: KeyHash::from_bits(u128::from_le_bytes(*email)),
    };
    let fingerprint = Fingerprint::from_bits(u64::from_le_bytes(rest.try_into().ok()?));
    let id = CustomerId(u64::from_le_bytes(*id));
    Some(Entry {
        id,
        keys,
        place: Place::Stored(number),
        fingerprint,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CustomValue, Field, RemoteCustomer, Reported, Tag, Value};
    use crate::plan::fingerprint::ManagedAttributes;
    use crate::remote::snapshot::changes::ChangedBlock;

    fn with(id: u64, property: &str, tag: &str) -> Vec<u8> {
        let mut customer = RemoteCustomer::unknown(CustomerId(id));
        customer.set_field(
            Field::UserId,
            Some(Value::Text(format!("u{id} {property}"))),
        );
        customer.tags = Reported::Value(vec![Tag::named(tag)]);
        let value = CustomValue::Text("x".into());
        customer.custom_data = Reported::Value([(property.to_owned(), value)].into());
        serde_json::to_vec(&customer).unwrap()
    }

    #[test]
    fn an_updated_header_is_as_one_that_is_made_anew() {
        let managed = ManagedAttributes {
            fields: vec![Field::UserId],
            ..ManagedAttributes::default()
        };
        let prints = Fingerprinter::new(managed, 1);
        let silent = serde_json::to_vec(&RemoteCustomer::unknown(CustomerId(4))).unwrap();
        type Changes<'c> = &'c [(u64, Option<Vec<u8>>)];
        let changes: [(Changes<'_>, bool); 6] = [
            (&[(4, Some(with(4, "a", "t")))], true),
            (&[(4, Some(with(4, "b", "t")))], false),
            (&[(4, Some(with(4, "a", "other")))], false),
            (
                &[
                    (1, Some(with(1, "c", "new"))),
                    (99, Some(with(99, "a", "t"))),
                ],
                true,
            ),
            (&[(6, None)], false),
            (&[(5, Some(with(5, "c", "new"))), (4, Some(silent))], false),
        ];
        for (changes, is_enough) in changes {
            let mut block =
                ChangedBlock::new((2..=20).map(|n| (n * 2, with(n * 2, "a", "t"))).collect());
            let header =
                pack_header(&decode(&block.records, Some(&prints), |_| true).unwrap()).unwrap();
            block.before = Some(RecordsBefore::new());
            for (id, record) in changes {
                block.replace(*id, record.clone());
            }
            let before = block.before.as_ref().unwrap();
            let updated = updated(&header, &block.records, before, &prints).unwrap();
            assert_eq!(updated.is_some(), is_enough, "{changes:?}");
            let anew = decode(&block.records, Some(&prints), |_| true).unwrap();
            assert!(updated.is_none_or(|updated| updated == anew), "{changes:?}");
        }
    }

    #[test]
    fn a_header_holds_what_its_records_say() {
        let mut records = Records::new();
        for id in 1..=70_u64 {
            let mut customer = RemoteCustomer::unknown(CustomerId(id * 3));
            customer.set_field(Field::UserId, Some(Value::Text(format!("u{id}"))));
            customer.tags = Reported::Value(vec![Tag::named(format!("t{}", id % 3))]);
            let value = CustomValue::Bool(true);
            customer.custom_data = Reported::Value([(format!("p{}", id % 2), value)].into());
            let mail = (id % 2 == 0).then(|| Value::Text("A@x.org".into()));
            customer.set_field(Field::Email, mail);
            records.insert(id * 3, serde_json::to_vec(&customer).unwrap());
        }
        let managed = ManagedAttributes {
            fields: vec![Field::UserId],
            tags: true,
            ..ManagedAttributes::default()
        };
        let prints = Fingerprinter::new(managed, 1);
        let decoded = decode(&records, Some(&prints), |_| true).unwrap();
        let header = pack_header(&decoded).unwrap();
        assert_eq!(unpack_header(&header).unwrap(), decoded);
        assert_eq!(decoded.entries.len(), 70);
        assert!(decoded.entries.iter().all(|e| e.fingerprint.is_some()));
        assert!(unpack_header(&header[..header.len() - 1]).is_err());
        assert!(unpack_header(&header[..20]).is_err());
        let some = decode(&records, Some(&prints), |id| id.0 > 60).unwrap();
        assert_eq!(some.entries[..], decoded.entries[20..]);
    }
}
