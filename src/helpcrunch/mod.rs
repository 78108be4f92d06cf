//! HelpCrunch's API: the sole owner of its URLs, its JSON shapes, the key and the request rate. Every request goes
//! through the [`Gate`]. It never sees rows, plans or files, and decides nothing about customers.

mod api_error;
mod base_url;
mod call_error;
mod classify;
mod client;
mod connect_failure;
mod decode;
mod encode;
mod endpoint;
mod gate;
mod http_transport;
mod observer;
mod proxy;
mod query;
mod scrub;
mod settings;
mod shown_members;
mod transport;
mod wire;
mod write_client;

#[cfg(test)]
mod http_transport_tests;

pub use api_error::{ApiError, read as decode_errors};
pub use base_url::{BaseUrl, BaseUrlError};
pub(crate) use call_error::blocked;
pub use call_error::{CallError, CallReport};
pub use classify::FailureCause;
pub use client::ReadClient;
pub use decode::{
    BatchAnswer, CustomerPage, DecodeError, batch as decode_batch, borrowed_customer,
    customer as decode_customer, page as decode_page,
};
pub use encode::{BatchEntry, PatchBody, PropertyWrite};
pub use endpoint::{Endpoint, Method, Safety};
pub use gate::{
    Gate, GateParts, GateStats, Pace, StalenessGuard, StopKind, StopReason, StopTokens,
};
pub use http_transport::{HttpTransport, HttpTransportError};
pub use observer::Observer;
pub use proxy::{Proxy, ProxyError};
pub use query::{Filter, ListQuery, Operator, Search, SortField, SortOrder, Term};
pub use scrub::Scrubber;
pub use settings::{ApiSettings, LimitError, LimitSettings};
pub use shown_members::describe_members;
pub use transport::{BoxFuture, Transport, TransportError};
pub use wire::{WireRequest, WireResponse};
pub use write_client::WriteClient;
