//! The remote side from an export instead of the API.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::helpcrunch::decode_customer;

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

/// Reads an export: one customer a line, as the API answers it. Ends early once it is given up.
///
/// # Errors
/// At the first line that is no customer, since a plan against half an account would create the other half again.
pub fn read_export(
    path: &Path,
    mut reading: Reading,
    given_up: &AtomicBool,
) -> Result<Reading, RemoteFileError> {
    let mut input = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut bytes = Vec::new();
    let mut line = 0;
    while !given_up.load(Ordering::Relaxed) {
        bytes.clear();
        if input.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        line += 1;
        let text = bytes
            .strip_prefix(b"\xef\xbb\xbf".as_slice())
            .unwrap_or(&bytes);
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let bad = |reason: String| RemoteFileError::BadLine { line, reason };
        reading.put(&decode_customer(text).map_err(|e| bad(e.to_string()))?)?;
    }
    Ok(reading)
}
