//! Decides what an exchange means for the next step. Pure.

use super::{DecodeError, Safety, TransportError, WireResponse};

/// Why an exchange returned no usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FailureCause {
    #[error("the server answered {0}")]
    Status(u16),
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// `begins` shows the beginning of the answer.
    #[error("{error}; {begins}")]
    Unreadable { error: DecodeError, begins: String },
}

/// What to do about an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExchangeVerdict {
    /// 2xx; its body has yet to be decoded.
    Success,
    /// 429: it had no effect, so anything may be sent again after the pause.
    RateLimited,
    /// Send again after a delay.
    Retry,
    /// Any other 4xx: never send the same again.
    Refused,
    /// 401, 403: by the API itself, the key was refused; by something in front of it, the request was.
    Forbidden,
    /// 3xx: not followed; stop the run.
    Redirected,
    /// A server error that repeating does not fix (501, 505), to a request that may be repeated.
    Failed,
    /// It may have taken effect and must not be sent again.
    Unknown,
}

/// Judges an exchange, before the body of a success is decoded.
#[must_use]
pub(super) fn classify(
    safety: Safety,
    exchange: &Result<WireResponse, TransportError>,
) -> ExchangeVerdict {
    match exchange {
        Ok(response) => status(safety, response.status),
        Err(error) if error.is_before_sending() => ExchangeVerdict::Retry,
        Err(_) => unreadable(safety),
    }
}

/// Judges an exchange without a readable answer, such as a success with a broken body.
#[must_use]
pub(super) fn unreadable(safety: Safety) -> ExchangeVerdict {
    match safety {
        Safety::Once => ExchangeVerdict::Unknown,
        Safety::Repeatable => ExchangeVerdict::Retry,
    }
}

fn status(safety: Safety, status: u16) -> ExchangeVerdict {
    match (status, safety) {
        (200..=299, _) => ExchangeVerdict::Success,
        (300..=399, _) => ExchangeVerdict::Redirected,
        (401 | 403, _) => ExchangeVerdict::Forbidden,
        (429, _) => ExchangeVerdict::RateLimited,
        (408 | 425 | 500 | 502..=504 | 506..=599, _) => unreadable(safety),
        (400..=499, _) => ExchangeVerdict::Refused,
        // 501 and 505, and what is no status at all.
        (_, Safety::Once) => ExchangeVerdict::Unknown,
        (_, Safety::Repeatable) => ExchangeVerdict::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(safety: Safety, status: u16) -> ExchangeVerdict {
        classify(safety, &Ok(WireResponse::new(status, "")))
    }

    #[test]
    fn a_create_is_repeated_after_a_429_or_no_connection_only() {
        let repeated: Vec<u16> = (100..=599)
            .filter(|s| {
                matches!(
                    answered(Safety::Once, *s),
                    ExchangeVerdict::Retry | ExchangeVerdict::RateLimited
                )
            })
            .collect();
        assert_eq!(repeated, [429]);
        for status in (500..=599).chain([408, 425]) {
            assert_eq!(
                answered(Safety::Once, status),
                ExchangeVerdict::Unknown,
                "{status}"
            );
        }
        let refused = Err(TransportError::NotConnected("refused".into()));
        assert_eq!(classify(Safety::Once, &refused), ExchangeVerdict::Retry);
        for error in [
            TransportError::TimedOut,
            TransportError::Cut,
            TransportError::NotUnderstood("x".into()),
        ] {
            assert_eq!(
                classify(Safety::Once, &Err(error)),
                ExchangeVerdict::Unknown
            );
        }
        assert_eq!(unreadable(Safety::Once), ExchangeVerdict::Unknown);
    }

    #[test]
    fn others_are_repeated_where_the_contract_says_so() {
        let with = |verdict| -> Vec<u16> {
            (100..=599)
                .filter(|s| answered(Safety::Repeatable, *s) == verdict)
                .collect()
        };
        let repeated: Vec<u16> = [408, 425].into_iter().chain(500..=599).collect();
        let repeated: Vec<u16> = repeated
            .into_iter()
            .filter(|s| ![501, 505].contains(s))
            .collect();
        assert_eq!(with(ExchangeVerdict::Retry), repeated);
        assert_eq!(with(ExchangeVerdict::RateLimited), [429]);
        assert_eq!(with(ExchangeVerdict::Forbidden), [401, 403]);
        assert_eq!(
            with(ExchangeVerdict::Success),
            (200..=299).collect::<Vec<_>>()
        );
        assert_eq!(with(ExchangeVerdict::Refused).len(), 100 - 5);
        assert!(
            [501, 505]
                .iter()
                .all(|s| with(ExchangeVerdict::Failed).contains(s))
        );
        for error in [
            TransportError::TimedOut,
            TransportError::Cut,
            TransportError::TooLarge { limit: 1 },
        ] {
            assert_eq!(
                classify(Safety::Repeatable, &Err(error)),
                ExchangeVerdict::Retry
            );
        }
    }
}
