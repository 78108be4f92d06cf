//! Recognizes files of rejected rows by what [`RejectedWriter`](super::RejectedWriter) adds to them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::Encoding;

use super::RESERVED_COLUMNS;
use super::raw_members::RawMembers;
use super::text_codec::TextCodec;

/// The members for a row that was not an object: as text, or as bytes if it was not text.
pub(super) const RAW: &str = "_raw";
pub(super) const RAW_BASE64: &str = "_raw_base64";

/// Returns the row, as bytes of a window, that was wrapped in an object of a file of rejected rows.
pub(super) fn unwrapped_row(object: &str, codec: TextCodec) -> Option<Vec<u8>> {
    let RawMembers(members) = serde_json::from_str(object).ok()?;
    let mut others = members
        .iter()
        .filter(|(name, _)| !RESERVED_COLUMNS.contains(&&**name));
    let (name, value) = others.next()?;
    if others.next().is_some() || members.len() == 1 {
        return None;
    }
    let text: String = serde_json::from_str(value.get()).ok()?;
    match &**name {
        RAW => Some(codec.encode(&text)),
        RAW_BASE64 => {
            let bytes = STANDARD.decode(text).ok()?;
            Some(codec.window(&bytes).into_owned())
        }
        _ => None,
    }
}

const NOTE: &str = " (this file is in ";

/// A note on the encoding of a file of rejected rows, for the user and for [`noted_encoding`].
pub(super) fn encoding_note(encoding: &'static Encoding) -> String {
    format!("{NOTE}{})", encoding.name())
}

/// Returns the encoding that the note in a file of rejected rows declares.
pub(super) fn noted_encoding(sample: &[u8]) -> Option<&'static Encoding> {
    let at = memchr::memmem::find(sample, NOTE.as_bytes())?;
    let label = sample.get(at + NOTE.len()..)?;
    let end = memchr::memchr(b')', label)?;
    Encoding::for_label(label.get(..end)?)
}

/// The beginning of the header of a table of rejected rows. Earlier versions wrote no `_hint`.
pub(super) fn own_header(delimiter: u8) -> Vec<u8> {
    let [line, status, error, _] = RESERVED_COLUMNS;
    [line, status, error].map(str::as_bytes).join(&delimiter)
}

/// The delimiter of a table of rejected rows by its header, or `None` if `sample` is not the beginning of one.
pub(super) fn own_delimiter(sample: &[u8]) -> Option<u8> {
    let delimiter = *sample.get(RESERVED_COLUMNS.first()?.len())?;
    sample
        .starts_with(&own_header(delimiter))
        .then_some(delimiter)
}

/// The number of cells that hcsync added before those of a row, by the header.
pub(super) fn own_cells(sample: &[u8]) -> usize {
    let Some(delimiter) = own_delimiter(sample) else {
        return 0;
    };
    let all = RESERVED_COLUMNS.map(str::as_bytes).join(&delimiter);
    let is_of_earlier_version = !sample.starts_with(&all);
    RESERVED_COLUMNS.len() - usize::from(is_of_earlier_version)
}
