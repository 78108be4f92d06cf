//! Requests that a run can do without.

use std::time::Duration;

use super::Gate;
use super::call::CallAttempts;
use super::exchange::body;
use crate::helpcrunch::WireRequest;

/// How long the answer to an optional request is waited for.
const MAX_OPTIONAL_WAIT: Duration = Duration::from_secs(5);

impl Gate {
    /// Sends a request that the run can do without, once. Only a 429 has an effect on other requests.
    pub(in crate::helpcrunch) async fn ask_once<T>(
        &self,
        request: &WireRequest,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Option<T> {
        let permit = self.admit(request, &CallAttempts::default()).await.ok()?;
        let exchange = tokio::time::timeout(MAX_OPTIONAL_WAIT, self.exchange(request, 1)).await;
        drop(permit);
        let exchange = exchange.ok()?;
        let response = exchange.answer?.ok()?;
        match response.status {
            200..=299 => read(body(&response).ok()?),
            429 => {
                let (asked, now) = (self.asked(&response), self.clock.now());
                self.with_state(|state| state.rate_limited(asked, exchange.begun, now));
                None
            }
            _ => None,
        }
    }
}
