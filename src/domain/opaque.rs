use serde::{Deserialize, Serialize};

/// The value of a custom property that is an object or an array. The API has not been seen to return one (observed), so it is
/// passed through unchanged and never compared or shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpaqueValue(serde_json::Value);

impl OpaqueValue {
    pub fn new(json: serde_json::Value) -> Self {
        Self(json)
    }

    pub fn as_json(&self) -> &serde_json::Value {
        &self.0
    }
}
