use std::fmt;

use tokio_util::sync::CancellationToken;

/// The two stages of a stop.
#[derive(Debug, Clone, Default)]
pub struct StopTokens {
    /// No new request begins and every wait ends; requests in flight finish.
    pub soft: CancellationToken,
    /// Requests in flight are dropped too.
    pub hard: CancellationToken,
}

/// What closed the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StopKind {
    /// The user, or other code that holds the run's stop tokens.
    Signal,
    MaxRequests,
    MaxDuration,
    Outage,
    ConsecutiveErrors,
    RetryAfterTooLong,
    Unauthorized,
    /// No connection can be made as things are: host name, certificate, proxy.
    Unreachable,
    /// Something in front of the API refuses all requests, or every write.
    Blocked,
    Redirected,
    /// Another machine works on the account by now.
    LeaseLost,
}

impl fmt::Display for StopKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signal => "the run was stopped",
            Self::MaxRequests => "the request limit is reached",
            Self::MaxDuration => "the time limit is reached",
            Self::Outage => "the API has not responded usably for too long",
            Self::ConsecutiveErrors => "too many requests in a row failed",
            Self::RetryAfterTooLong => "the API asks for a longer wait than max_retry_wait allows",
            Self::Unauthorized => "the API key was refused",
            Self::Unreachable => "the API cannot be reached",
            Self::Blocked => "a firewall or proxy refuses the requests",
            Self::Redirected => "the API redirects elsewhere",
            Self::LeaseLost => "another run took the account over",
        })
    }
}

/// The first thing that closed the gate, with what a user needs to know about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopReason {
    pub kind: StopKind,
    /// Figures and, where there is one, the option that would let the run continue. Never the key.
    pub message: String,
}
