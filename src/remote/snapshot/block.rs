//! Neighbouring customers in one compressed block: they are alike, so that together they take a fifth of the space.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use super::SnapshotError;

/// Customers of a block that is newly written.
pub(super) const FILL: usize = 64;
/// A block with more is split.
pub(super) const MOST: usize = 2 * FILL;

/// A block is never larger than this, however damaged it is.
const LARGEST: u64 = 1 << 30;
/// The fastest levels of zstd already find what neighbours have in common.
const LEVEL: i32 = 1;

/// Records of customers by id, each in the form in which readings are kept.
pub(super) type Records = BTreeMap<u64, Vec<u8>>;

/// The block of these records, with a checksum over all of them.
pub(super) fn pack(records: &Records) -> Result<Vec<u8>, SnapshotError> {
    let mut out = zstd::stream::write::Encoder::new(Vec::new(), LEVEL)?;
    out.include_checksum(true)?;
    for (id, record) in records {
        let length = u32::try_from(record.len()).map_err(io::Error::other)?;
        out.write_all(&id.to_le_bytes())?;
        out.write_all(&length.to_le_bytes())?;
        out.write_all(record)?;
    }
    Ok(out.finish()?)
}

/// The records of a block.
pub(super) fn unpack(block: &[u8]) -> Result<Records, SnapshotError> {
    let mut bytes = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(block)?;
    decoder.take(LARGEST).read_to_end(&mut bytes)?;
    let mut rest = bytes.as_slice();
    let mut records = Records::new();
    while !rest.is_empty() {
        let record = split_first(&mut rest).ok_or(SnapshotError::Damaged("a block is cut off"))?;
        records.insert(record.0, record.1.to_vec());
    }
    Ok(records)
}

fn split_first<'b>(bytes: &mut &'b [u8]) -> Option<(u64, &'b [u8])> {
    let (id, rest) = bytes.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (record, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    Some((u64::from_le_bytes(*id), record))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_and_a_flipped_bit_is_noticed() {
        let records: Records = (1..=FILL as u64)
            .map(|id| {
                (
                    id * 7,
                    format!(r#"{{"id":{id},"name":"Person {id}"}}"#).into_bytes(),
                )
            })
            .collect();
        let block = pack(&records).unwrap();
        assert_eq!(unpack(&block).unwrap(), records);
        let size: usize = records.values().map(Vec::len).sum();
        assert!(block.len() * 3 < size, "{} of {size}", block.len());
        for at in (0..block.len()).step_by(17) {
            let mut damaged = block.clone();
            damaged[at] ^= 0x10;
            assert!(
                unpack(&damaged).is_err() || unpack(&damaged).unwrap() == records,
                "{at}"
            );
        }
        assert!(unpack(&block[..block.len() - 1]).is_err());
    }
}
