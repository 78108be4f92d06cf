use std::time::Duration;

use tokio::time::Instant;

use crate::pace::Backoff;

/// Failures in a row after which the API counts as down, unless an operation gives up sooner.
const DOWN_AFTER: u32 = 5;

/// Gaps between the single requests that check whether it is back.
const CHECK_GAPS: Backoff = Backoff {
    base: Duration::from_secs(1),
    cap: Duration::from_secs(60),
};

/// How the API has been answering. Time counts only while a call is under way, and not while the run is busy elsewhere.
#[derive(Debug)]
pub(super) struct Health {
    down_after: u32,
    failures: u32,
    /// When the first of the failures ended, moved on by idle times. Waits that the API asks for count: otherwise the run
    /// would wait forever for an API that asks again and again.
    since: Option<Instant>,
    /// `Some` while the API is down: when to check next.
    next_check: Option<Instant>,
    /// Checks in this outage that failed.
    failed_checks: u32,
    rng: fastrand::Rng,
}

impl Health {
    pub(super) fn new(max_attempts: u32, rng: fastrand::Rng) -> Self {
        Self {
            down_after: DOWN_AFTER.min(max_attempts.saturating_sub(1)).max(1),
            failures: 0,
            since: None,
            next_check: None,
            failed_checks: 0,
            rng,
        }
    }

    /// Records a usable answer. Returns whether that ended an outage.
    pub(super) fn answered(&mut self) -> bool {
        self.failures = 0;
        self.since = None;
        self.failed_checks = 0;
        self.next_check.take().is_some()
    }

    /// Records an exchange without a usable answer. Returns whether that began an outage.
    pub(super) fn failed(&mut self, now: Instant) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.since.get_or_insert(now);
        let was_up = self.next_check.is_none();
        if was_up && self.failures >= self.down_after {
            self.next_check = Some(now + CHECK_GAPS.delay(0, &mut self.rng));
            return true;
        }
        false
    }

    /// The health-check request failed.
    pub(super) fn check_failed(&mut self, now: Instant) {
        self.failed_checks = self.failed_checks.saturating_add(1);
        self.next_check = Some(now + CHECK_GAPS.delay(self.failed_checks, &mut self.rng));
    }

    /// Records a 429. That is no failure, but nothing but 429s for long enough is an outage too.
    pub(super) fn rate_limited(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    pub(super) fn was_idle(&mut self, idle: Duration) {
        if let Some(since) = &mut self.since {
            *since += idle;
        }
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) fn is_down(&self) -> bool {
        self.next_check.is_some()
    }

    /// For how long there has been no usable answer.
    pub(super) fn unanswered_for(&self, now: Instant) -> Duration {
        self.since
            .map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// While the API is down: when to check it next, at the latest when `max_outage` is reached.
    pub(super) fn next_check(&self, max_outage: Duration) -> Option<Instant> {
        let check = self.next_check?;
        let limit = self.since.map(|since| since + max_outage);
        Some(limit.map_or(check, |limit| check.min(limit)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health() -> Health {
        Health::new(8, fastrand::Rng::with_seed(1))
    }

    #[test]
    fn five_failures_in_a_row_are_an_outage_until_an_answer() {
        let now = Instant::now();
        let mut health = health();
        for _ in 0..4 {
            assert!(!health.failed(now));
        }
        assert!(!health.answered());
        for _ in 0..4 {
            assert!(!health.failed(now));
        }
        assert!(health.failed(now) && health.is_down());
        assert!(!health.failed(now), "an outage begins once");
        assert!(health.answered() && !health.is_down());
    }

    #[test]
    fn knocks_grow_apart_up_to_the_end_of_patience() {
        let now = Instant::now();
        let mut health = health();
        assert!((0..5).any(|_| health.failed(now)));
        let longest = |health: &mut Health, failed_checks| {
            let one = |_| {
                health.failed_checks = failed_checks;
                health.check_failed(now);
                health.next_check(Duration::MAX / 4).unwrap() - now
            };
            (0..200).map(one).max().unwrap()
        };
        assert!(longest(&mut health, 0) <= Duration::from_secs(2));
        let late = longest(&mut health, 30);
        assert!(late > Duration::from_secs(50) && late <= Duration::from_secs(60));
        assert_eq!(health.next_check(Duration::ZERO), Some(now));
    }

    #[test]
    fn idle_times_do_not_count_and_asked_waits_do() {
        let now = Instant::now();
        let minute = Duration::from_secs(60);
        let mut health = health();
        health.failed(now);
        health.was_idle(minute);
        health.rate_limited(now + minute);
        assert_eq!(health.unanswered_for(now + minute * 3), minute * 2);
    }
}
