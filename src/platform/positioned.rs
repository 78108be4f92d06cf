use std::fs::File;
use std::io;

use super::system::{read_at, write_at};

/// Reads from a place of a file, until the room is full or the file ends. Returns the number of bytes. Several threads may do so
/// at once.
pub fn read_from(file: &File, offset: u64, room: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while let Some(free) = room.get_mut(read..).filter(|free| !free.is_empty()) {
        match read_at(file, free, offset + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// Writes all bytes at a place of a file.
pub fn write_to(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match write_at(file, rest, offset + written as u64) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(more) => written += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
