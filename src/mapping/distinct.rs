use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Hashes that are kept: up to so many values the count is exact, beyond it is off by a few percent.
const KEPT: usize = 1_024;

/// Counts distinct values in bounded memory, by the smallest of their hashes: the denser they lie, the more values
/// there are (the "k minimum values" estimate).
#[derive(Debug, Clone, Default)]
pub(super) struct Distinct {
    smallest: BTreeSet<u64>,
    overflowed: bool,
}

impl Distinct {
    pub(super) fn add(&mut self, value: &str) {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        self.smallest.insert(hasher.finish());
        if self.smallest.len() > KEPT {
            self.smallest.pop_last();
            self.overflowed = true;
        }
    }

    pub(super) fn is_exact(&self) -> bool {
        !self.overflowed
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate, and casts of floats saturate"
    )]
    pub(super) fn count(&self) -> u64 {
        match self.smallest.last() {
            Some(largest) if self.overflowed => {
                let share = *largest as f64 / u64::MAX as f64;
                ((KEPT - 1) as f64 / share).round() as u64
            }
            _ => self.smallest.len() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: usize) -> Distinct {
        let mut distinct = Distinct::default();
        for _ in 0..2 {
            (0..values).for_each(|n| distinct.add(&format!("value {n}")));
        }
        distinct
    }

    #[test]
    fn few_are_counted_and_many_estimated() {
        for few in [0, 1, 1_000, KEPT] {
            assert_eq!((of(few).count(), of(few).is_exact()), (few as u64, true));
        }
        let many = of(100_000);
        assert!(!many.is_exact());
        assert!(
            (90_000..110_000).contains(&many.count()),
            "{}",
            many.count()
        );
    }
}
