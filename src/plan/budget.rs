//! What a plan costs: requests, and the time that they take at the pace of the limit.

use std::collections::HashSet;
use std::time::Duration;

use crate::domain::CustomerId;

use super::{Estimate, Lane, Operation};

/// The rules under which the executor will send the plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BudgetRules {
    /// The limit in requests a minute that the pace keeps to; nothing where there is none.
    pub requests_per_minute: Option<u32>,
    /// Seconds between two requests at that pace; 0 without a limit.
    pub interval_s: f64,
    /// Age in seconds from which on a reading has to be read again before a write.
    pub recheck_after_s: f64,
    /// Customers that are read again in one request.
    pub reread_batch: u64,
    /// Whether every customer is read again before its operations (`apply`).
    pub reread_all: bool,
    /// Whether PATCH is known to merge `customData`, so that no reading has to go before it.
    pub merges_custom_data: bool,
}

/// How old a reading was when it began to be used.
#[derive(Debug, Clone, Default)]
pub struct ReadingAge {
    snapshot: Option<(Duration, HashSet<CustomerId>)>,
}

impl ReadingAge {
    /// A reading of which all but the fresh ones come from a snapshot that is so old.
    #[must_use]
    pub fn of_snapshot(age: Duration, fresh: HashSet<CustomerId>) -> Self {
        Self {
            snapshot: Some((age, fresh)),
        }
    }

    /// The age of what is known of a customer; nobody: those that are not known were looked for just now.
    #[must_use]
    pub fn of(&self, customer: Option<CustomerId>) -> Duration {
        match (&self.snapshot, customer) {
            (Some((age, fresh)), Some(id)) if !fresh.contains(&id) => *age,
            _ => Duration::ZERO,
        }
    }
}

/// Adds up what lanes cost, in the order in which they will run.
#[derive(Debug, Clone)]
pub struct Budget {
    rules: BudgetRules,
    age: ReadingAge,
    writes: u64,
    /// Lanes that have to be read again before they are sent.
    rereads: u64,
}

impl Budget {
    #[must_use]
    pub fn new(rules: BudgetRules) -> Self {
        Self {
            rules,
            age: ReadingAge::default(),
            writes: 0,
            rereads: 0,
        }
    }

    /// The same for a plan on a reading that was this old when it was made.
    #[must_use]
    pub fn on_reading_of(self, age: ReadingAge) -> Self {
        Self { age, ..self }
    }

    pub fn add(&mut self, lane: &Lane) {
        if self.needs_reread(lane) {
            self.rereads += 1;
        }
        self.writes += lane.operations.len() as u64;
    }

    fn needs_reread(&self, lane: &Lane) -> bool {
        let age = self.age.of(lane.customer).as_secs_f64();
        let stale = age + self.seconds(self.requests()) >= self.rules.recheck_after_s;
        self.rules.reread_all
            || stale
            || (!self.rules.merges_custom_data && patches_custom_data(lane))
    }

    fn reads(&self) -> u64 {
        self.rereads.div_ceil(self.rules.reread_batch.max(1))
    }

    fn requests(&self) -> u64 {
        self.writes + self.reads()
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "request counts are far below 2^52"
    )]
    fn seconds(&self, requests: u64) -> f64 {
        requests as f64 * self.rules.interval_s
    }

    #[must_use]
    pub fn estimate(&self) -> Estimate {
        Estimate {
            requests: self.requests(),
            reads: self.reads(),
            duration_s: (self.seconds(self.requests()) * 10.0).round() / 10.0,
            requests_per_minute: self.rules.requests_per_minute,
        }
    }
}

/// Whether the lane changes properties of an existing customer.
#[must_use]
pub fn patches_custom_data(lane: &Lane) -> bool {
    lane.operations
        .iter()
        .any(|op| matches!(op, Operation::Patch(patch) if !patch.custom_data.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CustomValue, RowKey, RowNumber, Tag};
    use crate::plan::{Patch, PropertyChange};

    fn rules() -> BudgetRules {
        BudgetRules {
            requests_per_minute: Some(120),
            interval_s: 0.5,
            recheck_after_s: 1800.0,
            reread_batch: 25,
            reread_all: false,
            merges_custom_data: false,
        }
    }

    fn lane(operations: Vec<Operation>) -> Lane {
        Lane {
            row: RowNumber(1),
            key: RowKey::default(),
            customer: Some(CustomerId(1)),
            operations,
        }
    }

    fn custom() -> Operation {
        let to = Some(CustomValue::Bool(true));
        Operation::Patch(Patch {
            set: vec![],
            custom_data: vec![PropertyChange {
                name: "p".into(),
                from: None,
                to,
            }],
        })
    }

    fn estimate(rules: BudgetRules, lanes: &[Lane]) -> (u64, u64) {
        let mut budget = Budget::new(rules);
        lanes.iter().for_each(|lane| budget.add(lane));
        let estimate = budget.estimate();
        (estimate.requests, estimate.reads)
    }

    #[test]
    fn writes_and_the_readings_before_them_are_counted() {
        let tag = || Operation::Tag(vec![Tag::named("t")]);
        assert_eq!(estimate(rules(), &vec![lane(vec![tag()]); 30]), (30, 0));
        assert_eq!(
            estimate(rules(), &vec![lane(vec![custom(), tag()]); 30]),
            (62, 2)
        );
        assert_eq!(
            estimate(
                BudgetRules {
                    merges_custom_data: true,
                    ..rules()
                },
                &vec![lane(vec![custom()]); 30]
            ),
            (30, 0)
        );
        assert_eq!(
            estimate(
                BudgetRules {
                    reread_all: true,
                    ..rules()
                },
                &vec![lane(vec![tag()]); 26]
            ),
            (28, 2)
        );
    }

    #[test]
    fn what_is_sent_long_after_the_reading_is_read_again() {
        let tag = || Operation::Tag(vec![Tag::named("t")]);
        let (requests, reads) = estimate(rules(), &vec![lane(vec![tag()]); 3700]);
        assert_eq!((requests, reads), (3704, 4));
    }
}
