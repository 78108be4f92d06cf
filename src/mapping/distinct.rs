use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Distinct values that are counted.
const MAX_COUNTED: usize = 1_024;

/// Counts distinct values exactly up to a limit, in bounded memory.
#[derive(Debug, Clone, Default)]
pub(super) struct Distinct {
    hashes: HashSet<u64>,
    overflowed: bool,
}

impl Distinct {
    pub(super) fn add(&mut self, value: &str) {
        if self.overflowed {
            return;
        }
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        self.hashes.insert(hasher.finish());
        if self.hashes.len() > MAX_COUNTED {
            self.overflowed = true;
            self.hashes = HashSet::new();
        }
    }

    /// Returns None if there are more values than are counted.
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
            let mut distinct = Distinct::default();
            for _ in 0..2 {
                (0..values).for_each(|n| distinct.add(&format!("value {n}")));
            }
            assert_eq!(distinct.count(), count);
        }
    }
}
