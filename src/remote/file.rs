//! The remote side from an export instead of the API.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::helpcrunch::borrowed_customer;
use crate::plan::fingerprint::Fingerprinter;
use crate::platform::{map_in_order, read_from};

use super::decoded::DecodedCustomers;
use super::index::Place;
use super::memory_limit::MemoryLimit;
use super::reading::{Reading, ReadingError};

/// Why an export cannot stand for the remote side.
#[derive(Debug, thiserror::Error)]
pub enum RemoteFileError {
    #[error("it cannot be read")]
    Io(#[from] io::Error),
    #[error(
        "line {line} is no customer: {reason}; `hcsync export` writes such files, one customer a line"
    )]
    BadLine { line: u64, reason: String },
    #[error(transparent)]
    Reading(#[from] ReadingError),
}

/// Reads an export: one customer a line, as the API answers it. Ends early once the run is to stop. Several threads
/// parse the customers, and their values stay in the file.
///
/// # Errors
/// At the first line that is no customer, since a plan against half an account would create the other half again.
pub fn read_export(
    path: &Path,
    (fingerprinter, limit): (Arc<Fingerprinter>, Option<MemoryLimit>),
    stopped: &dyn Fn() -> bool,
) -> Result<Reading, RemoteFileError> {
    let (file, bytes) = seekable(path)?;
    let blocks = Blocks {
        file: file.try_clone()?,
        fingerprinter: Arc::clone(&fingerprinter),
        free: Mutex::default(),
    };
    let mut reading = Reading::of_export(file, bytes)
        .with_fingerprints(fingerprinter)
        .with_memory_limit(limit);
    let mut starts = (0..bytes).step_by(BLOCK);
    let next = || match stopped() {
        true => Ok::<_, RemoteFileError>(None),
        false => Ok(starts.next()),
    };
    let mut lines = 0;
    let decode = |start| blocks.decode(start);
    map_in_order(next, decode, |decoded| {
        let decoded = decoded?;
        if let Some((line, reason)) = decoded.bad_line {
            let line = lines + line;
            return Err(RemoteFileError::BadLine { line, reason });
        }
        lines += decoded.lines;
        if reading.is_empty() {
            reading.reserve(expected_customers(bytes, decoded.customers.len()))?;
        }
        Ok(reading.put_all(decoded.customers)?)
    })?;
    Ok(reading)
}

/// A customer in an export is hardly ever shorter, in bytes: the API answers with all attributes.
const MIN_CUSTOMER: u64 = 200;

/// About how many customers a file of `bytes` bytes holds, rather too many, if its first block holds `in_block`. Short lines
/// at the start must not lead to a far too large allocation.
fn expected_customers(bytes: u64, in_block: usize) -> usize {
    let blocks = bytes / BLOCK as u64 + 1;
    let in_blocks = usize::try_from(blocks).map_or(0, |blocks| blocks * in_block);
    let max = usize::try_from(bytes / MIN_CUSTOMER).unwrap_or(usize::MAX);
    (in_blocks + in_blocks / 32).min(max)
}

/// The file and its length. One that is a pipe is copied first: values are read again where they are needed.
fn seekable(path: &Path) -> io::Result<(File, u64)> {
    let mut file = File::open(path)?;
    let found = file.metadata()?;
    if found.is_file() {
        return Ok((file, found.len()));
    }
    let mut copy = tempfile::tempfile()?;
    let bytes = io::copy(&mut file, &mut copy)?;
    Ok((copy, bytes))
}

/// Bytes of a block. Small enough for a processor's own cache.
const BLOCK: usize = 1 << 18;

/// Bytes that are read at a time of a line that ends behind its block.
const STEP: usize = 1 << 12;

/// An export in blocks, to which all lines belong that begin in them.
struct Blocks {
    file: File,
    fingerprinter: Arc<Fingerprinter>,
    /// Room of blocks that were decoded.
    free: Mutex<Vec<Vec<u8>>>,
}

impl Blocks {
    fn decode(&self, start: u64) -> io::Result<DecodedBlock> {
        let free = || self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut room = free().pop().unwrap_or_default();
        let mut decoded = DecodedBlock::default();
        let (offset, lines) = self.lines(start, &mut room)?;
        decoded.add_lines(lines, offset, &self.fingerprinter);
        free().push(room);
        Ok(decoded)
    }

