use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

use super::{BaseUrl, Proxy};

/// Where the API is, and the key to it. Its `Debug` shows no key.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    pub base_url: BaseUrl,
    pub key: SecretString,
    /// For one request, from its start to the end of its answer.
    pub timeout: Duration,
    /// The proxy that the environment names for this host, for messages: the HTTP client finds it by itself.
    pub proxy: Option<Proxy>,
}

/// How fast and for how long requests may be sent.
#[derive(Debug, Clone)]
pub struct LimitSettings {
    /// 0: no limit, for a loopback host only.
    pub requests_per_minute: u32,
    /// Of these, left for other integrations of the account.
    pub reserve: u32,
    /// Requests in flight at one time.
    pub concurrency: u32,
    /// For one operation; a 429 does not count.
    pub max_attempts: u32,
    /// Longest single wait that is accepted from `Retry-After`.
    pub max_retry_wait: Duration,
    /// How long search may lag behind a create.
    pub settle: Duration,
    /// After this long without a usable answer the gate closes.
    pub max_outage: Duration,
    /// This many requests in a row without a usable answer close the gate; 0: no such limit.
    pub max_consecutive_errors: u32,
    /// For the whole run.
    pub max_requests: Option<u64>,
    /// No request begins from here on.
    pub deadline: Option<Instant>,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            requests_per_minute: 120,
            reserve: 0,
            concurrency: 4,
            max_attempts: 8,
            max_retry_wait: Duration::from_secs(300),
            settle: Duration::from_secs(30),
            max_outage: Duration::from_secs(900),
            max_consecutive_errors: 0,
            max_requests: None,
            deadline: None,
        }
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LimitError {
    #[error(
        "requests_per_minute = 0 (no limit) is only for a loopback host; the account's limit is 120 unless HelpCrunch raised it"
    )]
    NoLimit,
    #[error("reserve = {reserve} must be less than requests_per_minute = {requests_per_minute}")]
    Reserve {
        reserve: u32,
        requests_per_minute: u32,
    },
    #[error("{0} must be at least 1")]
    Zero(&'static str),
}

impl LimitSettings {
    /// # Errors
    /// A figure is out of range, or there is to be no limit for a host that is not loopback.
    pub fn check(&self, base_url: &BaseUrl) -> Result<(), LimitError> {
        let &Self {
            requests_per_minute,
            reserve,
            ..
        } = self;
        if requests_per_minute == 0 && !base_url.is_loopback() {
            return Err(LimitError::NoLimit);
        }
        if requests_per_minute > 0 && reserve >= requests_per_minute {
            return Err(LimitError::Reserve {
                reserve,
                requests_per_minute,
            });
        }
        for (name, figure) in [
            ("concurrency", self.concurrency),
            ("max_attempts", self.max_attempts),
        ] {
            if figure == 0 {
                return Err(LimitError::Zero(name));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_loopback_host_goes_without_a_limit() {
        let limits = LimitSettings {
            requests_per_minute: 0,
            ..LimitSettings::default()
        };
        let local = BaseUrl::parse("http://127.0.0.1:1").unwrap();
        let remote = BaseUrl::parse("https://api.helpcrunch.com/v1").unwrap();
        assert_eq!(limits.check(&local), Ok(()));
        assert_eq!(limits.check(&remote), Err(LimitError::NoLimit));
        assert_eq!(LimitSettings::default().check(&remote), Ok(()));
    }

    #[test]
    fn figures_that_cannot_work_are_refused() {
        let url = BaseUrl::parse("https://x").unwrap();
        let reserve = LimitSettings {
            reserve: 120,
            ..LimitSettings::default()
        };
        assert!(matches!(
            reserve.check(&url),
            Err(LimitError::Reserve { .. })
        ));
        let idle = LimitSettings {
            concurrency: 0,
            ..LimitSettings::default()
        };
        assert_eq!(idle.check(&url), Err(LimitError::Zero("concurrency")));
    }

    #[test]
    fn the_settings_show_no_key() {
        let api = ApiSettings {
            base_url: BaseUrl::parse("https://x").unwrap(),
            key: SecretString::from("hush-hush"),
            timeout: Duration::from_secs(30),
            proxy: None,
        };
        assert!(!format!("{api:?} {api:#?}").contains("hush"));
    }
}
