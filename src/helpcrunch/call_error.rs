use super::classify::FailureCause;
use super::{ApiError, StopKind};
use crate::domain::Field;

/// Why a call returned no result. All texts in it are bounded and without the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Any other 4xx: it had no effect, and the same request would be refused again. At least one entry. Also a 401 or 403
    /// of something in front of the API that concerns this request alone.
    #[error("refused with {status}: {}", listed(errors))]
    Refused { status: u16, errors: Vec<ApiError> },
    /// 401 or 403 of the API itself. The gate is closed.
    #[error("the API key was refused with {status}: {}", listed(errors))]
    Unauthorized { status: u16, errors: Vec<ApiError> },
    /// 401 or 403 of something in front of the API that concerns all requests. The gate is closed.
    #[error("{}", blocked(*status, errors))]
    Blocked { status: u16, errors: Vec<ApiError> },
    /// Any 3xx. The gate is closed.
    #[error("redirected with {status} to {}, which is not followed", location.as_deref().unwrap_or("nowhere"))]
    Redirected {
        status: u16,
        location: Option<String>,
    },
    /// A create that may have taken effect: look for the customer before anything else.
    #[error("it is not known whether the customer was created: {why}")]
    Unknown { why: FailureCause },
    /// Repeated as often as allowed, or pointless to repeat. `attempts` leaves out those answered with 429.
    #[error("gave up after {attempts} attempts: {why}")]
    GaveUp { attempts: u32, why: FailureCause },
    /// The gate closed before the first attempt, or after attempts without effect (429, no connection).
    #[error("not sent: {0}")]
    NotSent(StopKind),
    /// The gate closed between attempts at a request that may be repeated; an earlier one may have taken effect.
    #[error("not sent again after `{why}`: {stop}")]
    CutShort { stop: StopKind, why: FailureCause },
    /// Not sent, or not repeated, because the reading that it relies on is too old by now. `why`: `Some` if an earlier
    /// attempt may have taken effect. `failed`: attempts so far that count.
    #[error("not sent: the customer was read too long ago")]
    Outdated {
        failed: u32,
        why: Option<FailureCause>,
    },
    /// Dropped in flight by a hard stop: it may have taken effect.
    #[error("dropped while waiting for the answer")]
    Interrupted,
}

/// Describes a refusal that is not the API's own.
pub(crate) fn blocked(status: u16, errors: &[ApiError]) -> String {
    let texts: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    let texts = texts.join("; ");
    format!(
        "a firewall or proxy in front of HelpCrunch answered {status}, not HelpCrunch itself: {texts}"
    )
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

    /// Whether something in front of the API refused this request alone.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                status: 401 | 403,
                ..
            }
        )
    }

    /// Whether the API says that another customer has the userId (observed for creates: `invalid_userId_value`).
    #[must_use]
    pub fn is_user_id_taken(&self) -> bool {
        let is_about_it = |error: &ApiError| {
            error.code == "invalid_userId_value" || error.code == Field::UserId.name()
        };
        match self {
            Self::Refused {
                status: 400 | 409 | 422,
                errors,
            } => errors.iter().any(is_about_it),
            _ => false,
        }
    }

    /// What closed the gate, if that is why the call ended.
    #[must_use]
    pub fn stop(&self) -> Option<StopKind> {
        match self {
            Self::NotSent(stop) | Self::CutShort { stop, .. } => Some(*stop),
            Self::Unauthorized { .. } => Some(StopKind::Unauthorized),
            Self::Blocked { .. } => Some(StopKind::Blocked),
            Self::Redirected { .. } => Some(StopKind::Redirected),
            Self::Interrupted => Some(StopKind::Signal),
            Self::Refused { .. }
            | Self::Unknown { .. }
            | Self::GaveUp { .. }
            | Self::Outdated { .. } => None,
        }
    }

    /// Whether it cannot have reached the server.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        matches!(self, Self::NotSent(_) | Self::Outdated { why: None, .. })
    }
}

/// The result of a call, and what it took to get it.
#[derive(Debug)]
pub struct CallReport<T> {
    pub result: Result<T, CallError>,
    /// HTTP exchanges that were begun for it, including those answered with 429.
    pub attempts: u32,
    /// Status of the last answer, if any came.
    pub http_status: Option<u16>,
    /// An attempt was sent, got no usable answer, and may have taken effect.
    pub in_doubt: bool,
}

impl<T> CallReport<T> {
    /// The same report with another kind of result.
    pub fn map<U>(self, of_success: impl FnOnce(T) -> U) -> CallReport<U> {
        CallReport {
            result: self.result.map(of_success),
            attempts: self.attempts,
            http_status: self.http_status,
            in_doubt: self.in_doubt,
        }
    }
}
