use std::fmt;
use std::io::Read as _;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue,
    LOCATION, RETRY_AFTER,
};
use reqwest::{Client, Response, redirect, retry};
use secrecy::ExposeSecret;

use super::connect_failure::{causes, connect_failure};
use super::transport::BoxFuture;
use super::{
    ApiSettings, BaseUrl, Method, Proxy, Scrubber, Transport, TransportError, WireRequest,
    WireResponse,
};

/// The largest answer that is read, in bytes after decompression. A page of a hundred customers is far below it.
pub(super) const MAX_BODY: usize = 64 << 20;

/// The first two bytes of gzip.
const GZIP: [u8; 2] = [0x1f, 0x8b];

const MAX_HEADERS: usize = 1_000;
const MAX_HEADER_BYTES: u32 = 256 << 10;

/// Limit of the HTTP library's text, in characters.
const MAX_CAUSE: usize = 200;

/// An idle connection is not reused after this long: servers close theirs after five seconds or more, and a create that
/// meets such a close is needlessly in doubt.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// Shorter than the timeout of a request, so that a slow connect is distinguished from a slow answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The API over HTTP. Its `Debug` shows no key.
///
/// It repeats nothing, except that the connection pool takes a fresh connection if a pooled one turns out closed before
/// the first byte of a request went out on it, which no server can see.
pub struct HttpTransport {
    client: Client,
    base_url: BaseUrl,
    proxy: Option<Proxy>,
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
    /// The key cannot be sent, or the platform's TLS roots cannot be loaded.
    pub fn new(settings: &ApiSettings) -> Result<Self, HttpTransportError> {
        // Only the first call in a process installs it; later ones fail and find the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(concat!("hcsync/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers(settings)?)
            .timeout(settings.timeout)
            .connect_timeout(CONNECT_TIMEOUT.min(settings.timeout / 2))
            .pool_idle_timeout(IDLE_TIMEOUT)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            // Answers through several proxies collect headers; the client's own limit is 100.
            .http1_max_headers(MAX_HEADERS)
            .http2_max_header_list_size(MAX_HEADER_BYTES)
            .http1_allow_obsolete_multiline_headers_in_responses(true);
        // A proxy cannot reach the loopback of this host. Without TLS no roots are loaded, since a bare system has none.
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
            proxy: settings.proxy.clone(),
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
            has_rate_headers: has_rate_headers(response.headers()),
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
            if body.len() + chunk.len() > MAX_BODY {
                return Err(TransportError::TooLarge { limit: MAX_BODY });
            }
            body.extend_from_slice(&chunk);
        }
        decompressed(body)
    }

    fn failure(&self, error: &reqwest::Error) -> TransportError {
        if error.is_connect() {
            let host = self.base_url.host();
            connect_failure(error, &host, self.proxy.as_ref(), &self.scrubber)
        } else if error.is_timeout() {
            TransportError::TimedOut
        } else if let Some(error) = parse_error(error) {
            TransportError::NotUnderstood(self.scrubber.clean(&error.to_string(), MAX_CAUSE))
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
    let gzip = HeaderValue::from_static("gzip");
    Ok(HeaderMap::from_iter([
        (AUTHORIZATION, value),
        (ACCEPT_ENCODING, gzip),
    ]))
}

/// Whether a header names the rate limit, in any of the spellings that servers use.
fn has_rate_headers(headers: &HeaderMap) -> bool {
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

/// The HTTP library's complaint about an answer that is no HTTP.
fn parse_error(error: &reqwest::Error) -> Option<&hyper::Error> {
    let mut http = causes(error).filter_map(|error| error.downcast_ref::<hyper::Error>());
    http.find(|error| error.is_parse())
}

/// Decompresses a body. Goes by its first bytes, which no JSON begins with: servers spell `Content-Encoding` in several
/// ways, and proxies decompress bodies and leave the header.
fn decompressed(body: Vec<u8>) -> Result<Vec<u8>, TransportError> {
    if !body.starts_with(&GZIP) {
        return Ok(body);
    }
    let mut plain = Vec::new();
    let mut decoder = MultiGzDecoder::new(body.as_slice()).take(MAX_BODY as u64 + 1);
    if let Err(error) = decoder.read_to_end(&mut plain) {
        let why = format!("compressed data that is damaged ({error})");
        return Err(TransportError::NotUnderstood(why));
    }
    match plain.len() > MAX_BODY {
        true => Err(TransportError::TooLarge { limit: MAX_BODY }),
        false => Ok(plain),
    }
}
