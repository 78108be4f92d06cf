use std::ffi::OsString;
use std::fmt;

use http::uri::Authority;
use hyper_util::client::proxy::matcher::Matcher;

use super::BaseUrl;

/// The proxy that requests go through. It shows no user name and no password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Host and port.
    address: String,
    /// The environment variable that names it.
    variable: &'static str,
}

/// The variable names no proxy that can be used. The message does not repeat it: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} is not the address of a proxy; write it as http://host:port, or unset it")]
pub struct ProxyError {
    variable: &'static str,
}

impl Proxy {
    /// Returns the proxy for this host, by the same variables as the HTTP client (which ignores one that it cannot read).
    ///
    /// # Errors
    /// The variable that applies is not an address.
    pub fn of(
        base_url: &BaseUrl,
        environment: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Self>, ProxyError> {
        let value_of = |name: &'static str| {
            let value = environment(name)?.to_string_lossy().into_owned();
            (!value.is_empty()).then_some((name, value))
        };
        let variables = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        let Some((variable, value)) = variables.into_iter().find_map(value_of) else {
            return Ok(None);
        };
        let no_proxy = ["NO_PROXY", "no_proxy"].into_iter().find_map(value_of);
        let no_proxy = no_proxy.map(|(_, value)| value).unwrap_or_default();
        let Ok(target) = base_url.to_string().parse() else {
            return Ok(None);
        };
        let intercept = |proxy: &str| {
            let rules = Matcher::builder().all(proxy.to_owned());
            rules.no(no_proxy.clone()).build().intercept(&target)
        };
        // The loopback of this host is out of a proxy's reach.
        if base_url.is_loopback() || intercept("http://any").is_none() {
            return Ok(None);
        }
        let found = intercept(&value).and_then(|proxy| proxy.uri().authority().cloned());
        // The HTTP client also takes ports that do not exist.
        let has_port = |a: &Authority| a.as_str() == a.host() || a.port_u16().is_some();
        let address = found.filter(has_port).ok_or(ProxyError { variable })?;
        Ok(Some(Self {
            address: address.to_string(),
            variable,
        }))
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {} ({})", self.address, self.variable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(variables: &[(&str, &str)]) -> Result<Option<String>, ProxyError> {
        let base_url = BaseUrl::parse("https://api.helpcrunch.com/v1").unwrap();
        let environment = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Proxy::of(&base_url, &environment).map(|proxy| proxy.map(|p| p.to_string()))
    }

    #[test]
    fn the_proxy_is_named_without_its_password() {
        assert_eq!(proxy(&[]), Ok(None));
        assert_eq!(proxy(&[("HTTPS_PROXY", "")]), Ok(None));
        let named = proxy(&[("https_proxy", "http://ann:hush@proxy.example:3128")]);
        let text = "the proxy proxy.example:3128 (https_proxy)";
        assert_eq!(named, Ok(Some(text.to_owned())));
        let bare = proxy(&[("ALL_PROXY", "10.0.0.1:8080")]);
        let text = "the proxy 10.0.0.1:8080 (ALL_PROXY)";
        assert_eq!(bare, Ok(Some(text.to_owned())));
    }

    #[test]
    fn a_host_that_needs_no_proxy_has_none_whatever_the_variable_says() {
        let no_proxy = ("NO_PROXY", ".helpcrunch.com");
        for value in ["http://proxy:1", "http//proxy"] {
            assert_eq!(proxy(&[("HTTPS_PROXY", value), no_proxy]), Ok(None));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_by_the_name_of_its_variable() {
        for value in [
            "http//proxy:3128",
            "htp://proxy:1",
            "http://a b",
            "http://proxy:99999",
        ] {
            let error = proxy(&[("HTTPS_PROXY", value)]).unwrap_err();
            assert!(
                error.to_string().starts_with("HTTPS_PROXY is not"),
                "{error}"
            );
        }
    }
}
