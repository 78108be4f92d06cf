use std::net::IpAddr;

use thiserror::Error;
use url::{Host, Url};

/// Why an address cannot be the API's. None of the messages shows the address: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BaseUrlError {
    #[error("must be an address such as https://api.helpcrunch.com/v1")]
    NotAUrl,
    #[error("must not hold a user name or password")]
    Credentials,
    #[error("must not hold a query or fragment")]
    Query,
    #[error(
        "must begin with https://; plain http:// would show the key to the network, and is taken for a loopback host only"
    )]
    Plain,
}

/// The address as requests are built from it: checked, and without a slash at its end.
///
/// # Errors
/// Not an http(s) address, or one that is not safe to send the key to.
pub fn check_base_url(text: &str) -> Result<String, BaseUrlError> {
    let url = Url::parse(text.trim()).map_err(|_| BaseUrlError::NotAUrl)?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(BaseUrlError::NotAUrl);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BaseUrlError::Credentials);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(BaseUrlError::Query);
    }
    if url.scheme() == "http" && !is_loopback_host(&url) {
        return Err(BaseUrlError::Plain);
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Whether the address is one of this machine's own. An address that cannot be read is not.
#[must_use]
pub fn is_loopback(base_url: &str) -> bool {
    Url::parse(base_url).is_ok_and(|url| is_loopback_host(&url))
}

/// Host and port of an address, without the name or password that it may hold.
#[must_use]
pub(super) fn host_of(base_url: &str) -> String {
    let url = Url::parse(base_url).ok();
    let host = url.as_ref().and_then(|url| {
        let host = url.host_str()?;
        Some(
            url.port()
                .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
        )
    });
    host.unwrap_or_else(|| "another address".to_owned())
}

fn is_loopback_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).to_canonical().is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_last_slash_only() {
        let checked = |text| check_base_url(text).unwrap();
        assert_eq!(
            checked("https://api.helpcrunch.com/v1"),
            "https://api.helpcrunch.com/v1"
        );
        assert_eq!(
            checked(" https://api.helpcrunch.com/v1/ "),
            "https://api.helpcrunch.com/v1"
        );
        assert_eq!(checked("http://127.0.0.1:8080/"), "http://127.0.0.1:8080");
        assert_eq!(checked("http://localhost/v1"), "http://localhost/v1");
        assert_eq!(checked("http://[::1]:9"), "http://[::1]:9");
    }

    #[test]
    fn what_would_leak_the_key_is_refused() {
        assert_eq!(
            check_base_url("http://api.helpcrunch.com/v1"),
            Err(BaseUrlError::Plain)
        );
        assert_eq!(
            check_base_url("http://localhost.evil.example"),
            Err(BaseUrlError::Plain)
        );
        assert_eq!(
            check_base_url("http://127.0.0.1.evil.example"),
            Err(BaseUrlError::Plain)
        );
        assert_eq!(
            check_base_url("https://me:pass@host"),
            Err(BaseUrlError::Credentials)
        );
        assert_eq!(
            check_base_url("https://host/?key=1"),
            Err(BaseUrlError::Query)
        );
        assert_eq!(
            check_base_url("ftp://127.0.0.1"),
            Err(BaseUrlError::NotAUrl)
        );
        assert_eq!(
            check_base_url("api.helpcrunch.com"),
            Err(BaseUrlError::NotAUrl)
        );
    }

    #[test]
    fn loopback_is_this_machine() {
        for own in [
            "http://127.9.9.9",
            "http://[::1]",
            "http://localhost:1",
            "http://[::ffff:127.0.0.1]",
        ] {
            assert!(is_loopback(own), "{own}");
        }
        for other in ["http://10.0.0.1", "https://localhost.example", "nonsense"] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
