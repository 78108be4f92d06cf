//! Reads the members of a JSON object that may be incomplete.

use super::json_nesting::Nesting;
use super::text_codec::TextCodec;

pub(super) struct Member {
    pub(super) name: String,
    pub(super) at: usize,
    pub(super) end: usize,
}

/// The complete members of the object that begins at an offset; empty if there is no object.
pub(super) fn members(bytes: &[u8], at: usize, codec: TextCodec) -> Vec<Member> {
    let mut members = Vec::new();
    if bytes.get(at) != Some(&b'{') {
        return members;
    }
    let mut next = skip_blanks(bytes, at + 1);
    while bytes.get(next) == Some(&b'"') {
        let name_end = value_end(bytes, next);
        let colon = skip_blanks(bytes, name_end);
        let value = skip_blanks(bytes, colon + 1);
        let name = codec.text(bytes.get(next..name_end).unwrap_or_default());
        let name = name.and_then(|name| serde_json::from_str(&name).ok());
        let (Some(b':'), Some(name), true) = (bytes.get(colon), name, value < bytes.len()) else {
            break;
        };
        let end = value_end(bytes, value);
        members.push(Member {
            name,
            at: value,
            end,
        });
        next = skip_blanks(bytes, end);
        if bytes.get(next) != Some(&b',') {
            break;
        }
        next = skip_blanks(bytes, next + 1);
    }
    members
}

/// The end of the value that begins at an offset, or of the bytes.
fn value_end(bytes: &[u8], at: usize) -> usize {
    let mut nesting = Nesting::default();
    let value = bytes.get(at..).unwrap_or_default();
    nesting.end_in(value).map_or(bytes.len(), |end| at + end)
}

pub(super) fn skip_blanks(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    bytes.len() - rest.trim_ascii_start().len()
}
