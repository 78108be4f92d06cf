//! In which unit a column counts UNIX time, decided from all of its values.

use super::date_digits;
use super::problem::Problem;

/// 1900-01-01 up to the end of 2100: a bare number that leads elsewhere is in another unit, or no time.
const PLAUSIBLE: std::ops::Range<i64> = -2_208_988_800..4_133_980_800;

/// 2000-01-01.
const MILLENNIUM: i64 = 946_684_800;

/// What a bare number counts since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Unit {
    /// The coarsest first.
    const ALL: [Self; 4] = [
        Self::Seconds,
        Self::Milliseconds,
        Self::Microseconds,
        Self::Nanoseconds,
    ];

    /// As `format` names it in the config.
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

    /// Whole seconds; the rest is cut off.
    pub(super) fn seconds(self, count: i64) -> i64 {
        count.div_euclid(match self {
            Self::Seconds => 1,
            Self::Milliseconds => 1_000,
            Self::Microseconds => 1_000_000,
            Self::Nanoseconds => 1_000_000_000,
        })
    }

    /// The coarsest unit in which a number is a plausible time. In a finer one it is a day of January or February 1970,
    /// or of the end of 1969.
    fn by_size(count: i64) -> Option<Self> {
        let plausible = |unit: &Self| PLAUSIBLE.contains(&unit.seconds(count));
        Self::ALL.into_iter().find(plausible)
    }
}

/// What the bare numbers of a column say of its unit.
#[derive(Debug, Clone, Default)]
pub(super) struct UnitVotes {
    /// Values whose size speaks for the unit.
    votes: [u64; Unit::ALL.len()],
    /// Whether one of them lies before 2000.
    early: [bool; Unit::ALL.len()],
    /// Values that may as well be dates written as digits.
    likely_dates: u64,
}

impl UnitVotes {
    pub(super) fn see(&mut self, digits: &str, count: i64) {
        self.likely_dates += u64::from(date_digits::is_likely_date(digits));
        let Some(unit) = Unit::by_size(count) else {
            return;
        };
        let mut slots = self.votes.iter_mut().zip(&mut self.early);
        if let Some((votes, early)) = slots.nth(unit as usize) {
            *votes += 1;
            *early |= unit.seconds(count) < MILLENNIUM;
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.votes.iter().sum()
    }

    /// The column's unit, and how many values are read in it.
    pub(super) fn decided(&self) -> (Unit, u64) {
        let column = self.decide();
        let units = Unit::ALL.into_iter().zip(self.votes);
        let is_read = |unit: &Unit| match column.takes_early {
            true => (*unit as u8) <= (column.unit as u8),
            false => *unit == column.unit,
        };
        let votes = units.filter(|(unit, _)| is_read(unit) && !column.holds_dates);
        (column.unit, votes.map(|(_, votes)| votes).sum())
    }

    /// The unit that most values speak for, the coarsest where several are level.
    pub(super) fn decide(&self) -> ColumnUnit {
        let mut decided = ColumnUnit {
            unit: Unit::Seconds,
            takes_early: false,
            holds_dates: self.likely_dates * 2 > self.total(),
        };
        let mut most = 0;
        for (unit, (votes, early)) in Unit::ALL.into_iter().zip(self.votes.iter().zip(self.early)) {
            if *votes > most {
                most = *votes;
                decided.unit = unit;
                decided.takes_early = early && votes * 3 >= self.total() * 2;
            }
        }
        decided
    }
}

/// How the bare numbers of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ColumnUnit {
    pub(super) unit: Unit,
    /// Whether a number whose size speaks for a coarser unit is taken in the column's: a day close to 1970-01-01. Only
    /// in a column that goes back before 2000, as birthdays do: among times of today such a number is rather one in
    /// another unit.
    takes_early: bool,
    /// Whether most values that look like dates written as digits are such.
    holds_dates: bool,
}

impl ColumnUnit {
    /// UNIX seconds of a number of the column.
    pub(super) fn read(self, digits: &str, count: i64) -> Result<i64, Problem> {
        if self.holds_dates
            && let Some(problem) = date_digits::likely_date(digits)
        {
            return Err(problem);
        }
        match Unit::by_size(count) {
            Some(own) if own == self.unit => Ok(own.seconds(count)),
            Some(own) if (own as u8) < (self.unit as u8) && self.takes_early => {
                Ok(self.unit.seconds(count))
            }
            Some(own) => Err(self.other(own)),
            None => Err(implausible()),
        }
    }

    fn other(self, own: Unit) -> Problem {
        Problem::new(
            "ambiguous_date",
            format!(
                "is no UNIX time of the years 1900 to 2100 in the unit of the column's other numbers (\"{}\")",
                self.unit.format()
            ),
        )
        .format(self.unit.format(), vec![own.format().to_owned()])
    }
}

fn implausible() -> Problem {
    Problem::new(
        "bad_date",
        "is no UNIX time of the years 1900 to 2100 in any unit",
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
