//! A request whose key, rate limit and fault are decided.

use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Uri};

use super::endpoint::Route;
use super::faults::Fault;

/// A request after the decisions on its key, rate limit and fault.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) number: u64,
    pub(super) route: Route,
    pub(super) query: String,
    pub(super) body: Bytes,
    /// For `X-RateLimit-Remaining`. `None` if the key was refused.
    pub(super) remaining: Option<u64>,
    pub(super) verdict: AdmissionVerdict,
}

#[derive(Debug)]
pub(super) enum AdmissionVerdict {
    /// A firewall in front of the API refused it.
    Blocked,
    Unauthorized,
    Limited {
        wait_ms: u64,
    },
    Passed(Option<Fault>),
}

impl Admitted {
    /// Returns how long to wait before the request takes effect.
    pub(super) fn late_delay(&self) -> Option<Duration> {
        match self.verdict {
            AdmissionVerdict::Passed(Some(Fault::Delay {
                delay_ms,
                late: true,
            })) => Some(Duration::from_millis(delay_ms)),
            _ => None,
        }
    }
}

/// Whether the firewall does not let the request through, because of this text.
pub(super) fn is_blocked(text: &str, target: &Uri, body: &[u8]) -> bool {
    let holds = |part: &str| !text.is_empty() && part.contains(text);
    holds(&target.to_string()) || holds(&String::from_utf8_lossy(body))
}

/// Whether the request has a key, and not the one that is refused.
pub(super) fn accepts(headers: &HeaderMap, refused_key: Option<&str>) -> bool {
    let header = headers.get(AUTHORIZATION);
    let key = header.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let key = key.map(str::trim).filter(|key| !key.is_empty());
    key.is_some() && key != refused_key
}
