//! What a plan costs: requests, and the time that they take at the pace of the limit.

use std::collections::HashSet;
use std::time::Duration;

use crate::domain::CustomerId;

use super::writes::{BATCH_MOST, Carried, Together, WriteRules};
use super::{Estimate, Lane, Operation};

/// The rules under which the executor will send the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct BudgetRules {
    /// The limit in requests a minute that the pace keeps to; nothing where there is none.
    pub requests_per_minute: Option<u32>,
    /// Seconds between two requests at that pace; 0 without a limit.
    pub interval_s: f64,
    /// Age from which on a reading has to be read again before a write.
    pub recheck_after: Duration,
    /// Whether every customer is read again before its operations (`apply`).
    pub reread_all: bool,
    pub writes: WriteRules,
}

impl BudgetRules {
    /// Nobody so far of those who are to be read again together.
    #[must_use]
    pub fn together(&self) -> Together {
        Together::within(self.recheck_after, self.interval_s)
    }
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

/// Adds up what lanes cost, in the order in which they will run, put together as the executor does it.
#[derive(Debug, Clone)]
pub struct Budget {
    rules: BudgetRules,
    age: ReadingAge,
    /// Requests that write, each for one customer.
    alone: u64,
    /// At the end it is looked whether whom they created is there twice.
    creates: u64,
    batches: u64,
    reads: u64,
    /// Lanes that have to be read again before they are sent.
    held: Together,
    /// Patches that wait for a batch to be full.
    forming: u64,
    /// What the batches to come carry.
    carrying: Carried,
    /// The first batch of each kind is read before and after.
    watched: Carried,
    /// Before the first PATCH of each kind that goes by what the probe found its customer is read.
    watched_alone: Carried,
}

/// Keys of created customers that one search looks for.
const KEYS_AT_ONCE: u64 = 100;

impl Budget {
    #[must_use]
    pub fn new(rules: BudgetRules) -> Self {
        let held = rules.together();
        Self {
            rules,
            age: ReadingAge::default(),
            alone: 0,
            creates: 0,
            batches: 0,
            reads: 0,
            held,
            forming: 0,
            carrying: Carried::default(),
            watched: Carried::default(),
            watched_alone: Carried::default(),
        }
    }

    /// The same for a plan on a reading that was this old when it was made.
    #[must_use]
    pub fn on_reading_of(self, age: ReadingAge) -> Self {
        Self { age, ..self }
    }

    pub fn add(&mut self, lane: &Lane) {
        let cost = self.rules.writes.cost(&lane.operations);
        let is_read_again = self.needs_reread(lane);
        self.alone += cost.alone;
        let creates = |operation: &Operation| matches!(operation, Operation::Create(_));
        self.creates += u64::from(lane.operations.iter().any(creates));
        if cost.in_batch {
            let carried = self.rules.writes.carried(&lane.operations);
            self.carrying = self.carrying.and(carried);
        } else {
            let believed = self.rules.writes.believed_alone(&lane.operations);
            if !self.watched_alone.covers(believed) {
                self.watched_alone = self.watched_alone.and(believed);
                self.reads += u64::from(!is_read_again);
            }
        }
        if is_read_again {
            self.held.add(cost);
            if self.held.is_full() {
                self.refresh();
            }
        } else if cost.in_batch {
            self.forming += 1;
            if self.forming >= BATCH_MOST as u64 {
                self.send_batches(false);
            }
        }
    }

    fn needs_reread(&self, lane: &Lane) -> bool {
        let age = self.age.of(lane.customer).as_secs_f64();
        let stale = age + self.seconds(self.requests()) >= self.rules.recheck_after.as_secs_f64();
        self.rules.reread_all || stale || self.rules.writes.needs_reading(&lane.operations)
    }

    /// What was read again goes out at once, in as many batches as it takes.
    fn refresh(&mut self) {
        self.reads += 1 + self.held.reads_by_id();
        let is_fresh = self.forming == 0;
        self.forming += self.held.in_batch();
        self.held.clear();
        self.send_batches(is_fresh);
    }

