//! Scalars of JSON, borrowed from its text.

use std::borrow::Cow;

use super::walk::plain_bytes;
use crate::domain::text::trim;

/// A scalar in an answer. Numbers keep their digits: a `userId` or phone may have more than a float can hold.
pub(super) enum JsonScalar<'a> {
    Null,
    Text(Cow<'a, str>),
    Number(&'a str),
    Bool(bool),
}

impl<'a> JsonScalar<'a> {
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(digits) => Some(Cow::Borrowed(digits)),
            Self::Null | Self::Bool(_) => None,
        }
    }
}

/// The scalar that a value is; `None` for arrays and objects, and for a text that cannot be read.
pub(super) fn scalar(value: &str) -> Option<JsonScalar<'_>> {
    match value.as_bytes().first()? {
        b'n' => Some(JsonScalar::Null),
        b't' => Some(JsonScalar::Bool(true)),
        b'f' => Some(JsonScalar::Bool(false)),
        b'"' => unescaped(value).map(JsonScalar::Text),
        b'[' | b'{' => None,
        _ => Some(JsonScalar::Number(value)),
    }
}

/// The text of a JSON string, borrowed if it holds no escapes.
pub(super) fn unescaped(json: &str) -> Option<Cow<'_, str>> {
    let [b'"', inner @ .., b'"'] = json.as_bytes() else {
        return None;
    };
    match plain_bytes(inner) == inner.len() {
        true => json.get(1..=inner.len()).map(Cow::Borrowed),
        false => serde_json::from_str(json).ok().map(Cow::Owned),
    }
}

pub(super) fn unsigned(value: &str) -> Option<u64> {
    trim(&scalar(value)?.text()?).parse().ok()
}
