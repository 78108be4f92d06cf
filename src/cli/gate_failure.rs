//! The failure of a command whose gate closed.

use crate::helpcrunch::{ReadClient, StopKind};

use super::exit::{Exit, Failure};
use super::session::Session;

impl Session {
    /// Returns why the client's gate closed, or `None` if it is open.
    pub(super) fn gate_failure(&self, client: &ReadClient) -> Option<Failure> {
        let stop = client.gate().stop_reason()?;
        let (exit, reason) = match stop.kind {
            StopKind::Signal => (self.stopping.exit(), "signal"),
            StopKind::MaxRequests => (Exit::Budget, "max_requests"),
            StopKind::MaxDuration => (Exit::Budget, "max_duration"),
            StopKind::Outage => (Exit::NotFinished, "max_outage"),
            StopKind::ConsecutiveErrors => (Exit::NotFinished, "max_consecutive_errors"),
            StopKind::RetryAfterTooLong => (Exit::NotFinished, "max_retry_wait"),
            StopKind::Unauthorized => (Exit::NotFinished, "unauthorized"),
            StopKind::Unreachable => (Exit::NotFinished, "unreachable"),
            StopKind::Blocked => (Exit::NotFinished, "blocked"),
            StopKind::Redirected => (Exit::NotFinished, "redirected"),
            StopKind::LeaseLost => (Exit::Locked, "lease_lost"),
        };
        let failure = Failure::new(exit, reason, stop.message);
        Some(match advice(stop.kind) {
            Some(advice) => failure.hint(advice),
            None => failure,
        })
    }
}

fn advice(kind: StopKind) -> Option<&'static str> {
    match kind {
        StopKind::Unauthorized => Some(
            "check that the key is the account's own and was not revoked (HelpCrunch: Settings, API), then run the \
             same command again",
        ),
        StopKind::Blocked => Some(
            "have the firewall or proxy let this program through (it calls itself `hcsync`), then run the same command \
             again",
        ),
        StopKind::Outage | StopKind::ConsecutiveErrors => Some(
            "if the API was never reached, check `api.base_url` and the network; otherwise wait until the service is \
             back. -v logs every response",
        ),
        StopKind::Redirected => Some(
            "set `api.base_url` to where it points, if that is HelpCrunch's own address; the same command would fail \
             again",
        ),
        StopKind::Signal
        | StopKind::Unreachable
        | StopKind::LeaseLost
        | StopKind::MaxRequests
        | StopKind::MaxDuration
        | StopKind::RetryAfterTooLong => None,
    }
}
