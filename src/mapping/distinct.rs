use std::collections::HashSet;
use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;

/// The largest number of distinct values that is counted.
const MAX_COUNTED: usize = 1_024;

/// Counts distinct values exactly up to a limit, in bounded memory.
#[derive(Debug, Clone, Default)]
pub(super) struct DistinctCounter {
    hashes: HashSet<u64, FixedState>,
    overflowed: bool,
}

/// Counters that are joined hash alike.
const HASHES: FixedState = FixedState::with_seed(0);

impl DistinctCounter {
    pub(super) fn add(&mut self, value: &str) {
        if self.overflowed {
            return;
        }
        self.hashes.insert(HASHES.hash_one(value));
        self.limit();
    }

    /// Adds the values of another counter.
    pub(super) fn join(&mut self, other: &Self) {
        self.overflowed |= other.overflowed;
        self.hashes.extend(&other.hashes);
        self.limit();
    }

    fn limit(&mut self) {
        if self.overflowed || self.hashes.len() > MAX_COUNTED {
            self.overflowed = true;
            self.hashes = HashSet::default();
        }
    }

    /// The number of distinct values, or `None` if it exceeds the limit.
    pub(super) fn count(&self) -> Option<u64> {
        (!self.overflowed).then_some(self.hashes.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_up_to_the_limit_and_never_estimated() {
        for (values, count) in [
            (0, Some(0)),
            (1_000, Some(1_000)),
            (MAX_COUNTED, Some(MAX_COUNTED as u64)),
            (MAX_COUNTED + 1, None),
        ] {
            let mut distinct = DistinctCounter::default();
            for _ in 0..2 {
                (0..values).for_each(|n| distinct.add(&format!("value {n}")));
            }
            assert_eq!(distinct.count(), count);
        }
    }
}
