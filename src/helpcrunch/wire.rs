use std::fmt;

use super::{Endpoint, Method, TransportError};

/// One request to the transport. Its `Debug` shows neither body nor path, which may hold customer data.
#[derive(Clone)]
pub struct WireRequest {
    pub endpoint: Endpoint,
    /// Below the base URL, with a leading slash and any query: `/customers/542335/tags`.
    pub path: String,
    /// JSON.
    pub body: Option<String>,
}

impl WireRequest {
    #[must_use]
    pub fn method(&self) -> Method {
        self.endpoint.method()
    }
}

impl fmt::Debug for WireRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireRequest")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// One answer. Status and headers have arrived; the body may have failed. Its `Debug` shows no body.
pub struct WireResponse {
    pub status: u16,
    pub retry_after: Option<String>,
    /// The server's own time, which a date in `Retry-After` refers to.
    pub date: Option<String>,
    pub location: Option<String>,
    /// Whether a header named the rate limit (`X-RateLimit-…`, `RateLimit-…`); not documented.
    pub has_rate_headers: bool,
    pub body: Result<Vec<u8>, TransportError>,
}

impl WireResponse {
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            retry_after: None,
            date: None,
            location: None,
            has_rate_headers: false,
            body: Ok(body.into()),
        }
    }
}

impl fmt::Debug for WireResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireResponse")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
