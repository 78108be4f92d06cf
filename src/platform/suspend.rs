use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use super::system;

/// If the wall clock is ahead of the monotonic one by at least this much, the machine was suspended. Less is a correction
/// of the clock.
const MIN_GAP: Duration = Duration::from_secs(5);

/// The clocks at the first call.
struct Anchor {
    monotonic: Instant,
    wall: SystemTime,
    since_boot: Option<Duration>,
}

static ANCHOR: OnceLock<Anchor> = OnceLock::new();
static LONGEST_MS: AtomicU64 = AtomicU64::new(0);

/// For how long the machine was suspended since the first call; never decreases. If the system does not report it, a wall
/// clock that is clearly ahead of the monotonic one shows it.
#[must_use]
pub fn suspended() -> Duration {
    let anchor = ANCHOR.get_or_init(|| Anchor {
        monotonic: Instant::now(),
        wall: SystemTime::now(),
        since_boot: system::suspended_since_boot(),
    });
    let counted = system::suspended_since_boot()
        .zip(anchor.since_boot)
        .map(|(now, then)| now.saturating_sub(then))
        .unwrap_or_default();
    let wall = anchor.wall.elapsed().unwrap_or_default();
    let longest = counted.max(gap(wall, anchor.monotonic.elapsed()));
    let longest = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
    let before = LONGEST_MS.fetch_max(longest, Ordering::Relaxed);
    Duration::from_millis(longest.max(before))
}

fn gap(wall: Duration, monotonic: Duration) -> Duration {
    let gap = wall.saturating_sub(monotonic);
    if gap >= MIN_GAP { gap } else { Duration::ZERO }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_that_is_clearly_ahead_shows_a_suspend() {
        let seconds = Duration::from_secs;
        assert_eq!(gap(seconds(3700), seconds(100)), seconds(3600));
        assert_eq!(gap(seconds(104), seconds(100)), Duration::ZERO);
        assert_eq!(gap(seconds(100), seconds(3700)), Duration::ZERO);
    }

    #[test]
    fn a_machine_that_stays_awake_was_not_suspended() {
        assert_eq!(suspended(), Duration::ZERO);
        assert_eq!(suspended(), Duration::ZERO);
    }
}
