use std::time::Duration;

/// Exponential backoff with full jitter: the n-th wait is uniform over `0..=base * 2^n` and at most `cap`.
/// The jitter keeps clients that failed together from retrying together.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    pub base: Duration,
    pub cap: Duration,
}

impl Backoff {
    /// Returns the longest wait before retry number `retry`, counted from 0.
    #[must_use]
    pub fn ceiling(&self, retry: u32) -> Duration {
        let factor = 2_u32.saturating_pow(retry);
        self.base.saturating_mul(factor).min(self.cap)
    }

    /// Returns a random wait from zero to the ceiling.
    #[must_use]
    pub fn delay(&self, retry: u32, rng: &mut fastrand::Rng) -> Duration {
        self.ceiling(retry).mul_f64(rng.f64())
    }

    /// Returns a random wait from half the ceiling to the ceiling, for a server that asked for a wait.
    #[must_use]
    pub fn late_delay(&self, retry: u32, rng: &mut fastrand::Rng) -> Duration {
        self.ceiling(retry).mul_f64(0.5 + rng.f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BACKOFF: Backoff = Backoff {
        base: Duration::from_millis(500),
        cap: Duration::from_secs(30),
    };

    #[test]
    fn the_ceiling_doubles_up_to_the_cap() {
        let ceilings: Vec<u64> = (0..8)
            .map(|n| BACKOFF.ceiling(n).as_millis() as u64)
            .collect();
        assert_eq!(ceilings, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        assert_eq!(BACKOFF.ceiling(u32::MAX), BACKOFF.cap);
    }

    #[test]
    fn the_jitter_is_full_and_even() {
        let mut rng = fastrand::Rng::with_seed(7);
        let delays: Vec<f64> = (0..4000)
            .map(|_| BACKOFF.delay(3, &mut rng).as_secs_f64())
            .collect();
        let mean = delays.iter().sum::<f64>() / 4000.0;
        assert!((1.9..2.1).contains(&mean), "{mean}");
        assert!(delays.iter().any(|d| *d < 0.1));
        assert!(delays.iter().any(|d| *d > 3.9));
    }

    proptest! {
        #[test]
        fn waits_stay_in_their_bounds(retry in 0_u32..100, seed: u64) {
            let mut rng = fastrand::Rng::with_seed(seed);
            prop_assert!(BACKOFF.delay(retry, &mut rng) <= BACKOFF.ceiling(retry));
            let late = BACKOFF.late_delay(retry, &mut rng);
            prop_assert!(late <= BACKOFF.ceiling(retry) && late >= BACKOFF.ceiling(retry) / 2);
        }
    }
}
