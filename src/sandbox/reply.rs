//! The reply of an endpoint, before it becomes HTTP.

use http::StatusCode;
use serde::Serialize;

/// An answer that is not an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
    /// The customer that it returns or that was deleted.
    pub(super) customer: Option<u64>,
}

pub(super) const JSON: &str = "application/json";

impl Reply {
    pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Self {
        // Serializing cannot fail: all maps have text keys.
        let body = serde_json::to_vec(value).unwrap_or_default();
        Self {
            status,
            content_type: JSON,
            body,
            customer: None,
        }
    }
}
