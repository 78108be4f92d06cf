//! The customers that runs of one config wrote or matched, kept for the account so that a later run sees who is missing.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::domain::CustomerId;
use crate::domain::text::hex;
use crate::platform::{self, FileError};
use sha2::{Digest as _, Sha256};

const TRACKED_VERSION: u32 = 1;

/// Errors reading or writing the customers that are tracked.
#[derive(Debug, thiserror::Error)]
pub enum TrackedError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(
        "`{path}` was written by a newer version of hcsync (its version is {found}, this one knows {TRACKED_VERSION}); use that version"
    )]
    Newer { path: String, found: u32 },
}

/// The customers that are tracked for one config. Lists are in ascending order and hold each customer once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tracked {
    /// Rows of the last finished run; `None` before one has finished.
    pub rows: Option<u64>,
    /// Whether somebody agreed, at a terminal, to the first deletes.
    pub deletes_agreed: bool,
    pub customers: Vec<CustomerId>,
    /// Of these, customers that a run found missing and left as `missing` says.
    pub absent: Vec<CustomerId>,
    /// Of these, customers for which a run that has not ended yet may have done so.
    pub pending: Vec<CustomerId>,
}

/// The first line of the file. The ids follow, each as the distance to the one before it.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    hcsync_tracked: u32,
    rows: Option<u64>,
    deletes_agreed: bool,
    customers: usize,
    absent: usize,
    pending: usize,
    /// SHA-256 of what follows, in hex.
    sha256: String,
}

impl Tracked {
    /// Whether the customer was missing in an earlier run, so that it may have to be restored if it is back.
    #[must_use]
    pub fn was_absent(&self, id: CustomerId) -> bool {
        self.is_settled(id) || self.pending.binary_search(&id).is_ok()
    }

    /// Whether an earlier run left the customer as `missing` says.
    #[must_use]
    pub fn is_settled(&self, id: CustomerId) -> bool {
        self.absent.binary_search(&id).is_ok()
    }

    /// Reads the file. One that does not exist or is damaged tracks no customer: then nothing is missing until the next run
    /// has tracked them again.
    ///
    /// # Errors
    /// The file cannot be read, or is newer than this program.
    pub fn read(path: &Path) -> Result<Self, TrackedError> {
        let Some(bytes) = platform::read_file(path)? else {
            return Ok(Self::default());
        };
        match decode(&bytes) {
            Ok(tracked) => Ok(tracked),
            Err(Some(found)) => Err(TrackedError::Newer {
                path: path.display().to_string(),
                found,
            }),
            Err(None) => {
                let aside = platform::set_aside(path)?;
                tracing::warn!(
                    "`{}` was damaged and is now `{}`: customers that the input no longer holds are known again after the next \
                     finished run",
                    path.display(),
                    aside.display()
                );
                Ok(Self::default())
            }
        }
    }

    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), TrackedError> {
        let mut ids = Vec::new();
        for list in [&self.customers, &self.absent, &self.pending] {
            let mut last = 0;
            for id in list {
                put_number(&mut ids, id.0.wrapping_sub(last));
                last = id.0;
            }
        }
        let header = Header {
            hcsync_tracked: TRACKED_VERSION,
            rows: self.rows,
            deletes_agreed: self.deletes_agreed,
            customers: self.customers.len(),
            absent: self.absent.len(),
            pending: self.pending.len(),
            sha256: hex(&Sha256::digest(&ids)),
        };
        let mut bytes = serde_json::to_vec(&header).unwrap_or_default();
        bytes.push(b'\n');
        bytes.append(&mut ids);
        Ok(platform::write_whole(path, &bytes)?)
    }
}

/// # Errors
/// The version of a newer file, or `None` for a damaged one.
fn decode(bytes: &[u8]) -> Result<Tracked, Option<u32>> {
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(None)?;
    let (line, ids) = bytes.split_at_checked(end).ok_or(None)?;
    let mut ids = ids.get(1..).unwrap_or_default();
    let json: serde_json::Value = serde_json::from_slice(line).map_err(|_| None)?;
    let version = json
        .get("hcsync_tracked")
        .and_then(serde_json::Value::as_u64);
    let version = version.and_then(|version| u32::try_from(version).ok());
    if version.is_some_and(|version| version > TRACKED_VERSION) {
        return Err(version);
    }
    let header: Header = serde_json::from_value(json).map_err(|_| None)?;
    if hex(&Sha256::digest(ids)) != header.sha256 {
        return Err(None);
    }
    let mut list = |length: usize| -> Result<Vec<CustomerId>, io::Error> {
        let mut last = 0_u64;
        let mut list = Vec::with_capacity(length.min(ids.len()));
        for _ in 0..length {
            last = last.wrapping_add(take_number(&mut ids)?);
            list.push(CustomerId(last));
        }
        Ok(list)
    };
    let mut read = || -> Result<Tracked, io::Error> {
        Ok(Tracked {
            rows: header.rows,
            deletes_agreed: header.deletes_agreed,
            customers: list(header.customers)?,
            absent: list(header.absent)?,
            pending: list(header.pending)?,
        })
    };
    read().map_err(|_| None)
}

/// Seven bits in a byte, the lowest first; the highest bit says that another byte follows.
fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take_number(bytes: &mut &[u8]) -> io::Result<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(io::ErrorKind::UnexpectedEof)?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[u64]) -> Vec<CustomerId> {
        ids.iter().map(|id| CustomerId(*id)).collect()
    }

    fn tracked() -> Tracked {
        Tracked {
            rows: Some(1_000),
            deletes_agreed: true,
            customers: ids(&[0, 1, 127, 128, 300, 1 << 40, u64::MAX]),
            absent: ids(&[128, u64::MAX]),
            pending: ids(&[300]),
        }
    }

    #[test]
    fn what_is_tracked_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tracked");
        assert_eq!(Tracked::read(&path).unwrap(), Tracked::default());
        for tracked in [tracked(), Tracked::default()] {
            tracked.write(&path).unwrap();
            assert_eq!(Tracked::read(&path).unwrap(), tracked);
        }
        let absent = [128, 300].map(|id| tracked().was_absent(CustomerId(id)));
        assert_eq!(absent, [true, true]);
        let settled = [128, 300].map(|id| tracked().is_settled(CustomerId(id)));
        assert_eq!(settled, [true, false]);
    }

    #[test]
    fn a_damaged_file_tracks_no_customer_and_a_newer_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tracked");
        tracked().write(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            std::fs::write(&path, changed).unwrap();
            // A changed digit of the first line may still be a header.
            let read = Tracked::read(&path);
            assert!(
                read.is_err() || read.unwrap().customers.len() <= 8,
                "byte {at}"
            );
            std::fs::write(&path, &bytes[..at]).unwrap();
            assert_eq!(Tracked::read(&path).unwrap(), Tracked::default(), "{at}");
        }
        std::fs::write(&path, "{\"hcsync_tracked\":2}\n").unwrap();
        let refused = Tracked::read(&path).unwrap_err().to_string();
        assert!(refused.contains("newer version"), "{refused}");
    }

    #[test]
    fn a_million_customers_in_a_row_take_a_megabyte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tracked");
        let customers = (500_000..1_500_000).map(CustomerId).collect();
        let tracked = Tracked {
            customers,
            ..Tracked::default()
        };
        tracked.write(&path).unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() < 1_001_000);
    }
}
