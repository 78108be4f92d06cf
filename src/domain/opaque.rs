use serde::{Deserialize, Serialize};

/// The value of a custom property that is an object or an array. The API is not known to make such ("never an
/// object or array" was observed), so it is carried as it came and never compared, shown or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpaqueValue(serde_json::Value);

impl OpaqueValue {
    #[must_use]
    pub fn new(json: serde_json::Value) -> Self {
        Self(json)
    }

    #[must_use]
    pub fn as_json(&self) -> &serde_json::Value {
        &self.0
    }
}
