use std::time::{Duration, SystemTime};

use jiff::Timestamp;

/// What a `Retry-After` header asks for, against the longest wait that is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// No header, one that cannot be read, a zero or a moment gone by: the wait is ours to choose.
    Nothing,
    Wait(Duration),
    /// Longer than is accepted; nobody waits it out.
    TooLong(Duration),
}

/// Reads `Retry-After`: whole seconds, or an HTTP date measured from `wall`, the time at which the answer was
/// made.
#[must_use]
pub fn retry_after(header: Option<&str>, wall: Timestamp, longest: Duration) -> Asked {
    match header.and_then(|text| wait(text.trim(), wall)) {
        None => Asked::Nothing,
        Some(wait) if wait.is_zero() => Asked::Nothing,
        Some(wait) if wait > longest => Asked::TooLong(wait),
        Some(wait) => Asked::Wait(wait),
    }
}

fn wait(text: &str, wall: Timestamp) -> Option<Duration> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // A number beyond u64 is a wait that nobody accepts.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let wall = SystemTime::from(wall);
    Some(until.duration_since(wall).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(300);

    fn at(text: &str) -> Asked {
        let wall = "2026-11-20T03:12:44Z".parse().unwrap();
        retry_after(Some(text), wall, LONGEST)
    }

    #[test]
    fn seconds_and_dates_are_read() {
        assert_eq!(at("7"), Asked::Wait(Duration::from_secs(7)));
        assert_eq!(at(" 300 "), Asked::Wait(LONGEST));
        assert_eq!(
            at("Fri, 20 Nov 2026 03:13:14 GMT"),
            Asked::Wait(Duration::from_secs(30))
        );
    }

    #[test]
    fn what_cannot_be_used_asks_for_nothing() {
        for text in [
            "",
            "soon",
            "-5",
            "1.5",
            "0",
            "Fri, 20 Nov 2020 03:13:14 GMT",
        ] {
            assert_eq!(at(text), Asked::Nothing, "{text}");
        }
        assert_eq!(
            retry_after(None, Timestamp::UNIX_EPOCH, LONGEST),
            Asked::Nothing
        );
    }

    #[test]
    fn a_wait_beyond_the_longest_says_so() {
        assert_eq!(at("301"), Asked::TooLong(Duration::from_secs(301)));
        assert!(matches!(at("99999999999999999999999"), Asked::TooLong(_)));
        assert!(matches!(
            at("Fri, 20 Nov 2026 04:13:14 GMT"),
            Asked::TooLong(_)
        ));
    }
}
