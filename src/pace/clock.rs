use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tokio::time::Instant;

/// The wall time, read once and then advanced by the monotonic clock: a small step of the system clock during a run
/// shifts no wait and no record, and under tokio's paused clock wall time is virtual too.
///
/// The monotonic clock stands still while the machine is suspended. [`Clock::suspended`] returns for how long it was:
/// wall times include it, instants do not.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    wall: Timestamp,
    anchor: Instant,
    suspended: fn() -> Duration,
}

impl Clock {
    /// Anchors `wall` to this moment. A time that has no date counts as the epoch.
    #[must_use]
    pub fn start(wall: SystemTime) -> Self {
        Self {
            wall: Timestamp::try_from(wall).unwrap_or(Timestamp::UNIX_EPOCH),
            anchor: Instant::now(),
            suspended: || Duration::ZERO,
        }
    }

    /// Adds the time in which the machine was suspended, as `suspended` returns it.
    #[must_use]
    pub fn with_suspension(self, suspended: fn() -> Duration) -> Self {
        suspended();
        Self { suspended, ..self }
    }

    /// Returns for how long the machine was suspended since the clock was started. Never decreases.
    #[must_use]
    pub fn suspended(&self) -> Duration {
        (self.suspended)()
    }

    /// Returns the instant at which the clock was started.
    #[must_use]
    pub fn started_at(&self) -> Instant {
        self.anchor
    }

    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::now()
    }

    #[must_use]
    pub fn wall(&self) -> Timestamp {
        let elapsed = self.now().saturating_duration_since(self.anchor) + self.suspended();
        self.wall.checked_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    /// Returns the wall time as RFC 3339 in whole seconds, UTC: the form of every time in hcsync's files.
    #[must_use]
    pub fn rfc3339(&self) -> String {
        Self::format(self.wall())
    }

    /// Formats a time as RFC 3339 in whole seconds, UTC, such as `2026-11-20T03:12:44Z`.
    #[must_use]
    pub fn format(timestamp: Timestamp) -> String {
        Timestamp::from_second(timestamp.as_second())
            .unwrap_or(timestamp)
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_wall_follows_the_virtual_clock() {
        let clock = Clock::start(SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_900));
        assert_eq!(clock.rfc3339(), "2023-11-14T22:13:20Z");
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(clock.rfc3339(), "2023-11-14T23:13:20Z");
    }

    #[test]
    fn the_wall_counts_the_time_in_which_the_machine_was_suspended() {
        let clock =
            Clock::start(SystemTime::UNIX_EPOCH).with_suspension(|| Duration::from_secs(7200));
        assert_eq!(clock.rfc3339(), "1970-01-01T02:00:00Z");
    }
}