    /// The lines of the block that begins at `start`, and where they are in the file.
    fn lines<'r>(&self, start: u64, room: &'r mut Vec<u8>) -> io::Result<(u64, &'r [u8])> {
        // The byte before the block shows whether a line begins with the block.
        let before = usize::from(start > 0);
        let offset = start - before as u64;
        room.resize(before + BLOCK, 0);
        let mut length = read_from(&self.file, offset, room)?;
        let line_end = |room: &[u8], from: usize, to: usize| {
            let at = memchr::memchr(b'\n', room.get(from..to)?);
            at.map(|at| from + at + 1)
        };
        let first = match before {
            0 => Some(0),
            _ => line_end(room, 0, length.min(BLOCK)),
        };
        let mut searched = before + BLOCK - 1;
        let mut end = length;
        while first.is_some() && length == room.len() {
            if let Some(found) = line_end(room, searched, length) {
                end = found;
                break;
            }
            searched = length;
            room.resize(length + STEP, 0);
            let free = room.get_mut(length..).unwrap_or_default();
            length += read_from(&self.file, offset + length as u64, free)?;
            end = length;
        }
        let first = first.unwrap_or(end);
        let lines = room.get(first..end).unwrap_or_default();
        Ok((offset + first as u64, lines))
    }
}

/// The customers of a block.
#[derive(Default)]
struct DecodedBlock {
    customers: DecodedCustomers,
    lines: u64,
    /// The first line that is no customer, counted from 1 in the block, and why.
    bad_line: Option<(u64, String)>,
}

impl DecodedBlock {
    fn add_lines(&mut self, bytes: &[u8], offset: u64, fingerprinter: &Fingerprinter) {
        let expected = bytes.len() as u64 / MIN_CUSTOMER / 2;
        let expected = usize::try_from(expected).unwrap_or(0);
        self.customers.entries.reserve(expected);
        let mut start = 0;
        while let Some(rest) = bytes.get(start..).filter(|rest| !rest.is_empty()) {
            let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let line = rest.get(..length).unwrap_or_default();
            start += length;
            self.lines += 1;
            let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
            let offset = offset + (start - text.len()) as u64;
            if let Err(reason) = self.add(text, offset, fingerprinter) {
                self.bad_line = Some((self.lines, reason));
                return;
            }
        }
    }

    fn add(
        &mut self,
        line: &[u8],
        offset: u64,
        fingerprinter: &Fingerprinter,
    ) -> Result<(), String> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let customer = borrowed_customer(line).map_err(|e| e.to_string())?;
        let length = u32::try_from(line.len()).map_err(|e| e.to_string())?;
        let place = Place::File { offset, length };
        self.customers.add(&customer, place, Some(fingerprinter));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CustomerId, Field, Value};
    use crate::plan::fingerprint::ManagedAttributes;
    use crate::plan::matching::RemoteLookup as _;

    fn read(lines: &[String]) -> Result<Reading, RemoteFileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("export.jsonl");
        // The last line has no end.
        std::fs::write(&path, lines.join("\n")).unwrap();
        let fingerprinter = Fingerprinter::new(ManagedAttributes::default(), 1);
        read_export(&path, (Arc::new(fingerprinter), None), &|| false)
    }

    #[test]
    fn customers_and_bad_lines_are_found_wherever_blocks_end() {
        let lengths = [10, BLOCK, 3 * BLOCK, 1, BLOCK / 2, BLOCK / 2, 100, 7];
        let mut lines = vec!["\u{feff}".to_owned()];
        for (id, length) in (1..).zip(lengths) {
            let name = "x".repeat(length);
            lines.push(format!("{{\"id\":{id},\"name\":\"{name}\"}}\r"));
        }
        lines.insert(5, String::new());
        let reading = read(&lines).unwrap();
        assert_eq!(reading.len(), lengths.len() as u64);
        for (id, length) in (1..).zip(lengths) {
            let customer = reading.customer(CustomerId(id)).unwrap().unwrap();
            let name = Value::Text("x".repeat(length));
            assert!(customer.value(Field::Name) == Some(&name), "{id}");
        }
        // The first line ends around the end of a block.
        for length in BLOCK - 40..BLOCK + 4 {
            let line =
                |id: u64, length| format!("{{\"id\":{id},\"name\":\"{}\"}}", "x".repeat(length));
            let reading = read(&[line(1, length), line(2, 3), line(3, 3)]).unwrap();
            let found = reading.customer(CustomerId(2)).unwrap().unwrap();
            assert_eq!(found.value(Field::Name), Some(&Value::Text("xxx".into())));
            assert_eq!(reading.len(), 3, "{length}");
        }
        for at in 0..lines.len() {
            let mut lines = lines.clone();
            lines[at] = "[]".to_owned();
            let Err(RemoteFileError::BadLine { line, .. }) = read(&lines) else {
                panic!("line {at} was read")
            };
            assert_eq!(line, at as u64 + 1);
        }
    }
}
