use std::time::Duration;

use tokio::time::Instant;

/// Retries that are free to go before any success has paid for them.
const CAPACITY: f64 = 50.0;

/// One retry that nothing paid for may go this often.
const TRICKLE: Duration = Duration::from_secs(5);

/// A token bucket that retries pay into the void from and successes refill: over time there are at most as many
/// retries as successes, plus a trickle. A server that mostly fails so sees fewer requests, not more.
///
/// An empty budget delays a retry and never denies it: a row is not failed because others had bad luck.
#[derive(Debug)]
pub struct RetryBudget {
    /// Negative by as many retries as are already waiting for the trickle.
    tokens: f64,
    at: Instant,
}

impl RetryBudget {
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            tokens: CAPACITY,
            at: now,
        }
    }

    /// Pays for one retry and says how long it has to wait for its token.
    #[must_use]
    pub fn pay(&mut self, now: Instant) -> Duration {
        self.trickle(now);
        self.tokens -= 1.0;
        TRICKLE.mul_f64((-self.tokens).max(0.0))
    }

    pub fn success(&mut self, now: Instant) {
        self.trickle(now);
        self.tokens = (self.tokens + 1.0).min(CAPACITY);
    }

    fn trickle(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.at);
        self.at = now;
        self.tokens = (self.tokens + elapsed.as_secs_f64() / TRICKLE.as_secs_f64()).min(CAPACITY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_budget_spaces_retries_out() {
        let now = Instant::now();
        let mut budget = RetryBudget::new(now);
        for _ in 0..50 {
            assert_eq!(budget.pay(now), Duration::ZERO);
        }
        assert_eq!(budget.pay(now), TRICKLE);
        assert_eq!(budget.pay(now), TRICKLE * 2);
        assert_eq!(budget.pay(now + TRICKLE * 3), Duration::ZERO);
    }

    #[test]
    fn as_many_retries_as_successes_are_free() {
        let now = Instant::now();
        let mut budget = RetryBudget::new(now);
        for _ in 0..1000 {
            budget.success(now);
            assert_eq!(budget.pay(now), Duration::ZERO);
        }
        let waited = (0..100).filter(|_| !budget.pay(now).is_zero()).count();
        assert_eq!(waited, 51);
    }
}
