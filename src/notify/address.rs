use std::fmt;

use url::{Host, Url};

/// The variables with the address of the webhook and of the ping. Each goes before its file.
pub const ADDRESS_VARIABLES: [&str; 2] = ["HCSYNC_NOTIFY_WEBHOOK", "HCSYNC_NOTIFY_PING"];

/// The address of a webhook or ping. Whoever has it can post there, so that it is a secret: only its host is ever shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretAddress(Url);

/// Why a text is no usable address, as the end of a sentence. No message shows the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretAddressError {
    #[error("must hold one address such as https://hooks.example.com/… and nothing else")]
    NotAUrl,
    #[error(
        "must hold an address that begins with https://; plain http:// is allowed for a loopback host only"
    )]
    PlainHttp,
}

impl SecretAddress {
    /// # Errors
    /// The text is not an http(s) address, or one that would show itself to the network.
    pub fn parse(text: &str) -> Result<Self, SecretAddressError> {
        let url = Url::parse(text.trim()).map_err(|_| SecretAddressError::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(SecretAddressError::NotAUrl);
        }
        let address = Self(url);
        match address.is_https() || address.is_loopback() {
            true => Ok(address),
            false => Err(SecretAddressError::PlainHttp),
        }
    }

    pub(super) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    pub(super) fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.to_canonical().is_loopback(),
            None => false,
        }
    }

    /// The host, with the port if there is one.
    #[must_use]
    pub fn host(&self) -> String {
        host_of(&self.0)
    }

    /// The address with another part at the end of its path.
    #[must_use]
    pub(super) fn with_suffix(&self, suffix: &str) -> Self {
        let mut url = self.0.clone();
        let path = format!("{}{suffix}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Self(url)
    }

    pub(super) fn url(&self) -> Url {
        self.0.clone()
    }
}

pub(super) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

impl fmt::Debug for SecretAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretAddress").field(&self.host()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_host_of_an_address_shows() {
        let address = SecretAddress::parse(" https://hooks.example.com:8443/T0/s3cret?k=v\n");
        let shown = format!("{address:?}");
        assert_eq!(shown, "Ok(SecretAddress(\"hooks.example.com:8443\"))");
    }

    #[test]
    fn plain_http_is_for_loopback_hosts() {
        for text in [
            "http://127.0.0.1:1/x",
            "http://localhost/x",
            "http://[::1]:8/x",
        ] {
            assert!(SecretAddress::parse(text).is_ok(), "{text}");
        }
        assert_eq!(
            SecretAddress::parse("http://10.0.0.1/x"),
            Err(SecretAddressError::PlainHttp)
        );
        for text in [
            "",
            "hooks.example.com/x",
            "ftp://x/y",
            "https://a b",
            "file:///x",
        ] {
            assert_eq!(
                SecretAddress::parse(text),
                Err(SecretAddressError::NotAUrl),
                "{text}"
            );
        }
    }

    #[test]
    fn a_suffix_goes_to_the_path_and_not_into_the_query() {
        let address = SecretAddress::parse("https://hc-ping.com/uuid/?create=1").unwrap();
        let start = address.with_suffix("/start");
        assert_eq!(
            start.url().as_str(),
            "https://hc-ping.com/uuid/start?create=1"
        );
    }
}
