//! Decides from all values of a column in which unit it counts UNIX time.

use super::date_digits;
use super::invalid_value::InvalidValue;

/// UNIX seconds of the years 1900 to 2100. A bare number outside of them is in another unit or not a time.
const PLAUSIBLE: std::ops::Range<i64> = -2_208_988_800..4_133_980_800;

/// 2000-01-01 in UNIX seconds.
const MILLENNIUM: i64 = 946_684_800;

/// The unit in which a bare number counts the time since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimestampUnit {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl TimestampUnit {
    /// All units, the coarsest first.
    const ALL: [Self; 4] = [
        Self::Seconds,
        Self::Milliseconds,
        Self::Microseconds,
        Self::Nanoseconds,
    ];

    /// The unit as the config's `format` names it.
    pub(super) fn format(self) -> &'static str {
        match self {
            Self::Seconds => "unix",
            Self::Milliseconds => "unix_ms",
            Self::Microseconds => "unix_us",
            Self::Nanoseconds => "unix_ns",
        }
    }

    pub(super) fn of_format(format: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.format() == format)
    }

    /// Whole seconds, rounded down.
    pub(super) fn seconds(self, count: i64) -> i64 {
        count.div_euclid(match self {
            Self::Seconds => 1,
            Self::Milliseconds => 1_000,
            Self::Microseconds => 1_000_000,
            Self::Nanoseconds => 1_000_000_000,
        })
    }

    /// The coarsest unit in which a number is a plausible time. In finer units it means a day close to 1970-01-01.
    fn by_size(count: i64) -> Option<Self> {
        let plausible = |unit: &Self| PLAUSIBLE.contains(&unit.seconds(count));
        Self::ALL.into_iter().find(plausible)
    }
}

/// The evidence that the bare numbers of a column give for its unit.
#[derive(Debug, Clone, Default)]
pub(super) struct UnitVotes {
    /// Per unit, the values that are plausible in it.
    votes: [u64; TimestampUnit::ALL.len()],
    /// Per unit, whether one of these values lies before 2000.
    early: [bool; TimestampUnit::ALL.len()],
    /// Values that may also be dates written as digits.
    likely_dates: u64,
}

impl UnitVotes {
    /// Adds the votes of other rows.
    pub(super) fn join(&mut self, other: &Self) {
        for (votes, more) in self.votes.iter_mut().zip(other.votes) {
            *votes += more;
        }
        for (early, too) in self.early.iter_mut().zip(other.early) {
            *early |= too;
        }
        self.likely_dates += other.likely_dates;
    }

    pub(super) fn see(&mut self, digits: &str, count: i64) {
        self.likely_dates += u64::from(date_digits::is_likely_date(digits));
        let Some(unit) = TimestampUnit::by_size(count) else {
            return;
        };
        let mut counters = self.votes.iter_mut().zip(&mut self.early);
        if let Some((votes, early)) = counters.nth(unit as usize) {
            *votes += 1;
            *early |= unit.seconds(count) < MILLENNIUM;
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.votes.iter().sum()
    }

    /// The column's unit, and the number of values that can be read in it.
    pub(super) fn decided(&self) -> (TimestampUnit, u64) {
        let column = self.decide();
        let units = TimestampUnit::ALL.into_iter().zip(self.votes);
        let is_read = |unit: &TimestampUnit| match column.accepts_early {
            true => (*unit as u8) <= (column.unit as u8),
            false => *unit == column.unit,
        };
        let votes = units.filter(|(unit, _)| is_read(unit) && !column.has_dates);
        (column.unit, votes.map(|(_, votes)| votes).sum())
    }

    /// Decides for the unit with the most votes, and the coarsest of several with as many.
    pub(super) fn decide(&self) -> ColumnUnit {
        let mut decided = ColumnUnit {
            unit: TimestampUnit::Seconds,
            accepts_early: false,
            has_dates: self.likely_dates * 2 > self.total(),
        };
        let mut max_votes = 0;
        for (unit, (votes, early)) in TimestampUnit::ALL
            .into_iter()
            .zip(self.votes.iter().zip(self.early))
        {
            if *votes > max_votes {
                max_votes = *votes;
                decided.unit = unit;
                decided.accepts_early = early && votes * 3 >= self.total() * 2;
            }
        }
        decided
    }
}

/// How the bare numbers of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ColumnUnit {
    pub(super) unit: TimestampUnit,
    /// Whether a number that is plausible in a coarser unit is read in the column's unit, as a day close to 1970-01-01. True
    /// only for a column with times before 2000, such as birthdays: among recent times the number is rather in another unit.
    accepts_early: bool,
    /// Whether values that look like dates written as digits are dates.
    has_dates: bool,
}

