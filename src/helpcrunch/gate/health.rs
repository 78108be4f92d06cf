use std::time::Duration;

use tokio::time::Instant;

use crate::pace::Backoff;

/// Failures in a row after which the server is taken to be out, unless an operation gives up sooner.
const OUT_AFTER: u32 = 5;

/// Gaps between the single requests that see whether it is back.
const KNOCKS: Backoff = Backoff {
    base: Duration::from_secs(1),
    cap: Duration::from_secs(60),
};

/// How the server has been answering. Time counts while somebody wants an answer, and not while the run is busy
/// elsewhere.
#[derive(Debug)]
pub(super) struct Health {
    out_after: u32,
    failures: u32,
    /// When the first of the failures ended, moved on by idle times. Waits that the server asks for count: otherwise one that asks
    /// again and again would be waited for without end.
    since: Option<Instant>,
    /// While it is out: when to knock next, and how often that was done.
    next_knock: Option<Instant>,
    knocks: u32,
    rng: fastrand::Rng,
}

impl Health {
    pub(super) fn new(max_attempts: u32, rng: fastrand::Rng) -> Self {
        Self {
            out_after: OUT_AFTER.min(max_attempts.saturating_sub(1)).max(1),
            failures: 0,
            since: None,
            next_knock: None,
            knocks: 0,
            rng,
        }
    }

    /// A usable answer. Whether that ended an outage.
    pub(super) fn answered(&mut self) -> bool {
        self.failures = 0;
        self.since = None;
        self.knocks = 0;
        self.next_knock.take().is_some()
    }

    /// An exchange without a usable answer. Whether that began an outage.
    pub(super) fn failed(&mut self, now: Instant) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.since.get_or_insert(now);
        let was_up = self.next_knock.is_none();
        if was_up && self.failures >= self.out_after {
            self.next_knock = Some(now + KNOCKS.delay(0, &mut self.rng));
            return true;
        }
        false
    }

    /// A knock was answered with nothing usable.
    pub(super) fn knocked_in_vain(&mut self, now: Instant) {
        self.knocks = self.knocks.saturating_add(1);
        self.next_knock = Some(now + KNOCKS.delay(self.knocks, &mut self.rng));
    }

    /// A 429 is no failure, but with nothing else for long enough it is an outage too.
    pub(super) fn put_off(&mut self, now: Instant) {
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

    pub(super) fn is_out(&self) -> bool {
        self.next_knock.is_some()
    }

    /// How long there has been no usable answer.
    pub(super) fn silent_for(&self, now: Instant) -> Duration {
        self.since
            .map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// While the server is out: when to knock, no later than when patience ends.
    pub(super) fn next_knock(&self, patience: Duration) -> Option<Instant> {
        let knock = self.next_knock?;
        Some(
            self.since
                .map_or(knock, |since| knock.min(since + patience)),
        )
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
        assert!(health.failed(now) && health.is_out());
        assert!(!health.failed(now), "an outage begins once");
        assert!(health.answered() && !health.is_out());
    }

    #[test]
    fn knocks_grow_apart_up_to_the_end_of_patience() {
        let now = Instant::now();
        let mut health = health();
        assert!((0..5).any(|_| health.failed(now)));
        let longest = |health: &mut Health, knocks| {
            let one = |_| {
                health.knocks = knocks;
                health.knocked_in_vain(now);
                health.next_knock(Duration::MAX / 4).unwrap() - now
            };
            (0..200).map(one).max().unwrap()
        };
        assert!(longest(&mut health, 0) <= Duration::from_secs(2));
        let late = longest(&mut health, 30);
        assert!(late > Duration::from_secs(50) && late <= Duration::from_secs(60));
        assert_eq!(health.next_knock(Duration::ZERO), Some(now));
    }

    #[test]
    fn idle_times_do_not_count_and_asked_waits_do() {
        let now = Instant::now();
        let minute = Duration::from_secs(60);
        let mut health = health();
        health.failed(now);
        health.was_idle(minute);
        health.put_off(now + minute);
        assert_eq!(health.silent_for(now + minute * 3), minute * 2);
    }
}
