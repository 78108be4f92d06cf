//! Compressed blocks of customers with neighbouring ids. They are so similar that a block takes a quarter of the space.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Read};

use zstd::bulk::Compressor;
use zstd::stream::read::Decoder;
use zstd::zstd_safe::{DCtx, find_frame_compressed_size};

use super::SnapshotError;

/// Number of customers in a new block.
pub(super) const NEW_BLOCK: usize = 64;
/// A block with more customers is split.
pub(super) const MAX_BLOCK: usize = 2 * NEW_BLOCK;

/// Number of customers that are compressed together: as few as have to be unpacked to read one.
pub(super) const FRAME: usize = 16;

/// Maximum size of an unpacked block in bytes, in case it is damaged.
const MAX_BYTES: u64 = 1 << 30;
/// Higher levels of zstd hardly compress better.
const LEVEL: i32 = 1;

thread_local! {
    /// Making one takes longer than unpacking a frame.
    static CONTEXT: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
    /// Likewise.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

/// Records of customers by id, in the format of [`Reading::record`](super::super::reading::Reading::record).
pub(super) type Records = BTreeMap<u64, Vec<u8>>;

/// Packs records into a block: frames with a checksum.
pub(super) fn pack(records: &Records) -> Result<Vec<u8>, SnapshotError> {
    COMPRESSOR.with_borrow_mut(|made| {
        let compressor = match made {
            Some(compressor) => compressor,
            None => made.insert(compressor()?),
        };
        pack_with(compressor, records)
    })
}

fn compressor() -> io::Result<Compressor<'static>> {
    let mut compressor = Compressor::new(LEVEL)?;
    compressor.include_checksum(true)?;
    Ok(compressor)
}

fn pack_with(compressor: &mut Compressor<'_>, records: &Records) -> Result<Vec<u8>, SnapshotError> {
    let (mut block, mut bytes) = (Vec::new(), Vec::new());
    for (number, (id, record)) in (1..).zip(records) {
        let length = u32::try_from(record.len()).map_err(io::Error::other)?;
        bytes.extend(id.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend_from_slice(record);
        if number % FRAME == 0 || number == records.len() {
            block.extend(compressor.compress(&bytes)?);
            bytes.clear();
        }
    }
    Ok(block)
}

/// The frame of the block that has the record with this number. A block that an earlier version wrote is one frame.
pub(super) fn frame_of(block: &[u8], number: u32) -> &[u8] {
    let mut rest = block;
    for before in (0..=number as usize / FRAME).rev() {
        let length = find_frame_compressed_size(rest).unwrap_or(rest.len());
        match rest.split_at_checked(length) {
            Some((_, next)) if before > 0 && !next.is_empty() => rest = next,
            Some((frame, _)) => return frame,
            None => break,
        }
    }
    rest
}

pub(super) fn unpack(block: &[u8]) -> Result<Records, SnapshotError> {
    let bytes = decompress(block)?;
    records(&bytes)
        .map(|record| record.map(|(id, record)| (id, record.to_vec())))
        .collect()
}

/// The record of one customer in a frame.
pub(super) fn unpack_record(frame: &[u8], id: u64) -> Result<Vec<u8>, SnapshotError> {
    let bytes = decompress(frame)?;
    for record in records(&bytes) {
        let (other, record) = record?;
        if other == id {
            return Ok(record.to_vec());
        }
    }
    Err(SnapshotError::Damaged("a customer is missing"))
}

fn decompress(block: &[u8]) -> io::Result<Vec<u8>> {
    CONTEXT.with_borrow_mut(|context| {
        let mut bytes = Vec::new();
        let decoder = Decoder::with_context(block, context);
        decoder.take(MAX_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    })
}

/// The ids and records of an unpacked block. It ends with the first error.
fn records(mut bytes: &[u8]) -> impl Iterator<Item = Result<(u64, &[u8]), SnapshotError>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let record = split_first(&mut bytes);
        if record.is_none() {
            bytes = &[];
        }
        Some(record.ok_or(SnapshotError::Damaged("a block is cut off")))
    })
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
    fn records_can_be_read_back_and_a_flipped_bit_is_noticed() {
        let records: Records = (1..=NEW_BLOCK as u64)
            .map(|id| {
                (
                    id * 7,
                    format!(r#"{{"id":{id},"name":"Person {id}"}}"#).into_bytes(),
                )
            })
            .collect();
        let block = pack(&records).unwrap();
        assert_eq!(unpack(&block).unwrap(), records);
        for (number, id) in (0..).zip(records.keys()) {
            let frame = unpack(frame_of(&block, number)).unwrap();
            assert!(frame.len() <= FRAME && frame.contains_key(id), "{number}");
        }
        let one_frame = zstd::encode_all(zstd::decode_all(&block[..]).unwrap().as_slice(), 1);
        let one_frame = one_frame.unwrap();
        assert_eq!(unpack(frame_of(&one_frame, 63)).unwrap(), records);
        let size: usize = records.values().map(Vec::len).sum();
        assert!(block.len() * 2 < size, "{} of {size}", block.len());
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
