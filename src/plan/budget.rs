//! Estimates what a plan costs: requests, and the time that they take under the rate limit.

use std::collections::HashSet;
use std::time::Duration;

use crate::domain::CustomerId;

use super::reread_window::RereadWindow;
use super::writes::{MAX_BATCH, UpdateScope, WriteRules};
use super::{Estimate, Lane, Operation};

/// The rules by which the executor will send the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct BudgetRules {
    /// The rate limit, or `None` without one.
    pub requests_per_minute: Option<u32>,
    /// Seconds between two requests; 0 without a limit.
    pub interval_s: f64,
    /// Age at which a customer must be read again before a write.
    pub recheck_after: Duration,
    /// Whether every customer is read again before its operations (`apply`).
    pub reread_all: bool,
    pub writes: WriteRules,
}

impl BudgetRules {
    /// An empty window of customers to be read again together.
    pub fn reread_window(&self) -> RereadWindow {
        RereadWindow::new(self.recheck_after, self.interval_s)
    }
}

/// How old a reading was when planning began.
#[derive(Debug, Clone, Default)]
pub struct ReadingAge {
    snapshot: Option<(Duration, HashSet<CustomerId>)>,
}

impl ReadingAge {
    /// A reading whose customers come from a snapshot of this age, except the fresh ones.
    pub fn of_snapshot(age: Duration, fresh: HashSet<CustomerId>) -> Self {
        Self {
            snapshot: Some((age, fresh)),
        }
    }

    /// The age of what is known of a customer. A customer to be created was looked for just now.
    pub fn of(&self, customer: Option<CustomerId>) -> Duration {
        match (&self.snapshot, customer) {
            (Some((age, fresh)), Some(id)) if !fresh.contains(&id) => *age,
            _ => Duration::ZERO,
        }
    }
}

/// Adds up the requests of lanes in the order in which they will run, grouped as the executor does it.
#[derive(Debug, Clone)]
pub struct Budget {
    rules: BudgetRules,
    age: ReadingAge,
    /// Write requests for a single customer.
    single_writes: u64,
    /// At the end of a run, created customers are searched for duplicates.
    creates: u64,
    batches: u64,
    reads: u64,
    /// Lanes whose customers must be read again first.
    held: RereadWindow,
    /// Patches that wait for a full batch.
    forming: u64,
    /// What those patches contain.
    forming_scope: UpdateScope,
    /// Scopes of batches so far. The first of each kind is read before and after.
    watched: UpdateScope,
    /// Scopes of single patches so far. Before the first of each kind that relies on the probe, its customer is read.
    watched_alone: UpdateScope,
}

/// Created customers that one search looks for.
const MAX_KEYS_PER_SEARCH: u64 = 100;

impl Budget {
    pub fn new(rules: BudgetRules) -> Self {
        let held = rules.reread_window();
        Self {
            rules,
            age: ReadingAge::default(),
            single_writes: 0,
            creates: 0,
            batches: 0,
            reads: 0,
            held,
            forming: 0,
            forming_scope: UpdateScope::default(),
            watched: UpdateScope::default(),
            watched_alone: UpdateScope::default(),
        }
    }

    #[must_use]
    pub fn with_reading_age(self, age: ReadingAge) -> Self {
        Self { age, ..self }
    }

    pub fn add(&mut self, lane: &Lane) {
        let cost = self.rules.writes.cost(&lane.operations);
        let is_read_again = self.needs_reread(lane);
        self.single_writes += cost.single_writes;
        let creates = |operation: &Operation| matches!(operation, Operation::Create(_));
        self.creates += u64::from(lane.operations.iter().any(creates));
        // The first update of each kind is watched, which takes reads of its customers.
        if cost.in_batch {
            let scope = self.rules.writes.batch_scope(&lane.operations);
            self.forming_scope = self.forming_scope.union(scope);
        } else {
            let scope = self.rules.writes.patch_scope(&lane.operations);
            if !self.watched_alone.covers(scope) {
                self.watched_alone = self.watched_alone.union(scope);
                self.reads += u64::from(!is_read_again);
            }
        }
        // Customers that must be read again wait for others; fresh ones only wait for a full batch.
        if is_read_again {
            self.held.add(cost);
            if self.held.is_full() {
                self.reread();
            }
        } else if cost.in_batch {
            self.forming += 1;
            if self.forming >= MAX_BATCH as u64 {
                self.send_batches(false);
            }
        }
    }

