use std::time::Duration;

use tokio::time::Instant;

/// Retries allowed before any success has paid for them.
const CAPACITY: f64 = 50.0;

/// An unpaid retry may go this often.
const TRICKLE: Duration = Duration::from_secs(5);

/// A token bucket that retries drain and successes refill: over time there are at most as many retries as successes,
/// plus a trickle, so that a server that mostly fails sees fewer requests, not more.
///
/// An empty budget delays a retry and never denies it: a row does not fail because others did.
#[derive(Debug)]
pub struct RetryBudget {
    /// Negative: this many retries are already waiting for the trickle.
    tokens: f64,
    refilled_at: Instant,
}

impl RetryBudget {
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            tokens: CAPACITY,
            refilled_at: now,
        }
    }

    /// Takes the token of one retry and returns how long the retry has to wait for it.
    #[must_use]
    pub fn pay(&mut self, now: Instant) -> Duration {
        self.refill(now);
        self.tokens -= 1.0;
        TRICKLE.mul_f64((-self.tokens).max(0.0))
    }

    pub fn record_success(&mut self, now: Instant) {
        self.refill(now);
        self.tokens = (self.tokens + 1.0).min(CAPACITY);
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.refilled_at);
        self.refilled_at = now;
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
            budget.record_success(now);
            assert_eq!(budget.pay(now), Duration::ZERO);
        }
        let waited = (0..100).filter(|_| !budget.pay(now).is_zero()).count();
        assert_eq!(waited, 51);
    }
}
