use std::io::{self, Read};

/// Marks the last byte of an input with an odd number of bytes. It does not occur in UTF-8.
const ODD: u8 = 0xFE;

/// Converts a stream of UTF-16 to UTF-8, which can be split at ASCII bytes.
///
/// The conversion is lossless: an unpaired surrogate becomes the three bytes that UTF-8 would have for it, which makes only its
/// own cell invalid, and [`to_utf16`] restores the exact bytes of the input.
pub(super) struct Utf16Reader<R> {
    input: R,
    big_endian: bool,
    /// Bytes that could not be converted yet: half a unit, or the first unit of a pair.
    carry: Vec<u8>,
    output: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<R: Read> Utf16Reader<R> {
    pub(super) fn new(input: R, big_endian: bool) -> Self {
        Self {
            input,
            big_endian,
            carry: Vec::new(),
            output: Vec::new(),
            given: 0,
            ended: false,
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        let held = self.carry.len();
        self.carry.resize(held + (32 << 10), 0);
        let free = self.carry.get_mut(held..).unwrap_or_default();
        let read = self.input.read(free);
        self.carry.truncate(held + read.as_ref().map_or(0, |n| *n));
        self.ended = read? == 0;
        self.output.clear();
        self.given = 0;
        let taken = from_utf16(&self.carry, self.big_endian, self.ended, &mut self.output);
        self.carry.drain(..taken);
        Ok(())
    }
}

impl<R: Read> Read for Utf16Reader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.output.len() && !self.ended {
            self.refill()?;
        }
        let mut rest = self.output.get(self.given..).unwrap_or_default();
        let count = rest.read(into)?;
        self.given += count;
        Ok(count)
    }
}

fn unit(pair: [u8; 2], big_endian: bool) -> u16 {
    if big_endian {
        u16::from_be_bytes(pair)
    } else {
        u16::from_le_bytes(pair)
    }
}

/// Converts UTF-16 bytes, appends the UTF-8 and returns the number of bytes converted, which is all of them if they are the
/// `last`.
pub(super) fn from_utf16(bytes: &[u8], big_endian: bool, last: bool, into: &mut Vec<u8>) -> usize {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let cut = |pair: &&[u8; 2]| (0xD800..0xDC00).contains(&unit(**pair, big_endian));
    let held = if last || pairs.last().as_ref().is_none_or(|p| !cut(p)) {
        0
    } else {
        1
    };
    let whole = pairs.get(..pairs.len() - held).unwrap_or_default();
    for decoded in char::decode_utf16(whole.iter().map(|pair| unit(*pair, big_endian))) {
        match decoded {
            Ok(c) => into.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(lone) => {
                let [high, low] = lone.unpaired_surrogate().to_be_bytes();
                let middle = 0x80 | ((high & 0x0F) << 2) | (low >> 6);
                into.extend_from_slice(&[0xED, middle, 0x80 | (low & 0x3F)]);
            }
        }
    }
    if let ([byte], true) = (odd, last) {
        into.extend_from_slice(&[ODD, 0x80 | (byte >> 4), 0x80 | (byte & 0x0F)]);
        return bytes.len();
    }
    whole.len() * 2
}

/// Restores the UTF-16 bytes from the result of [`from_utf16`].
pub(super) fn to_utf16(mut bytes: &[u8], big_endian: bool) -> Vec<u8> {
    let mut units = Vec::with_capacity(bytes.len() * 2);
    let push = |unit: u16, units: &mut Vec<u8>| {
        units.extend_from_slice(&if big_endian {
            unit.to_be_bytes()
        } else {
            unit.to_le_bytes()
        });
    };
    while !bytes.is_empty() {
        let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        valid.encode_utf16().for_each(|u| push(u, &mut units));
        bytes = bytes.get(valid.len()..).unwrap_or_default();
        bytes = match bytes {
            [0xED, middle, low, rest @ ..] => {
                let bits = (u16::from(middle & 0x3F) << 6) | u16::from(low & 0x3F);
                push(0xD000 | bits, &mut units);
                rest
            }
            [ODD, high, low, rest @ ..] => {
                units.push((high << 4) | (low & 0x0F));
                rest
            }
            [_, rest @ ..] => rest,
            [] => bytes,
        };
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives one byte at a time.
    struct Drops<'a>(&'a [u8]);
    impl Read for Drops<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = into.len().min(1);
            self.0.read(&mut into[..count])
        }
    }

    fn read_all(bytes: &[u8], big_endian: bool) -> Vec<u8> {
        let mut text = Vec::new();
        Utf16Reader::new(Drops(bytes), big_endian)
            .read_to_end(&mut text)
            .unwrap();
        text
    }

    #[test]
    fn pairs_are_joined_over_chunks() {
        let bytes: Vec<u8> = "aж😀\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(read_all(&bytes, true), "aж😀\n".as_bytes());
    }

    #[test]
    fn a_lone_surrogate_spoils_itself_only() {
        let bytes = [0x61, 0, 0, 0xD8, 0x62, 0, 0x0A];
        let text = read_all(&bytes, false);
        assert_eq!(text, b"a\xED\xA0\x80b\xFE\x80\x8A");
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(bytes: Vec<u8>, big_endian: bool) {
            prop_assert_eq!(to_utf16(&read_all(&bytes, big_endian), big_endian), bytes);
        }

        #[test]
        fn surrogates_come_back(units in proptest::collection::vec(0xD700u16..0xE100, 0..40)) {
            let bytes: Vec<u8> = units.into_iter().flat_map(u16::to_le_bytes).collect();
            prop_assert_eq!(to_utf16(&read_all(&bytes, false), false), bytes);
        }
    }
}