    fn needs_reread(&self, lane: &Lane) -> bool {
        let age = self.age.of(lane.customer).as_secs_f64();
        let stale = age + self.seconds(self.requests()) >= self.rules.recheck_after.as_secs_f64();
        self.rules.reread_all || stale || self.rules.writes.needs_reread(&lane.operations)
    }

    /// Customers that were read again are written immediately, in as many batches as that takes.
    fn reread(&mut self) {
        self.reads += 1 + self.held.reads_by_id();
        let is_fresh = self.forming == 0;
        self.forming += self.held.in_batch();
        self.held.clear();
        self.send_batches(is_fresh);
    }

    fn send_batches(&mut self, is_fresh: bool) {
        let patches = std::mem::take(&mut self.forming);
        let scope = std::mem::take(&mut self.forming_scope);
        let max = MAX_BATCH as u64;
        self.batches += patches.div_ceil(max);
        // A single patch that is left over is not batched, and needs no reading.
        let mut unread = patches / max + u64::from(patches % max > 1);
        // A whole batch is compared with what was read directly before, and needs no watch.
        let is_whole = self.rules.writes.has_whole_batches();
        if unread > 0 && !is_whole && !self.watched.covers(scope) {
            self.watched = self.watched.union(scope);
            self.reads += if is_fresh { 1 } else { 2 };
            unread -= 1;
        }
        let rules = self.rules.writes.batch.unwrap_or_default();
        if !rules.returns_customers {
            self.reads += unread;
        }
    }

    fn requests(&self) -> u64 {
        self.single_writes + self.batches + self.reads
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "request counts are far below 2^52"
    )]
    fn seconds(&self, requests: u64) -> f64 {
        requests as f64 * self.rules.interval_s
    }

    /// The cost of the lanes so far; waiting ones are counted as if they were sent now.
    pub fn estimate(&self) -> Estimate {
        let mut all = self.clone();
        if !all.held.is_empty() {
            all.reread();
        }
        all.send_batches(false);
        all.reads += all.creates.div_ceil(MAX_KEYS_PER_SEARCH);
        Estimate {
            requests: all.requests(),
            reads: all.reads,
            duration_s: (self.seconds(all.requests()) * 10.0).round() / 10.0,
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
    fn writes_and_the_reads_before_them_are_counted() {
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
    fn created_customers_are_searched_for_a_hundred_at_a_time() {
        let create = lane(vec![Operation::Create(Create::default())]);
        assert_eq!(estimate(rules(), &vec![create.clone(); 100]), (101, 1));
        assert_eq!(estimate(rules(), &vec![create; 101]), (103, 2));
    }

    #[test]
    fn customers_are_read_again_if_the_reading_is_old() {
        let tag = || Operation::Tag(vec![Tag::named("t")]);
        let (requests, reads) = estimate(rules(), &vec![lane(vec![tag()]); 3700]);
        assert_eq!((requests, reads), (3704, 4));
    }

    #[test]
    fn reads_by_id_are_counted_if_search_lags() {
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
            returns_customers: tells,
            ..BatchRules::default()
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
    fn batches_and_the_reads_around_the_first_one_are_counted() {
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

    #[test]
    fn whole_batches_are_read_a_hundred_at_a_time() {
        let whole = |returns_customers| BudgetRules {
            writes: WriteRules {
                batch: Some(BatchRules {
                    whole: true,
                    returns_customers,
                    ..BatchRules::default()
                }),
                ..WriteRules::default()
            },
            ..rules()
        };
        let lanes = vec![lane(vec![Operation::Patch(Patch::default())]); 1_000];
        assert_eq!(estimate(whole(true), &lanes), (100 + 10, 10));
        assert_eq!(estimate(whole(false), &lanes), (100 + 110, 110));
    }
}
