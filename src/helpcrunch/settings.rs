use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

use super::BaseUrl;

/// Where the API is and what opens it. Its `Debug` shows no key.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    pub base_url: BaseUrl,
    pub key: SecretString,
    /// Of one request, from its start to the end of its answer.
    pub timeout: Duration,
}

/// How hard the API may be pressed, and for how long.
#[derive(Debug, Clone)]
pub struct LimitSettings {
    /// 0: no limit, only where the host is loopback.
    pub requests_per_minute: u32,
    /// Of these, left to other integrations of the account.
    pub reserve: u32,
    /// Requests in flight at one time.
    pub concurrency: u32,
    /// Of one operation; waiting out a 429 does not count.
    pub max_attempts: u32,
    /// Longest single wait that is accepted from `Retry-After`.
    pub max_retry_wait: Duration,
    /// How long search may lag behind a create.
    pub settle: Duration,
    /// With no usable answer for so long the gate closes.
    pub max_outage: Duration,
    /// So many requests in a row without a usable answer close the gate; 0: no such limit.
    pub max_consecutive_errors: u32,
    /// HTTP requests of the whole run.
    pub max_requests: Option<u64>,
    /// No request is begun from here on.
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
    #[error("reserve = {reserve} leaves nothing of requests_per_minute = {requests_per_minute}")]
    Reserve {
        reserve: u32,
        requests_per_minute: u32,
    },
    #[error("{0} has to be at least 1")]
    Zero(&'static str),
}

impl LimitSettings {
    /// # Errors
    /// When the figures cannot be worked with, or no limit was asked for against a host that is not loopback.
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
        };
        assert!(!format!("{api:?} {api:#?}").contains("hush"));
    }
}
