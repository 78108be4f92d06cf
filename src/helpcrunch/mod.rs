//! HelpCrunch's API: the sole owner of its URLs, its JSON shapes, the key and the pace. Every request goes through
//! the [`Gate`]. It never sees rows, plans or files, and decides nothing about customers.

mod api_error;
mod base_url;
mod call_error;
mod classify;
mod client;
mod decode;
mod encode;
mod endpoint;
mod gate;
mod http_transport;
mod observer;
mod query;
mod scrub;
mod settings;
mod transport;
mod wire;

#[cfg(test)]
mod http_transport_tests;

pub use api_error::{ApiError, read as decode_errors};
pub use base_url::{BaseUrl, BaseUrlError};
pub use call_error::{CallError, Sent};
pub use classify::Trouble;
pub use client::{ReadClient, WriteClient};
pub use decode::{
    BatchAnswer, DecodeError, Page, batch as decode_batch, customer as decode_customer,
    page as decode_page,
};
pub use encode::{BatchEntry, PatchBody, PropertyWrite};
pub use endpoint::{Endpoint, Method, Safety};
pub use gate::{Basis, Gate, GateParts, GateStats, StopKind, StopReason, Stops};
pub use http_transport::{HttpTransport, HttpTransportError};
pub use observer::Observer;
pub use query::{Filter, ListQuery, Operator, Order, Search, Sort, Term};
pub use scrub::Scrubber;
pub use settings::{ApiSettings, LimitError, LimitSettings};
pub use transport::{BoxFuture, Transport, TransportError};
pub use wire::{WireRequest, WireResponse};
