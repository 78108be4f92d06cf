use std::collections::BTreeMap;

use tokio::time::Instant;

use crate::helpcrunch::Endpoint;

/// HTTP exchanges that were begun, whatever became of them: the `requests` of the summary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GateStats {
    pub total: u64,
    pub read: u64,
    pub write: u64,
    /// Of the total, those that repeated an exchange that failed; not those after a 429.
    pub retries: u64,
    /// Exchanges that were answered with 429.
    pub rate_limited: u64,
    /// Exchanges whose answer told of the rate limit in a header.
    pub told_rate: u64,
    pub by_endpoint: BTreeMap<&'static str, u64>,
    pub first_at: Option<Instant>,
    pub last_at: Option<Instant>,
}

impl GateStats {
    pub(super) fn count(&mut self, endpoint: Endpoint, is_retry: bool, now: Instant) {
        self.total += 1;
        self.retries += u64::from(is_retry);
        if endpoint.is_write() {
            self.write += 1;
        } else {
            self.read += 1;
        }
        *self.by_endpoint.entry(endpoint.name()).or_default() += 1;
        self.first_at.get_or_insert(now);
        self.last_at = Some(now);
    }
}
