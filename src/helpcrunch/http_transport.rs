use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::{Client, Response, redirect, retry};
use secrecy::ExposeSecret;

use super::transport::BoxFuture;
use super::{
    ApiSettings, BaseUrl, Method, Scrubber, Transport, TransportError, WireRequest, WireResponse,
};

/// The largest answer that is read, after decompression. A page of a hundred customers is far below it.
pub(super) const LARGEST_BODY: usize = 64 << 20;

/// An idle connection is not used again after this long: servers close theirs after five seconds and more, and a
/// create that meets such a close has an unknown outcome for nothing.
const IDLE: Duration = Duration::from_secs(4);

/// Time to connect, so that a slow connect is told from a slow answer before the request's own time is up.
const CONNECT: Duration = Duration::from_secs(10);

/// The API over HTTP. Its `Debug` shows no key.
///
/// It repeats nothing. What is left below it is the pool's move to a fresh connection when a kept one turns out
/// closed before the first byte of a request went out on it, which no server can see.
pub struct HttpTransport {
    client: Client,
    base_url: BaseUrl,
    scrubber: Scrubber,
}

#[derive(Debug, thiserror::Error)]
pub enum HttpTransportError {
    #[error("the API key is empty, or holds characters that no HTTP header can carry")]
    Key,
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

impl HttpTransport {
    /// # Errors
    /// When the key cannot be sent, or the platform's TLS roots cannot be loaded.
    pub fn new(settings: &ApiSettings) -> Result<Self, HttpTransportError> {
        // Only the first call in a process installs; a later one finds the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(concat!("hcsync/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers(settings)?)
            .timeout(settings.timeout)
            .connect_timeout(CONNECT.min(settings.timeout / 2))
            .pool_idle_timeout(IDLE)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .gzip(true);
        // A proxy is for the way out of the host, and loopback does not lead there. Without TLS no roots are
        // loaded, of which a bare system has none.
        let base_url = &settings.base_url;
        let builder = if base_url.is_loopback() {
            builder.no_proxy()
        } else {
            builder
        };
        let builder = if base_url.is_https() {
            builder
        } else {
            builder.tls_certs_only([])
        };
        Ok(Self {
            client: builder.build().map_err(HttpTransportError::Client)?,
            base_url: base_url.clone(),
            scrubber: Scrubber::new(&settings.key),
        })
    }

    async fn send(&self, request: &WireRequest) -> Result<WireResponse, TransportError> {
        let url = self.base_url.join(&request.path);
        let mut builder = self.client.request(method(request.method()), url);
        if let Some(body) = &request.body {
            builder = builder
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone());
        }
        let response = builder.send().await.map_err(|error| self.failure(&error))?;
        let header = |name: HeaderName| {
            let value = response.headers().get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Ok(WireResponse {
            status: response.status().as_u16(),
            retry_after: header(RETRY_AFTER),
            date: header(DATE),
            location: header(LOCATION),
            tells_rate: tells_rate(response.headers()),
            body: self.body(response).await,
        })
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, TransportError> {
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.failure(&error))?
        {
            if body.len() + chunk.len() > LARGEST_BODY {
                return Err(TransportError::TooLarge {
                    limit: LARGEST_BODY,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn failure(&self, error: &reqwest::Error) -> TransportError {
        if error.is_connect() {
            TransportError::NotConnected(self.scrubber.clean(&innermost(error), 200))
        } else if error.is_timeout() {
            TransportError::TimedOut
        } else if is_garbled(error) {
            TransportError::Undecodable
        } else {
            TransportError::Cut
        }
    }
}

impl Transport for HttpTransport {
    fn exchange<'a>(
        &'a self,
        request: &'a WireRequest,
    ) -> BoxFuture<'a, Result<WireResponse, TransportError>> {
        Box::pin(self.send(request))
    }
}

fn headers(settings: &ApiSettings) -> Result<HeaderMap, HttpTransportError> {
    let key = settings.key.expose_secret().trim();
    let value = HeaderValue::try_from(format!("Bearer {key}"));
    let mut value = value
        .ok()
        .filter(|_| !key.is_empty())
        .ok_or(HttpTransportError::Key)?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}

/// In any of the spellings that servers use.
fn tells_rate(headers: &HeaderMap) -> bool {
    let names = headers.keys().map(HeaderName::as_str);
    names.into_iter().any(|name| {
        let name = name.strip_prefix("x-").unwrap_or(name);
        name.starts_with("ratelimit") || name.starts_with("rate-limit")
    })
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

/// The text of the innermost cause: the outer ones say "error sending request" and the like.
fn innermost(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = cause.to_string();
        source = cause.source();
    }
    text
}

/// Whether it is the decompression that failed, and not the connection below it.
fn is_garbled(error: &reqwest::Error) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput};
    let mut source = error.source();
    while let Some(cause) = source {
        let kind = cause
            .downcast_ref::<std::io::Error>()
            .map(std::io::Error::kind);
        if matches!(kind, Some(InvalidData | InvalidInput)) {
            return true;
        }
        source = cause.source();
    }
    false
}