impl ColumnUnit {
    /// Reads a number of the column as UNIX seconds.
    pub(super) fn read(self, digits: &str, count: i64) -> Result<i64, InvalidValue> {
        if self.has_dates
            && let Some(problem) = date_digits::likely_date(digits)
        {
            return Err(problem);
        }
        match TimestampUnit::by_size(count) {
            Some(own) if own == self.unit => Ok(own.seconds(count)),
            Some(own) if (own as u8) < (self.unit as u8) && self.accepts_early => {
                Ok(self.unit.seconds(count))
            }
            Some(own) => Err(self.in_other_unit(own)),
            None => Err(implausible()),
        }
    }

    fn in_other_unit(self, own: TimestampUnit) -> InvalidValue {
        InvalidValue::new(
            "ambiguous_date",
            format!(
                "is not a UNIX time of the years 1900 to 2100 in the unit of the column's other numbers (\"{}\")",
                self.unit.format()
            ),
        )
        .format(self.unit.format(), vec![own.format().to_owned()])
    }
}

fn implausible() -> InvalidValue {
    InvalidValue::new(
        "bad_date",
        "is not a UNIX time of the years 1900 to 2100 in any unit",
    )
    .format("unix", vec!["unix_ms".to_owned()])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(counts: &[i64]) -> Vec<Option<i64>> {
        let mut votes = UnitVotes::default();
        for count in counts {
            votes.see(&count.to_string(), *count);
        }
        let unit = votes.decide();
        let read = |count: &i64| unit.read(&count.to_string(), *count).ok();
        counts.iter().map(read).collect()
    }

    #[test]
    fn the_unit_is_the_columns() {
        let seconds = [
            63_072_000,
            94_694_400,
            1_577_959_200,
            599_616_000,
            -86_400,
            172_800,
        ];
        for scale in [1, 1_000, 1_000_000, 1_000_000_000] {
            let counts = seconds.map(|s| s * scale);
            assert_eq!(read(&counts), seconds.map(Some), "{scale}");
            let mut backwards = counts;
            backwards.reverse();
            let mut read = read(&backwards);
            read.reverse();
            assert_eq!(read, seconds.map(Some), "{scale}, backwards");
        }
    }

    #[test]
    fn a_number_in_another_unit_is_not_taken() {
        // Of today: a number of ten digits among those of thirteen counts seconds.
        let mixed = [1_705_311_000_000, 1_705_311_001_000, 1_705_311_000];
        assert_eq!(
            read(&mixed),
            [Some(1_705_311_000), Some(1_705_311_001), None]
        );
        let mixed = [1_705_311_000, 1_705_311_001, 1_705_311_000_000];
        assert_eq!(
            read(&mixed),
            [Some(1_705_311_000), Some(1_705_311_001), None]
        );
        // One of each: the coarser unit, in which the other is far away.
        assert_eq!(
            read(&[1_705_311_000_000, 1_705_311_000]),
            [None, Some(1_705_311_000)]
        );
        // A far end among seconds turns nothing.
        assert_eq!(
            read(&[1_705_311_000, 1_705_311_001, 7_258_118_400]),
            [Some(1_705_311_000), Some(1_705_311_001), None]
        );
    }

    #[test]
    fn numbers_that_may_be_dates_follow_their_column() {
        assert_eq!(read(&[2_024_011_509, 2_024_022_918]), [None, None]);
        let end = 2_024_010_800;
        assert_eq!(
            read(&[end, 1_705_311_000, 1_705_311_001]).first(),
            Some(&Some(end))
        );
    }

    proptest! {
        #[test]
        fn the_order_of_the_values_changes_nothing(
            counts in prop::collection::vec(prop_oneof![any::<i64>(), -5_000_000_000_i64..5_000_000_000_000], 1..12),
        ) {
            let mut sorted = counts.clone();
            sorted.sort_unstable();
            let of = |counts: &[i64]| {
                let mut read: Vec<_> = counts.iter().copied().zip(read(counts)).collect();
                read.sort_unstable();
                read
            };
            prop_assert_eq!(of(&counts), of(&sorted));
        }
    }
}
