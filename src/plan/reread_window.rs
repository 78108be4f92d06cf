use std::time::Duration;

use super::writes::{Cost, reading_lifetime};

/// Customers read in one request: as many as one search can ask for.
const MAX_READ: u64 = 100;
/// An edit in HelpCrunch between a reading and the write is overlooked, so customers that are read together must be written
/// within seconds. In tenths of a request; 25 requests take about 12 seconds at the documented limit.
const MAX_TENTHS: u64 = 250;
/// One request in tenths. A batched patch is a tenth.
const REQUEST: u64 = 10;

/// Collects customers to be read again together, as many as can be written soon after.
#[derive(Debug, Clone, Copy, Default)]
pub struct RereadWindow {
    customers: u64,
    tenths: u64,
    max_tenths: u64,
}

impl RereadWindow {
    /// An empty window. A reading is good for `recheck_after`, and a request is sent every `interval_s` seconds.
    pub fn new(recheck_after: Duration, interval_s: f64) -> Self {
        let lifetime = reading_lifetime(recheck_after).as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to what fits; no interval divides to infinity, which is clamped too"
        )]
        let requests = (lifetime / interval_s).clamp(1.0, 1e6) as u64;
        Self {
            max_tenths: MAX_TENTHS.min(requests.saturating_mul(REQUEST)),
            ..Self::default()
        }
    }

    pub fn clear(&mut self) {
        *self = Self {
            max_tenths: self.max_tenths,
            ..Self::default()
        };
    }

    /// Halves the window from here on, after some of its customers could not be written in time.
    pub fn shrink(&mut self) {
        self.max_tenths = (self.max_tenths / 2).max(REQUEST);
    }

    pub fn add(&mut self, cost: Cost) {
        self.customers += 1;
        self.tenths += u64::from(cost.in_batch);
        if !cost.in_batch || cost.single_writes > 0 {
            self.tenths += REQUEST;
        }
        if cost.reads_by_id {
            self.tenths += REQUEST;
        }
    }

    /// Whether no further customer could be written in time or read in the same request.
    pub fn is_full(&self) -> bool {
        self.customers >= MAX_READ || self.tenths >= self.max_tenths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(in_batch: bool, single_writes: u64) -> Cost {
        Cost {
            in_batch,
            single_writes,
            reads_by_id: false,
        }
    }

    #[test]
    fn a_window_holds_as_many_as_can_be_written_soon() {
        let until_full = |cost| {
            let mut window = RereadWindow::new(Duration::from_secs(1800), 0.5);
            while !window.is_full() {
                window.add(cost);
            }
            window.customers
        };
        assert_eq!(until_full(cost(false, 2)), 25);
        assert_eq!(until_full(cost(true, 0)), 100);
        assert_eq!(until_full(cost(true, 1)), 23);
        let by_id = Cost {
            reads_by_id: true,
            ..cost(false, 1)
        };
        assert_eq!(until_full(by_id), 13);
    }

    #[test]
    fn a_window_holds_no_more_than_can_be_written_before_the_reading_is_stale() {
        let max = |recheck_after_ms, interval_s| {
            let recheck_after = Duration::from_millis(recheck_after_ms);
            let mut window = RereadWindow::new(recheck_after, interval_s);
            while !window.is_full() {
                window.add(cost(false, 1));
            }
            window.customers
        };
        assert_eq!(max(2_000, 0.5), 4);
        assert_eq!((max(0, 0.5), max(0, 1.0), max(0, 0.0)), (25, 15, 25));
        assert_eq!((max(1_800_000, 0.5), max(1_800_000, 0.0)), (25, 25));
    }
}
