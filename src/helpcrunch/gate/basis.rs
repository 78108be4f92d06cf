use std::time::Duration;

use tokio::time::Instant;

/// The reading that a write stands on. It grows old while the write waits for its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Basis {
    /// When the reading was asked for.
    pub read_at: Instant,
    /// Older than this it counts no more.
    pub good_for: Duration,
    /// It goes at once or not at all: a pause is too long a wait. So does a write that holds what was read besides what
    /// is meant, as a whole set of properties does, since it would undo an edit that was made while it waited.
    pub is_immediate: bool,
    /// Attempts at the same write that failed on earlier readings: they count.
    pub failed: u32,
}

impl Basis {
    /// What stands on both: on the older reading, and immediate where one of them is.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            read_at: self.read_at.min(other.read_at),
            good_for: self.good_for.min(other.good_for),
            is_immediate: self.is_immediate || other.is_immediate,
            failed: self.failed.max(other.failed),
        }
    }

    /// Whether what stands on it may not go any more. `was_held_up`: a pause or an outage kept it waiting, or an
    /// attempt of its own was made before.
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
            let basis = Basis {
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
