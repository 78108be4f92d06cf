use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::bufread::GzDecoder;
use sha2::{Digest, Sha256};

use super::error::SourceError;
use crate::domain::text::hex;

/// An input file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// As the user wrote it, for messages.
    pub name: String,
    pub path: PathBuf,
}

impl InputFile {
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            path: path.into(),
        }
    }

    pub(super) fn open(&self) -> Result<File, SourceError> {
        let name = || self.name.clone();
        let refused = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                SourceError::NotFound { name: name() }
            }
            io::ErrorKind::PermissionDenied => SourceError::PermissionDenied { name: name() },
            _ => SourceError::Io {
                name: name(),
                offset: 0,
                source: error,
            },
        };
        // Opening a directory succeeds on some systems and is "permission denied" on others.
        if Path::is_dir(&self.path) {
            return Err(SourceError::IsDirectory { name: name() });
        }
        File::open(&self.path).map_err(refused)
    }
}

/// The hash and the number of the stored bytes read so far, shared with the stream that reads them.
#[derive(Clone, Default)]
pub(super) struct InputTally(Arc<Mutex<TallyState>>);

#[derive(Clone, Default)]
struct TallyState {
    hash: Sha256,
    bytes: u64,
}

impl InputTally {
    fn add(&self, bytes: &[u8]) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.hash.update(bytes);
        seen.bytes += bytes.len() as u64;
    }

    pub(super) fn bytes(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }

    /// SHA-256 of the bytes so far in lower-case hexadecimal.
    pub(super) fn sha256(&self) -> String {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let digest = seen.hash.clone().finalize();
        hex(&digest)
    }
}

struct TallyReader<R> {
    input: R,
    tally: InputTally,
}

impl<R: Read> Read for TallyReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(into)?;
        self.tally.add(into.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// The concatenated members of a gzip stream. Zero bytes after a member are padding from tapes and block devices.
struct GzipMembers<R> {
    current: Option<GzDecoder<R>>,
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.current {
            let count = member.read(into)?;
            if count > 0 {
                return Ok(count);
            }
            let follows = skip_zeros(member.get_mut())?;
            let input = self.current.take().map(GzDecoder::into_inner);
            self.current = input.filter(|_| follows).map(GzDecoder::new);
        }
        Ok(0)
    }
}

/// Skips zero bytes. Returns whether anything follows them.
fn skip_zeros(input: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Ok(false);
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let follows = zeros < bytes.len();
        input.consume(zeros);
        if follows {
            return Ok(true);
        }
    }
}

/// A stream of decompressed bytes.
pub(super) struct Unpacked {
    pub(super) stream: Box<dyn Read + Send>,
    pub(super) tally: InputTally,
    pub(super) packing: Option<&'static str>,
}

/// Decompresses gzip and zstd, recognized by their first bytes, and counts and hashes the stored bytes.
pub(super) fn unpack(input: impl Read + Send + 'static) -> io::Result<Unpacked> {
    let tally = InputTally::default();
    let mut input = TallyReader {
        input,
        tally: tally.clone(),
    };
    let mut head = Vec::new();
    input.by_ref().take(4).read_to_end(&mut head)?;
    let gzip = head.starts_with(&[0x1F, 0x8B]);
    let zstd = matches!(
        head.as_slice(),
        [0x28, 0xB5, 0x2F, 0xFD] | [0x50..=0x5F, 0x2A, 0x4D, 0x18]
    );
    let whole = Cursor::new(head).chain(input);
    let (stream, packing): (Box<dyn Read + Send>, _) = if gzip {
        let input = BufReader::with_capacity(64 << 10, whole);
        let members = GzipMembers {
            current: Some(GzDecoder::new(input)),
        };
        (Box::new(members), Some("gzip"))
    } else if zstd {
        (Box::new(zstd::Decoder::new(whole)?), Some("zstd"))
    } else {
        (Box::new(whole), None)
    };
    Ok(Unpacked {
        stream,
        tally,
        packing,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: Vec<u8>) -> (io::Result<Vec<u8>>, InputTally) {
        let mut unpacked = unpack(Cursor::new(bytes)).unwrap();
        let mut text = Vec::new();
        let result = unpacked.stream.read_to_end(&mut text);
        (result.map(|_| text), unpacked.tally)
    }

    #[test]
    fn several_members_and_frames_are_one_stream() {
        let members = [gzip(b"one,"), gzip(b"two")].concat();
        let frames = [b"one,".as_slice(), b"two"]
            .map(|part| zstd::encode_all(part, 0).unwrap())
            .concat();
        for packed in [members, frames] {
            let size = packed.len() as u64;
            let (text, tally) = read(packed);
            assert_eq!(text.unwrap(), b"one,two");
            assert_eq!(tally.bytes(), size);
        }
    }

    #[test]
    fn zeros_behind_a_member_are_padding() {
        let zeros = vec![0; 100_000];
        for packed in [
            [gzip(b"one,two"), zeros.clone()].concat(),
            [gzip(b"one,"), zeros.clone(), gzip(b"two"), vec![0]].concat(),
        ] {
            let size = packed.len() as u64;
            let (text, tally) = read(packed);
            assert_eq!(text.unwrap(), b"one,two");
            assert_eq!(tally.bytes(), size);
        }
        assert!(read([gzip(b"one"), zeros, vec![7]].concat()).0.is_err());
    }

    #[test]
    fn the_hash_is_of_the_stored_bytes() {
        let (text, tally) = read(b"abc".to_vec());
        assert_eq!(text.unwrap(), b"abc");
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(tally.sha256(), known);
    }

    #[test]
    fn a_cut_file_is_an_error() {
        for packed in [gzip(&[7; 999]), zstd::encode_all(&[7; 999][..], 0).unwrap()] {
            let cut = packed[..packed.len() - 3].to_vec();
            assert!(read(cut).0.is_err());
        }
    }
}
