/// A line of the journal: `{"c":"9f1c2a77","s":1234,"e":{…}}`.
///
/// `c` is the CRC-32, in hex, of everything after its comma up to the closing brace. `s` is how many bytes of the file were
/// known to be on disk when the line was written. So a valid line proves that everything before its `s` was durable, and
/// a power cut cannot have damaged it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) synced: u64,
    pub(super) body: &'a [u8],
}

const START: &[u8] = b"{\"c\":\"";
const AFTER_CHECKSUM: &[u8] = b"\",";
const SYNCED: &[u8] = b"\"s\":";
const BODY: &[u8] = b",\"e\":";
const END: &[u8] = b"}\n";
const CHECKSUM_LEN: usize = 8;

/// Appends the line of one record, which is JSON without a newline.
pub(super) fn encode(frame: Frame<'_>, into: &mut Vec<u8>) {
    let synced = frame.synced.to_string();
    let parts = [SYNCED, synced.as_bytes(), BODY, frame.body];
    let mut checksum = crc32fast::Hasher::new();
    for part in parts {
        checksum.update(part);
    }
    into.extend_from_slice(START);
    into.extend_from_slice(format!("{:08x}", checksum.finalize()).as_bytes());
    into.extend_from_slice(AFTER_CHECKSUM);
    for part in parts {
        into.extend_from_slice(part);
    }
    into.extend_from_slice(END);
}

/// Parses a whole line with its newline; `None` if it is cut or damaged.
pub(super) fn decode(line: &[u8]) -> Option<Frame<'_>> {
    let rest = line.strip_prefix(START)?.strip_suffix(END)?;
    let (checksum, rest) = rest.split_at_checked(CHECKSUM_LEN)?;
    let covered = rest.strip_prefix(AFTER_CHECKSUM)?;
    if format!("{:08x}", crc32fast::hash(covered)).as_bytes() != checksum {
        return None;
    }
    let rest = covered.strip_prefix(SYNCED)?;
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (synced, rest) = rest.split_at_checked(digits)?;
    Some(Frame {
        synced: std::str::from_utf8(synced).ok()?.parse().ok()?,
        body: rest.strip_prefix(BODY)?,
    })
}

/// Parses the whole line at the end of a damaged one that lost its newline.
pub(super) fn decode_tail(line: &[u8]) -> Option<Frame<'_>> {
    let starts = line.windows(START.len()).enumerate().skip(1);
    let mut tails = starts.filter(|(_, window)| *window == START);
    // The same bytes may occur within a record; only a real line has the right checksum.
    tails.find_map(|(at, _)| decode(line.get(at..)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(frame: Frame<'_>) -> Vec<u8> {
        let mut line = Vec::new();
        encode(frame, &mut line);
        line
    }

    #[test]
    fn a_line_is_json_of_its_own() {
        let line = line(Frame {
            synced: 120,
            body: br#"{"kind":"x"}"#,
        });
        let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(value["s"], 120);
        assert_eq!(value["e"]["kind"], "x");
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(synced: u64, body in "\\{[a-z\":,}{0-9]{0,40}\\}") {
            let frame = Frame { synced, body: body.as_bytes() };
            let line = line(frame);
            prop_assert_eq!(decode(&line), Some(frame));
        }

        #[test]
        fn any_one_changed_byte_is_noticed(at in 0_usize..200, change in 1_u8..=255) {
            let mut line = line(Frame { synced: 77, body: br#"{"kind":"intent","row":1}"# });
            let at = at % line.len();
            line[at] ^= change;
            prop_assert_eq!(decode(&line), None);
        }
    }
}
