use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// Where the API is: `https://…`, or plain `http://` on a loopback host. Without credentials, query, fragment and
/// trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BaseUrlError {
    #[error("the base URL is not a URL: {0}")]
    Unreadable(#[from] url::ParseError),
    #[error("the base URL starts with `{0}:`; it has to be https")]
    Scheme(String),
    #[error("the base URL names no host")]
    NoHost,
    #[error(
        "plain http would send the API key in the clear to `{0}`; use https (http is for loopback hosts only)"
    )]
    PlainHttp(String),
    #[error("the base URL holds a user name or password; the API key has its own setting")]
    Credentials,
    #[error("the base URL has a query (`?…`); leave it out")]
    Query,
    #[error("the base URL has a fragment (`#…`); leave it out")]
    Fragment,
}

impl BaseUrl {
    /// # Errors
    /// One for each thing that a base URL may not have; none of the messages shows credentials.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let mut url = Url::parse(text.trim())?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(BaseUrlError::Scheme(url.scheme().to_owned()));
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        if host.is_empty() {
            return Err(BaseUrlError::NoHost);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::Credentials);
        }
        if url.query().is_some() {
            return Err(BaseUrlError::Query);
        }
        if url.fragment().is_some() {
            return Err(BaseUrlError::Fragment);
        }
        if url.scheme() == "http" && !is_loopback(&url) {
            return Err(BaseUrlError::PlainHttp(host));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    /// Whether the host is `localhost`, `127.0.0.0/8` or `::1`, as it is written; no name is looked up.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The URL of an endpoint's path, which starts with `/`.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{self}{path}")
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Without a trailing slash.
impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_slash_makes_no_difference() {
        for text in [
            "https://api.helpcrunch.com/v1",
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
        assert_eq!(bare.join("/customers"), "http://127.0.0.1:8080/customers");
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        for text in ["http://localhost:1", "http://127.8.0.1", "http://[::1]:3"] {
            assert!(BaseUrl::parse(text).unwrap().is_loopback(), "{text}");
        }
        for text in [
            "http://api.helpcrunch.com",
            "http://localhost.example.com",
            "http://128.0.0.1",
            "http://0.0.0.0",
            "http://[::2]",
        ] {
            let error = BaseUrl::parse(text).unwrap_err();
            assert!(matches!(error, BaseUrlError::PlainHttp(_)), "{text}");
        }
    }

    #[test]
    fn each_fault_has_its_own_message() {
        let error = |text: &str| BaseUrl::parse(text).unwrap_err();
        assert!(matches!(
            error("api.helpcrunch.com/v1"),
            BaseUrlError::Unreadable(_)
        ));
        assert_eq!(error("ftp://x/"), BaseUrlError::Scheme("ftp".into()));
        assert_eq!(error("https://u:hush@x/"), BaseUrlError::Credentials);
        assert!(!error("https://u:hush@x/").to_string().contains("hush"));
        assert_eq!(error("https://x/?a=1"), BaseUrlError::Query);
        assert_eq!(error("https://x/#a"), BaseUrlError::Fragment);
    }
}
