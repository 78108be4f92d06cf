use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

/// The share of the limit that is used. The rest absorbs network jitter: however the API counts its minute, a request
/// that is late or early by half a second does not exceed the limit.
pub const PACE_SHARE: f64 = 0.99;

/// Cells per request. Fractions of a request let the next one make up for a late wake-up (a timer is up to a
/// millisecond late each time, which would cost 0.2 % of the limit).
const CELLS: u32 = 20;

/// The lateness that the next request can make up for, at any rate.
const LATENESS: Duration = Duration::from_millis(2);

/// The factor by which one 429 lengthens the gap between requests, and its upper limit.
const SLOW_DOWN: f64 = 1.1;
const MAX_SLOWDOWN: f64 = 2.0;

/// The factor by which the gap shrinks again after every [`SPEED_UP_AFTER`] successful answers.
const SPEED_UP: f64 = 1.05;
const SPEED_UP_AFTER: u32 = 20;

type Governor = RateLimiter<NotKeyed, InMemoryState, TokioTime, NoOpMiddleware<Duration>>;

/// Paces requests evenly: one at a time with an equal gap before the next, and no burst, not even after a pause.
///
/// Its time is tokio's, so that a paused clock paces virtually. It never sleeps; it returns how long to.
pub struct Limiter {
    anchor: Instant,
    /// Gap between requests at full pace, or `None` without a limit.
    full_pace_gap: Option<Duration>,
    /// The current factor on the gap, 1 at full pace.
    slowdown: f64,
    successes: u32,
    governor: Option<Governor>,
    /// Keeps the first request of a new governor away from the last one, which that governor does not know.
    not_before: Option<Instant>,
    last: Option<Instant>,
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("full_pace_gap", &self.full_pace_gap)
            .field("slowdown", &self.slowdown)
            .finish_non_exhaustive()
    }
}

impl Limiter {
    /// Uses [`PACE_SHARE`] of `requests_per_minute` minus `reserve`, but at least one request a minute. Zero
    /// `requests_per_minute`: no limit.
    #[must_use]
    pub fn new(requests_per_minute: u32, reserve: u32) -> Self {
        let usable = requests_per_minute.saturating_sub(reserve).max(1);
        let full_pace_gap = (requests_per_minute > 0)
            .then(|| Duration::from_secs_f64(60.0 / (f64::from(usable) * PACE_SHARE)));
        let mut limiter = Self {
            anchor: Instant::now(),
            full_pace_gap,
            slowdown: 1.0,
            successes: 0,
            governor: None,
            not_before: None,
            last: None,
        };
        limiter.replace_governor();
        limiter
    }

    /// Admits the next request.
    ///
    /// # Errors
    /// How long to wait before asking again.
    pub fn try_acquire(&mut self) -> Result<(), Duration> {
        let now = Instant::now();
        if let Some(wait) = self.not_before.and_then(|t| t.checked_duration_since(now))
            && !wait.is_zero()
        {
            return Err(wait);
        }
        let (Some(governor), Some(cells)) = (&self.governor, NonZeroU32::new(CELLS)) else {
            return Ok(());
        };
        // The outer error would mean that a request never fits the quota, which is made to hold one.
        if let Ok(Err(not_until)) = governor.check_n(cells) {
            let wait = not_until.wait_time_from(now.saturating_duration_since(self.anchor));
            return Err(wait.max(Duration::from_micros(1)));
        }
        self.not_before = None;
        self.last = Some(now);
        Ok(())
    }

    /// Slows down a little, after a 429.
    pub fn slow_down(&mut self) {
        self.successes = 0;
        self.set_slowdown((self.slowdown * SLOW_DOWN).min(MAX_SLOWDOWN));
    }

    /// Counts a successful answer, and returns towards the full pace in steps.
    pub fn record_success(&mut self) {
        if self.slowdown <= 1.0 {
            return;
        }
        self.successes += 1;
        if self.successes >= SPEED_UP_AFTER {
            self.successes = 0;
            self.set_slowdown((self.slowdown / SPEED_UP).max(1.0));
        }
    }

    /// Returns the current gap between requests, or `None` without a limit.
    #[must_use]
    pub fn gap(&self) -> Option<Duration> {
        self.full_pace_gap.map(|gap| gap.mul_f64(self.slowdown))
    }

    fn set_slowdown(&mut self, slowdown: f64) {
        if (self.slowdown - slowdown).abs() > f64::EPSILON {
            self.slowdown = slowdown;
            self.replace_governor();
        }
    }

    /// Makes a governor for the current gap, since the quota of an existing one cannot change.
    fn replace_governor(&mut self) {
        let Some(gap) = self.gap() else { return };
        let cell = gap / CELLS;
        self.governor = quota(cell).map(|quota| {
            let time = TokioTime(self.anchor);
            RateLimiter::direct_with_clock(quota, time)
        });
        self.not_before = self.last.map(|last| last + gap);
    }
}

