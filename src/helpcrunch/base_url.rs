use std::fmt;

use url::{Host, Url};

/// Where the API is: `https://…`, or plain `http://` on a loopback host. Without credentials, query, fragment and
/// trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// Why a text is not a usable base URL, as the end of a sentence whose subject is the setting. No message shows the
/// text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    #[error("must be an address such as https://api.helpcrunch.com/v1")]
    NotAUrl,
    #[error("must not hold a user name or password")]
    Credentials,
    #[error("must not hold a query or fragment")]
    Query,
    #[error(
        "must begin with https://; plain http:// would show the API key to the network, and is allowed for a loopback host only"
    )]
    PlainHttp,
}

impl BaseUrl {
    /// # Errors
    /// The text is not an http(s) address, or not one that is safe to send the key to.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let mut url = Url::parse(text.trim()).map_err(|_| BaseUrlError::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(BaseUrlError::NotAUrl);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BaseUrlError::Query);
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        let base_url = Self(url);
        if !base_url.is_https() && !base_url.is_loopback() {
            return Err(BaseUrlError::PlainHttp);
        }
        Ok(base_url)
    }

    /// Whether the host is `localhost`, in `127.0.0.0/8`, `::1`, or one of these addresses mapped into IPv6. Goes by
    /// the text; no name is looked up.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.to_canonical().is_loopback(),
            None => false,
        }
    }

    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The host, with the port if the URL names one.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        match self.0.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// The URL of an endpoint's path, which starts with `/`.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{self}{path}")
    }
}

/// Without a trailing slash.
impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_slash_makes_no_difference() {
        for text in [
            "https://api.helpcrunch.com/v1",
            " https://api.helpcrunch.com/v1/ ",
            "https://api.helpcrunch.com/v1//",
        ] {
            let url = BaseUrl::parse(text).unwrap();
            assert_eq!(url.to_string(), "https://api.helpcrunch.com/v1");
            assert_eq!(
                url.join("/customers"),
                "https://api.helpcrunch.com/v1/customers"
            );
        }
        let bare = BaseUrl::parse("http://127.0.0.1:8080/").unwrap();
        assert_eq!(bare.to_string(), "http://127.0.0.1:8080");
        assert_eq!(bare.join("/customers"), "http://127.0.0.1:8080/customers");
        assert_eq!(bare.host(), "127.0.0.1:8080");
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        for text in [
            "http://localhost:1",
            "http://LOCALHOST/v1",
            "http://127.8.0.1",
            "http://[::1]:3",
            "http://[::ffff:127.0.0.1]",
        ] {
            assert!(BaseUrl::parse(text).unwrap().is_loopback(), "{text}");
        }
        for text in [
            "http://api.helpcrunch.com/v1",
            "http://localhost.example.com",
            "http://127.0.0.1.evil.example",
            "http://10.0.0.1",
            "http://128.0.0.1",
            "http://0.0.0.0",
            "http://[::2]",
            "http://[::ffff:10.0.0.1]",
        ] {
            assert_eq!(BaseUrl::parse(text), Err(BaseUrlError::PlainHttp), "{text}");
        }
        let https = BaseUrl::parse("https://localhost.example").unwrap();
        assert!(!https.is_loopback());
    }

    #[test]
    fn each_fault_has_its_own_message() {
        let error = |text: &str| BaseUrl::parse(text).unwrap_err();
        for text in ["nonsense", "api.helpcrunch.com/v1", "ftp://127.0.0.1"] {
            assert_eq!(error(text), BaseUrlError::NotAUrl, "{text}");
        }
        assert_eq!(error("https://u:hush@x/"), BaseUrlError::Credentials);
        assert!(!error("https://u:hush@x/").to_string().contains("hush"));
        assert_eq!(error("https://x/?a=1"), BaseUrlError::Query);
        assert_eq!(error("https://x/#a"), BaseUrlError::Query);
    }
}
