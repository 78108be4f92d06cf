//! Why no connection was made, and whether it can be made at all as things are.

use std::error::Error;
use std::io;
use std::iter::successors;

use super::{Proxy, Scrubber, TransportError};

/// Limit of the operating system's or TLS library's text, in characters.
const MAX_CAUSE: usize = 200;

/// Describes the failure of a connection to `host`.
pub(super) fn connect_failure(
    error: &reqwest::Error,
    host: &str,
    proxy: Option<&Proxy>,
    scrubber: &Scrubber,
) -> TransportError {
    let chain = || causes(error);
    let text = |error: &dyn Error| scrubber.clean(&error.to_string(), MAX_CAUSE);
    let innermost = chain().last().map(text).unwrap_or_default();
    let why = if let Some(tls) = chain().find_map(tls_error) {
        let text = text(tls);
        match tls {
            rustls::Error::InvalidCertificate(_) => {
                format!(
                    "the certificate of {host} was refused ({text}); check `api.base_url`, the clock and the system's certificates"
                )
            }
            rustls::Error::InvalidMessage(_) => {
                format!("{host} does not speak TLS ({text}); check host and port of `api.base_url`")
            }
            _ => format!("TLS with {host} failed ({text})"),
        }
    } else if let Some(proxy) = proxy {
        format!(
            "{proxy} gave no connection ({innermost}); check that it runs and lets {host} through"
        )
    } else if chain().any(|error| error.to_string().contains("dns error")) {
        format!("the host {host} was not found ({innermost}); check `api.base_url` and the network")
    } else {
        return TransportError::NotConnected(innermost);
    };
    TransportError::Unreachable(why)
}

/// The error, its cause, the cause of that and so on.
pub(super) fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let first: &(dyn Error + 'static) = error;
    successors(Some(first), |error| (*error).source())
}

/// The TLS library's error, which may be wrapped in errors of the operating system's type.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref() {
        return Some(tls);
    }
    let wrapped = error.downcast_ref::<io::Error>()?.get_ref()?;
    tls_error(wrapped)
}
