use std::time::Duration;

use tokio::time::Instant;

/// How fresh the reading behind a write must be when the write is sent: it gets older while the write waits for its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StalenessGuard {
    /// When the reading was requested.
    pub read_at: Instant,
    /// From this age on the reading is stale.
    pub good_for: Duration,
    /// Any pause makes the reading stale. So it is for a write that repeats what was read beside what it changes, such as
    /// a whole set of properties: it would undo an edit that was made meanwhile.
    pub is_immediate: bool,
    /// Attempts at the same write that failed on earlier readings: they count against the limit.
    pub failed: u32,
}

impl StalenessGuard {
    /// Combines the guards of two writes in one request: the stricter of each.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            read_at: self.read_at.min(other.read_at),
            good_for: self.good_for.min(other.good_for),
            is_immediate: self.is_immediate || other.is_immediate,
            failed: self.failed.max(other.failed),
        }
    }

    /// Whether the reading is too old to send the write. `was_held_up`: a pause or an outage delayed it, or it was tried
    /// before.
    pub(super) fn is_outdated(&self, was_held_up: bool, now: Instant) -> bool {
        let age = now.saturating_duration_since(self.read_at);
        age >= self.good_for || (self.is_immediate && was_held_up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_outdated_by_its_age_and_by_any_wait_where_the_write_is_immediate() {
        let read_at = Instant::now();
        let outdated = |is_immediate, was_held_up, age| {
            let basis = StalenessGuard {
                read_at,
                good_for: Duration::from_secs(60),
                is_immediate,
                failed: 0,
            };
            basis.is_outdated(was_held_up, read_at + Duration::from_secs(age))
        };
        assert!(!outdated(false, true, 59) && outdated(false, false, 60));
        assert!(!outdated(true, false, 59) && outdated(true, true, 1));
    }
}
