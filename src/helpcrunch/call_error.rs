use super::classify::Trouble;
use super::{ApiError, StopKind};

/// Why a call brought no result. All texts in it are bounded and without the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Any 4xx that stands by itself; nothing was done, and the same request would be refused again. At least one
    /// entry.
    #[error("refused with {status}: {}", listed(errors))]
    Refused { status: u16, errors: Vec<ApiError> },
    /// 401 or 403. The gate is closed.
    #[error("the API key was refused with {status}: {}", listed(errors))]
    Unauthorized { status: u16, errors: Vec<ApiError> },
    /// Any 3xx. The gate is closed.
    #[error("redirected with {status} to {}, which is not followed", location.as_deref().unwrap_or("nowhere"))]
    Redirected {
        status: u16,
        location: Option<String>,
    },
    /// A create that may have been done: look for the customer before anything else.
    #[error("whether the customer was created is not known: {why}")]
    Unknown { why: Trouble },
    /// Repeated as often as is allowed, or of no use to repeat. `attempts` leaves out those that a 429 answered.
    #[error("gave up after {attempts} attempts: {why}")]
    GaveUp { attempts: u32, why: Trouble },
    /// The gate closed before it was begun, or after attempts that did nothing (429, no connection).
    #[error("not sent: {0}")]
    NotSent(StopKind),
    /// The gate closed between attempts at something that may be repeated; an earlier one may have been done.
    #[error("not sent again after `{why}`: {stop}")]
    CutShort { stop: StopKind, why: Trouble },
    /// Not begun, or not repeated, since the reading that it stands on is too old by now. After `why` an earlier
    /// attempt may have been done. `failed`: attempts so far that count.
    #[error("what was read grew old before it could be sent")]
    Outdated { failed: u32, why: Option<Trouble> },
    /// Dropped in flight by a hard stop: it may have been done.
    #[error("dropped while waiting for the answer")]
    Interrupted,
}

fn listed(errors: &[ApiError]) -> String {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

impl CallError {
    /// Whether the customer that was asked for does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }

    /// What closed the gate, where that is why.
    #[must_use]
    pub fn stop(&self) -> Option<StopKind> {
        match self {
            Self::NotSent(stop) | Self::CutShort { stop, .. } => Some(*stop),
            Self::Unauthorized { .. } => Some(StopKind::Unauthorized),
            Self::Redirected { .. } => Some(StopKind::Redirected),
            Self::Interrupted => Some(StopKind::Signal),
            Self::Refused { .. }
            | Self::Unknown { .. }
            | Self::GaveUp { .. }
            | Self::Outdated { .. } => None,
        }
    }

    /// Whether nothing of it can have reached the server.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        matches!(self, Self::NotSent(_) | Self::Outdated { why: None, .. })
    }
}

/// How a call went.
#[derive(Debug)]
pub struct Sent<T> {
    pub result: Result<T, CallError>,
    /// HTTP exchanges that were begun for it, those that a 429 answered too.
    pub attempts: u32,
    /// Of the last answer, if any came.
    pub http_status: Option<u16>,
    /// An attempt left, got no usable answer, and may have taken effect.
    pub in_doubt: bool,
}
