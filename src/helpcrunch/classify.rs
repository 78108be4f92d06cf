//! What an exchange means for the next step. Pure.

use super::{DecodeError, Safety, TransportError, WireResponse};

/// Why an exchange brought no usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("the server answered {0}")]
    Status(u16),
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error(transparent)]
    Unreadable(#[from] DecodeError),
}

/// What to do about an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// 2xx; its body has still to be read.
    Success,
    /// 429: nothing was done, so that anything may be sent again, after the pause.
    RateLimited,
    /// Send again, after a while.
    Retry,
    /// Any other 4xx: never again as it is.
    Refused,
    /// 401, 403: stop the run.
    Unauthorized,
    /// 3xx: not followed; stop the run.
    Redirected,
    /// A server error that time does not mend (501, 505, …), to a request that may be repeated: no use in it.
    Failed,
    /// It may have been done, and may not be sent again.
    Unknown,
}

/// The verdict on an exchange, before the body of a success is read.
#[must_use]
pub(super) fn classify(safety: Safety, exchange: &Result<WireResponse, TransportError>) -> Verdict {
    match exchange {
        Ok(response) => status(safety, response.status),
        Err(TransportError::NotConnected(_)) => Verdict::Retry,
        Err(_) => unreadable(safety),
    }
}

/// The verdict where no answer came that can be read, also for a success with a broken body.
#[must_use]
pub(super) fn unreadable(safety: Safety) -> Verdict {
    match safety {
        Safety::Once => Verdict::Unknown,
        Safety::Repeatable => Verdict::Retry,
    }
}

fn status(safety: Safety, status: u16) -> Verdict {
    match (status, safety) {
        (200..=299, _) => Verdict::Success,
        (300..=399, _) => Verdict::Redirected,
        (401 | 403, _) => Verdict::Unauthorized,
        (429, _) => Verdict::RateLimited,
        (408 | 500 | 502..=504, _) => unreadable(safety),
        (400..=499, _) => Verdict::Refused,
        // 5xx, and what is no status at all.
        (_, Safety::Once) => Verdict::Unknown,
        (_, Safety::Repeatable) => Verdict::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(safety: Safety, status: u16) -> Verdict {
        classify(safety, &Ok(WireResponse::new(status, "")))
    }

    #[test]
    fn a_create_is_repeated_after_a_429_or_no_connection_only() {
        let repeated: Vec<u16> = (100..=599)
            .filter(|s| {
                matches!(
                    answered(Safety::Once, *s),
                    Verdict::Retry | Verdict::RateLimited
                )
            })
            .collect();
        assert_eq!(repeated, [429]);
        for status in (500..=599).chain([408]) {
            assert_eq!(answered(Safety::Once, status), Verdict::Unknown, "{status}");
        }
        let refused = Err(TransportError::NotConnected("refused".into()));
        assert_eq!(classify(Safety::Once, &refused), Verdict::Retry);
        for error in [
            TransportError::TimedOut,
            TransportError::Cut,
            TransportError::Undecodable,
        ] {
            assert_eq!(classify(Safety::Once, &Err(error)), Verdict::Unknown);
        }
        assert_eq!(unreadable(Safety::Once), Verdict::Unknown);
    }

    #[test]
    fn others_are_repeated_where_the_contract_says_so() {
        let with = |verdict| -> Vec<u16> {
            (100..=599)
                .filter(|s| answered(Safety::Repeatable, *s) == verdict)
                .collect()
        };
        assert_eq!(with(Verdict::Retry), [408, 500, 502, 503, 504]);
        assert_eq!(with(Verdict::RateLimited), [429]);
        assert_eq!(with(Verdict::Unauthorized), [401, 403]);
        assert_eq!(with(Verdict::Success), (200..=299).collect::<Vec<_>>());
        assert_eq!(with(Verdict::Refused).len(), 100 - 4);
        assert!(with(Verdict::Failed).contains(&501));
        for error in [
            TransportError::TimedOut,
            TransportError::Cut,
            TransportError::TooLarge { limit: 1 },
        ] {
            assert_eq!(classify(Safety::Repeatable, &Err(error)), Verdict::Retry);
        }
    }
}