    fn send_batches(&mut self, is_fresh: bool) {
        let patches = std::mem::take(&mut self.forming);
        let carried = std::mem::take(&mut self.carrying);
        let most = BATCH_MOST as u64;
        self.batches += patches.div_ceil(most);
        // One that is left over goes alone, and needs no reading.
        let mut unread = patches / most + u64::from(patches % most > 1);
        if unread > 0 && !self.watched.covers(carried) {
            self.watched = self.watched.and(carried);
            self.reads += if is_fresh { 1 } else { 2 };
            unread -= 1;
        }
        let rules = self.rules.writes.batch.unwrap_or_default();
        if !rules.tells_customers {
            self.reads += unread;
        }
    }

    fn requests(&self) -> u64 {
        self.alone + self.batches + self.reads
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "request counts are far below 2^52"
    )]
    fn seconds(&self, requests: u64) -> f64 {
        requests as f64 * self.rules.interval_s
    }

    /// What the lanes cost that were added; those that wait for others are sent as they are.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        let mut whole = self.clone();
        if !whole.held.is_empty() {
            whole.refresh();
        }
        whole.send_batches(false);
        whole.reads += whole.creates.div_ceil(KEYS_AT_ONCE);
        Estimate {
            requests: whole.requests(),
            reads: whole.reads,
            duration_s: (self.seconds(whole.requests()) * 10.0).round() / 10.0,
            requests_per_minute: self.rules.requests_per_minute,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CustomValue, RowKey, RowNumber, Tag};
    use crate::plan::writes::BatchRules;
    use crate::plan::{Create, Patch, PropertyChange};

    fn rules() -> BudgetRules {
        BudgetRules {
            requests_per_minute: Some(120),
            interval_s: 0.5,
            recheck_after: Duration::from_secs(1800),
            reread_all: false,
            writes: WriteRules::default(),
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
                    writes: WriteRules {
                        patch_merges: true,
                        ..WriteRules::default()
                    },
                    ..rules()
                },
                &vec![lane(vec![custom()]); 30]
            ),
            (31, 1),
            "the first one is watched"
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
    fn who_was_created_is_looked_for_a_hundred_at_a_time() {
        let create = lane(vec![Operation::Create(Create::default())]);
        assert_eq!(estimate(rules(), &vec![create.clone(); 100]), (101, 1));
        assert_eq!(estimate(rules(), &vec![create; 101]), (103, 2));
    }

    #[test]
    fn what_is_sent_long_after_the_reading_is_read_again() {
        let tag = || Operation::Tag(vec![Tag::named("t")]);
        let (requests, reads) = estimate(rules(), &vec![lane(vec![tag()]); 3700]);
        assert_eq!((requests, reads), (3704, 4));
    }

    #[test]
    fn readings_by_id_are_counted_where_search_lags() {
        let lags = |patch_merges| BudgetRules {
            writes: WriteRules {
                search_lags: true,
                patch_merges,
                ..WriteRules::default()
            },
            ..rules()
        };
        let lanes = vec![lane(vec![custom()]); 24];
        // Thirteen are read and written within as many seconds.
        assert_eq!(estimate(lags(false), &lanes), (24 + 24 + 2, 24 + 2));
        assert_eq!(estimate(lags(true), &lanes), (24 + 1, 1));
    }

    /// Lanes that patch a plain field, or that and a property.
    fn batched(count: usize, merges: bool, reread_all: bool) -> (u64, u64) {
        with_batches(count, merges, reread_all, true)
    }

    fn with_batches(count: usize, merges: bool, reread_all: bool, tells: bool) -> (u64, u64) {
        let batch = BatchRules {
            merges,
            adds_tags: true,
            tells_customers: tells,
        };
        let rules = BudgetRules {
            reread_all,
            writes: WriteRules {
                batch: Some(batch),
                ..WriteRules::default()
            },
            ..rules()
        };
        estimate(rules, &vec![lane(vec![custom()]); count])
    }

    #[test]
    fn batches_and_the_readings_about_the_first_of_them_are_counted() {
        assert_eq!(batched(40, true, false), (4 + 2, 2));
        assert_eq!(
            batched(41, true, false),
            (5 + 2, 2),
            "the last one goes alone"
        );
        assert_eq!(
            batched(1, true, false),
            (1, 0),
            "no batch, nothing to watch"
        );
        assert_eq!(batched(200, true, true), (20 + 2 + 1, 3));
        assert_eq!(batched(200, false, false), (20 + 2 + 1, 3));
        assert_eq!(with_batches(41, true, false, false), (5 + 2 + 3, 5));
    }
}
