use serde::{Deserialize, Serialize};

/// A customer's tag. Names are case-sensitive (observed). A colour is any CSS colour, by default `#c377e0` (documented).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tag<T = String> {
    pub name: T,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<T>,
}

impl<T: Into<String>> Tag<T> {
    pub fn into_owned(self) -> Tag {
        Tag {
            name: self.name.into(),
            color: self.color.map(Into::into),
        }
    }
}

impl Tag {
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            color: None,
        }
    }
}
