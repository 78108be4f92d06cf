//! The remote side from an export instead of the API.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::helpcrunch::decode_customer;
use crate::plan::fingerprint::Fingerprinter;
use crate::plan::previewer::KnownNames;
use crate::platform::worker_threads;

use super::index::Entry;
use super::reading::{Reading, ReadingError, learn_names};

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

/// Reads an export: one customer a line, as the API answers it. Ends early once it is given up. Customers are taken apart
/// by several threads, and their values stay in the file.
///
/// # Errors
/// At the first line that is no customer, since a plan against half an account would create the other half again.
pub fn read_export(
    path: &Path,
    fingerprinter: Arc<Fingerprinter>,
    given_up: &AtomicBool,
) -> Result<Reading, RemoteFileError> {
    let (file, bytes) = seekable(path)?;
    let mut blocks = Blocks::new(file.try_clone()?);
    let mut reading = Reading::of_export(file, bytes).with_fingerprints(Arc::clone(&fingerprinter));
    thread::scope(|scope| {
        let mut workers: VecDeque<Worker> = (0..worker_threads())
            .map(|_| Worker::start(scope, &fingerprinter))
            .collect();
        // Blocks go round the workers and come back in the same order.
        let mut waiting = VecDeque::new();
        loop {
            let block = match given_up.load(Ordering::Relaxed) {
                true => None,
                false => blocks.next_block()?,
            };
            let is_last = block.is_none();
            if let Some(block) = block
                && let Some(worker) = workers.pop_front()
            {
                worker.give(block);
                waiting.push_back(worker);
            }
            while (is_last || workers.is_empty())
                && let Some(worker) = waiting.pop_front()
            {
                let decoded = worker.take()?;
                reading.take_names(decoded.names);
                reading.add_silent(decoded.is_silent);
                for entry in decoded.entries {
                    reading.enter(entry)?;
                }
                workers.push_back(worker);
            }
            if is_last {
                return Ok(reading);
            }
        }
    })
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

/// Bytes of a block; one ends with the line that reaches this.
const BLOCK: usize = 1 << 20;

/// Whole lines of an export.
struct Block {
    offset: u64,
    /// The number of its first line, from 1.
    line: u64,
    bytes: Vec<u8>,
}

struct Blocks {
    input: BufReader<File>,
    offset: u64,
    line: u64,
}

impl Blocks {
    fn new(file: File) -> Self {
        Self {
            input: BufReader::with_capacity(BLOCK, file),
            offset: 0,
            line: 1,
        }
    }

    fn next_block(&mut self) -> io::Result<Option<Block>> {
        // The reading looks values up in the same file, and leaves its position anywhere.
        self.input.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::with_capacity(BLOCK + BLOCK / 8);
        while bytes.len() < BLOCK && self.input.read_until(b'\n', &mut bytes)? > 0 {}
        let block = Block {
            offset: self.offset,
            line: self.line,
            bytes,
        };
        self.offset += block.bytes.len() as u64;
        self.line += memchr::memchr_iter(b'\n', &block.bytes).count() as u64;
        Ok((!block.bytes.is_empty()).then_some(block))
    }
}

/// The customers of a block.
#[derive(Default)]
struct Decoded {
    entries: Vec<Entry>,
    names: KnownNames,
    /// Some answer left out tags or properties.
    is_silent: bool,
}

impl Decoded {
    fn of(block: &Block, fingerprinter: &Fingerprinter) -> Result<Self, RemoteFileError> {
        let mut decoded = Self::default();
        let mut offset = block.offset;
        let lines = block.bytes.split_inclusive(|byte| *byte == b'\n');
        for (line, bytes) in (block.line..).zip(lines) {
            let start = offset;
            offset += bytes.len() as u64;
            let mark = b"\xef\xbb\xbf".as_slice();
            let text = bytes.strip_prefix(mark).unwrap_or(bytes);
            if text.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let bad = |reason: String| RemoteFileError::BadLine { line, reason };
            let customer = decode_customer(text).map_err(|e| bad(e.to_string()))?;
            learn_names(&mut decoded.names, &customer);
            let length = u32::try_from(text.len()).map_err(|e| bad(e.to_string()))?;
            let place = (start + (bytes.len() - text.len()) as u64, length);
            decoded.is_silent |= !customer.is_whole();
            let entry = Entry::new(&customer, place, Some(fingerprinter));
            decoded.entries.push(entry);
        }
        Ok(decoded)
    }
}

/// A thread that decodes one block after the other.
struct Worker {
    blocks: SyncSender<Block>,
    decoded: Receiver<Result<Decoded, RemoteFileError>>,
}

impl Worker {
    fn start<'scope>(
        scope: &'scope thread::Scope<'scope, '_>,
        fingerprinter: &Arc<Fingerprinter>,
    ) -> Self {
        let (blocks, received) = sync_channel::<Block>(1);
        let (sender, decoded) = sync_channel(1);
        let fingerprinter = Arc::clone(fingerprinter);
        scope.spawn(move || {
            for block in received {
                if sender.send(Decoded::of(&block, &fingerprinter)).is_err() {
                    return;
                }
            }
        });
        Self { blocks, decoded }
    }

    fn give(&self, block: Block) {
        // A worker that panicked is noticed where its answer is taken.
        drop(self.blocks.send(block));
    }

    fn take(&self) -> Result<Decoded, RemoteFileError> {
        let panicked = |_| io::Error::other("a thread that read it panicked");
        self.decoded.recv().map_err(panicked)?
    }
}
