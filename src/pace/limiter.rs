use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

/// The share of the limit that is used. The rest takes up the jitter of the network: whichever way the API counts
/// its minute, a request that is late or early by half a second does not go over.
pub const PACE_SHARE: f64 = 0.99;

/// A request is this many cells, so that a wake-up that came a little late is made good by the next request
/// (a timer is up to a millisecond late each time, which would cost 0.2 % of the limit).
const CELLS: u32 = 20;

/// What the next request may make good of at least, whatever the rate.
const LATENESS: Duration = Duration::from_millis(2);

/// By how much one 429 lengthens the gap between requests, and how far that can go.
const EASE: f64 = 1.1;
const EASE_MOST: f64 = 2.0;

/// The way back: a step after so many good answers.
const RECOVER: f64 = 1.05;
const RECOVER_AFTER: u32 = 20;

type Governor = RateLimiter<NotKeyed, InMemoryState, TokioTime, NoOpMiddleware<Duration>>;

/// Even pacing: one request at a time with an equal gap before the next, and no burst, not even after a rest.
///
/// Its time is tokio's, so that a paused clock paces virtually. It never sleeps; it says how long to.
pub struct Limiter {
    anchor: Instant,
    /// Gap between requests at full pace; nothing: no limit.
    gap: Option<Duration>,
    /// The gap's present factor, 1 at full pace.
    eased: f64,
    good_answers: u32,
    governor: Option<Governor>,
    /// A swapped governor knows no past: this keeps its first request away from the last one.
    not_before: Option<Instant>,
    last: Option<Instant>,
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("gap", &self.gap)
            .field("eased", &self.eased)
            .finish_non_exhaustive()
    }
}

impl Limiter {
    /// `requests_per_minute` less `reserve` is the limit, of which [`PACE_SHARE`] is used. 0: no limit. A reserve
    /// that leaves nothing is taken as leaving one a minute.
    #[must_use]
    pub fn new(requests_per_minute: u32, reserve: u32) -> Self {
        let usable = requests_per_minute.saturating_sub(reserve).max(1);
        let gap = (requests_per_minute > 0)
            .then(|| Duration::from_secs_f64(60.0 / (f64::from(usable) * PACE_SHARE)));
        let mut limiter = Self {
            anchor: Instant::now(),
            gap,
            eased: 1.0,
            good_answers: 0,
            governor: None,
            not_before: None,
            last: None,
        };
        limiter.swap();
        limiter
    }

    /// Takes the next request's place, or says how long to wait before asking again.
    ///
    /// # Errors
    /// The wait.
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
        // The outer error says that a request never fits the quota, which is made to hold one.
        if let Ok(Err(not_until)) = governor.check_n(cells) {
            let wait = not_until.wait_time_from(now.saturating_duration_since(self.anchor));
            return Err(wait.max(Duration::from_micros(1)));
        }
        self.not_before = None;
        self.last = Some(now);
        Ok(())
    }

    /// Another process sent the last request so long ago: the first one of this keeps its distance from that.
    pub fn follow(&mut self, ago: Duration) {
        if let Some(wait) = self.gap().and_then(|gap| gap.checked_sub(ago)) {
            self.not_before = Some(Instant::now() + wait);
        }
    }

    /// After a 429: a little slower.
    pub fn ease_back(&mut self) {
        self.good_answers = 0;
        self.set_eased((self.eased * EASE).min(EASE_MOST));
    }

    /// After a good answer: towards the full pace again, in steps.
    pub fn recover(&mut self) {
        if self.eased <= 1.0 {
            return;
        }
        self.good_answers += 1;
        if self.good_answers >= RECOVER_AFTER {
            self.good_answers = 0;
            self.set_eased((self.eased / RECOVER).max(1.0));
        }
    }

    /// The present gap between requests; nothing without a limit.
    #[must_use]
    pub fn gap(&self) -> Option<Duration> {
        self.gap.map(|gap| gap.mul_f64(self.eased))
    }

    fn set_eased(&mut self, eased: f64) {
        if (self.eased - eased).abs() > f64::EPSILON {
            self.eased = eased;
            self.swap();
        }
    }

    /// A quota cannot change, so that a new pace is a new governor.
    fn swap(&mut self) {
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
    let late = LATENESS
        .div_duration_f64(cell)
        .ceil()
        .clamp(1.0, f64::from(CELLS));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 1..=CELLS"
    )]
    let burst = NonZeroU32::new(CELLS + late as u32)?;
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
    async fn a_rest_saves_up_no_burst() {
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
        limiter.ease_back();
        limiter.try_acquire().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_pace_eases_back_and_recovers() {
        let mut limiter = Limiter::new(120, 0);
        let full = limiter.gap().unwrap();
        limiter.try_acquire().unwrap();
        limiter.ease_back();
        let wait = limiter.try_acquire().unwrap_err();
        assert!(
            wait >= full.mul_f64(1.09) && wait <= full.mul_f64(1.11),
            "{wait:?}"
        );
        for _ in 0..100 {
            limiter.ease_back();
        }
        assert_eq!(limiter.gap(), Some(full * 2));
        for _ in 0..400 {
            limiter.recover();
        }
        assert_eq!(limiter.gap(), Some(full));
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_request_keeps_its_distance_from_that_of_another_process() {
        let mut limiter = Limiter::new(60, 0);
        limiter.follow(Duration::from_millis(400));
        let wait = limiter.try_acquire().unwrap_err();
        assert!(wait > Duration::from_millis(500) && wait < Duration::from_millis(700));
        let mut limiter = Limiter::new(60, 0);
        limiter.follow(Duration::from_secs(5));
        assert!(limiter.try_acquire().is_ok());
    }
}
