use serde::{Deserialize, Serialize};

/// A tag of a customer. Names are case sensitive (observed); a colour is any CSS colour, and `#c377e0`
/// when none is given (documented).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tag {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
}

impl Tag {
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            color: None,
        }
    }
}
