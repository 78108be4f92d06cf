use std::time::{Duration, SystemTime};

use jiff::Timestamp;

/// What a `Retry-After` header asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// No header, an invalid one, zero, or a time in the past: the client chooses the wait.
    Unspecified,
    Wait(Duration),
    /// Longer than the accepted maximum.
    TooLong(Duration),
}

/// Parses `Retry-After`: whole seconds, or an HTTP date, which is measured from `wall`, the time of the answer.
#[must_use]
pub fn parse_retry_after(header: Option<&str>, wall: Timestamp, max_wait: Duration) -> RetryAfter {
    match header.and_then(|text| parse_wait(text.trim(), wall)) {
        None => RetryAfter::Unspecified,
        Some(wait) if wait.is_zero() => RetryAfter::Unspecified,
        Some(wait) if wait > max_wait => RetryAfter::TooLong(wait),
        Some(wait) => RetryAfter::Wait(wait),
    }
}

fn parse_wait(text: &str, wall: Timestamp) -> Option<Duration> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // A number beyond u64 is longer than any accepted wait.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let wall = SystemTime::from(wall);
    Some(until.duration_since(wall).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_WAIT: Duration = Duration::from_secs(300);

    fn at(text: &str) -> RetryAfter {
        let wall = "2026-11-20T03:12:44Z".parse().unwrap();
        parse_retry_after(Some(text), wall, MAX_WAIT)
    }

    #[test]
    fn seconds_and_dates_are_parsed() {
        assert_eq!(at("7"), RetryAfter::Wait(Duration::from_secs(7)));
        assert_eq!(at(" 300 "), RetryAfter::Wait(MAX_WAIT));
        assert_eq!(
            at("Fri, 20 Nov 2026 03:13:14 GMT"),
            RetryAfter::Wait(Duration::from_secs(30))
        );
    }

    #[test]
    fn unusable_headers_are_unspecified() {
        for text in [
            "",
            "soon",
            "-5",
            "1.5",
            "0",
            "Fri, 20 Nov 2020 03:13:14 GMT",
        ] {
            assert_eq!(at(text), RetryAfter::Unspecified, "{text}");
        }
        assert_eq!(
            parse_retry_after(None, Timestamp::UNIX_EPOCH, MAX_WAIT),
            RetryAfter::Unspecified
        );
    }

    #[test]
    fn a_wait_above_the_maximum_is_too_long() {
        assert_eq!(at("301"), RetryAfter::TooLong(Duration::from_secs(301)));
        assert!(matches!(
            at("99999999999999999999999"),
            RetryAfter::TooLong(_)
        ));
        assert!(matches!(
            at("Fri, 20 Nov 2026 04:13:14 GMT"),
            RetryAfter::TooLong(_)
        ));
    }
}
