use serde::{Deserialize, Serialize};

/// How well the rate limit was used.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct RateFacts {
    /// `None` without a limit.
    pub limit_per_minute: Option<u32>,
    pub achieved_per_minute: f64,
    /// Share of the limit, 1 for all of it; `None` without a limit.
    pub utilisation: Option<f64>,
}

impl RateFacts {
    /// `seconds` is the time in which the requests were sent.
    pub fn new(limit_per_minute: Option<u32>, requests: u64, seconds: f64) -> Self {
        let achieved = achieved_per_minute(requests, seconds);
        Self {
            limit_per_minute,
            achieved_per_minute: achieved,
            utilisation: utilisation(achieved, limit_per_minute),
        }
    }
}

/// Requests a minute, rounded to hundredths; 0 if no time passed.
#[expect(
    clippy::cast_precision_loss,
    reason = "request counts are far below 2^52"
)]
pub(super) fn achieved_per_minute(requests: u64, seconds: f64) -> f64 {
    if seconds > 0.0 {
        (requests as f64 * 6_000.0 / seconds).round() / 100.0
    } else {
        0.0
    }
}

/// Share of the limit that was used, rounded to thousandths; `None` without a limit.
pub(super) fn utilisation(achieved_per_minute: f64, limit_per_minute: Option<u32>) -> Option<f64> {
    let limit = limit_per_minute.filter(|limit| *limit > 0)?;
    Some((achieved_per_minute / f64::from(limit) * 1_000.0).round() / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_shares_of_the_limit() {
        assert_eq!(achieved_per_minute(1_188, 600.0), 118.8);
        assert_eq!(achieved_per_minute(5, 0.0), 0.0);
        assert_eq!(utilisation(118.8, Some(120)), Some(0.99));
        assert_eq!(utilisation(118.8, None), None);
        assert_eq!(utilisation(118.8, Some(0)), None);
    }
}