fn quota(cell: Duration) -> Option<Quota> {
    let lateness_cells = LATENESS
        .div_duration_f64(cell)
        .ceil()
        .clamp(1.0, f64::from(CELLS));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 1..=CELLS"
    )]
    let burst = NonZeroU32::new(CELLS + lateness_cells as u32)?;
    Some(Quota::with_period(cell)?.allow_burst(burst))
}

/// Tokio's time as the time since an anchor.
#[derive(Debug, Clone)]
struct TokioTime(Instant);

impl GovernorClock for TokioTime {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// How a server might count 120 a minute.
    enum Window {
        Fixed {
            offset: Duration,
            minute: u128,
            used: u32,
        },
        Sliding(VecDeque<Duration>),
        Bucket {
            capacity: f64,
            tokens: f64,
            at: Duration,
        },
    }

    impl Window {
        fn allows(&mut self, now: Duration) -> bool {
            match self {
                Self::Fixed {
                    offset,
                    minute,
                    used,
                } => {
                    let this = (now + *offset).as_millis() / 60_000;
                    if this != *minute {
                        (*minute, *used) = (this, 0);
                    }
                    *used += 1;
                    *used <= 120
                }
                Self::Sliding(seen) => {
                    while seen.front().is_some_and(|t| now - *t >= MINUTE) {
                        seen.pop_front();
                    }
                    seen.push_back(now);
                    seen.len() <= 120
                }
                Self::Bucket {
                    capacity,
                    tokens,
                    at,
                } => {
                    *tokens = (*tokens + (now - *at).as_secs_f64() * 2.0).min(*capacity);
                    *at = now;
                    let allowed = *tokens >= 1.0;
                    if allowed {
                        *tokens -= 1.0;
                    }
                    allowed
                }
            }
        }
    }

    async fn times(limiter: &mut Limiter, span: Duration) -> Vec<Duration> {
        let start = Instant::now();
        let mut times = Vec::new();
        while start.elapsed() < span {
            match limiter.try_acquire() {
                Ok(()) => times.push(start.elapsed()),
                Err(wait) => tokio::time::sleep(wait).await,
            }
        }
        times
    }

    #[tokio::test(start_paused = true)]
    async fn ten_minutes_use_the_limit_and_stay_under_it_however_it_is_counted() {
        let times = times(&mut Limiter::new(120, 0), MINUTE * 10).await;
        assert!(times.len() >= 1182, "{} of 1200", times.len());
        let mut windows = vec![
            Window::Sliding(VecDeque::new()),
            Window::Bucket {
                capacity: 1.0,
                tokens: 1.0,
                at: Duration::ZERO,
            },
            Window::Bucket {
                capacity: 120.0,
                tokens: 0.0,
                at: Duration::ZERO,
            },
        ];
        windows.extend((0..60).map(|s| Window::Fixed {
            offset: Duration::from_millis(s * 997),
            minute: 0,
            used: 0,
        }));
        for (index, mut window) in windows.into_iter().enumerate() {
            // The very first request of an empty bucket is the model's fault, not the pace's.
            let refused = times.iter().skip(1).filter(|t| !window.allows(**t)).count();
            assert!(refused * 1000 <= times.len(), "window {index}: {refused}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_saves_up_no_burst() {
        let mut limiter = Limiter::new(120, 0);
        limiter.try_acquire().unwrap();
        tokio::time::advance(MINUTE * 5).await;
        let times = times(&mut limiter, Duration::from_secs(10)).await;
        let gap = Duration::from_secs_f64(0.5 / PACE_SHARE);
        for pair in times.windows(2) {
            assert!(pair[1] - pair[0] >= gap.mul_f64(0.94), "{pair:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_reserve_is_left_to_others() {
        let count = times(&mut Limiter::new(120, 60), MINUTE * 10).await.len();
        assert!((591..=595).contains(&count), "{count}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_limit_never_waits() {
        let mut limiter = Limiter::new(0, 0);
        for _ in 0..10_000 {
            limiter.try_acquire().unwrap();
        }
        limiter.slow_down();
        limiter.try_acquire().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_429_slows_down_and_successes_return_to_full_pace() {
        let mut limiter = Limiter::new(120, 0);
        let full = limiter.gap().unwrap();
        limiter.try_acquire().unwrap();
        limiter.slow_down();
        let wait = limiter.try_acquire().unwrap_err();
        assert!(
            wait >= full.mul_f64(1.09) && wait <= full.mul_f64(1.11),
            "{wait:?}"
        );
        for _ in 0..100 {
            limiter.slow_down();
        }
        assert_eq!(limiter.gap(), Some(full * 2));
        for _ in 0..400 {
            limiter.record_success();
        }
        assert_eq!(limiter.gap(), Some(full));
    }
}
