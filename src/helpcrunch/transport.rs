use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::{WireRequest, WireResponse};

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Carries one request to the API and one answer back. It repeats nothing, follows no redirect and judges nothing.
/// Dropping the future drops the request.
pub trait Transport: Send + Sync + fmt::Debug {
    fn exchange<'a>(
        &'a self,
        request: &'a WireRequest,
    ) -> BoxFuture<'a, Result<WireResponse, TransportError>>;
}

/// Why an exchange ended without an answer, or an answer without its body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// No connection was made (refused, no route, too slow to connect), so no byte of the request reached the API.
    #[error("no connection: {0}")]
    NotConnected(String),
    /// No connection was made, for a reason that time alone rarely changes: host name, certificate, proxy.
    #[error("{0}")]
    Unreachable(String),
    #[error("no answer in time")]
    TimedOut,
    #[error("the connection was cut")]
    Cut,
    /// It is no HTTP, or compressed data that is damaged.
    #[error("the answer is not understood: {0}")]
    NotUnderstood(String),
    #[error("the answer is larger than {limit} bytes")]
    TooLarge { limit: usize },
}

impl TransportError {
    /// Whether the request cannot have reached the API.
    #[must_use]
    pub fn is_before_sending(&self) -> bool {
        matches!(self, Self::NotConnected(_) | Self::Unreachable(_))
    }
}
