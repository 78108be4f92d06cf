use std::fmt;

/// What closed the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StopKind {
    /// The user, or whoever holds the run's stop tokens.
    Signal,
    MaxRequests,
    MaxDuration,
    Outage,
    ConsecutiveErrors,
    RetryAfterTooLong,
    Unauthorized,
    Redirected,
}

impl fmt::Display for StopKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signal => "the run was stopped",
            Self::MaxRequests => "the run's requests are used up",
            Self::MaxDuration => "the run's time is up",
            Self::Outage => "the API gave no usable answer for too long",
            Self::ConsecutiveErrors => "too many requests in a row got no usable answer",
            Self::RetryAfterTooLong => "the API asks for a longer wait than is accepted",
            Self::Unauthorized => "the API key was refused",
            Self::Redirected => "the API redirects elsewhere",
        })
    }
}

/// The first thing that closed the gate, with what a user needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopReason {
    pub kind: StopKind,
    /// Figures and, where there is one, the option that would let the run go further. Never the key.
    pub message: String,
}
