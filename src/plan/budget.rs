//! Estimates what a plan costs: requests, and the time that they take under the rate limit.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use crate::domain::CustomerId;

use super::reread_window::RereadWindow;
use super::scheduler::{Scheduler, Step};
use super::writes::{Cost, UpdateScope, WriteRules};
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

/// A lane whose requests are counted.
#[derive(Debug, Clone, Copy)]
struct PlannedLane {
    cost: Cost,
    /// What its patch contains in a batch.
    batch_scope: UpdateScope,
    /// What a PATCH of its own relies on the probe for.
    patch_scope: UpdateScope,
    /// Its customer is read again directly before.
    is_reread: bool,
}

/// Counts the requests of lanes in the order in which they will run: what the executor sends, this adds up.
#[derive(Debug, Clone)]
pub struct Budget {
    rules: BudgetRules,
    age: ReadingAge,
    scheduler: Scheduler<PlannedLane>,
    /// Lanes that were read again and are not sent yet.
    reread: VecDeque<PlannedLane>,
    writes: u64,
    reads: u64,
    /// At the end of a run, created customers are searched for duplicates.
    creates: u64,
    /// Scopes of batches so far. The first of each kind is read before and after.
    watched: UpdateScope,
    /// Scopes of single patches so far. Before the first of each kind that relies on the probe, its customer is read.
    watched_alone: UpdateScope,
}

/// Created customers that one search looks for.
const MAX_KEYS_PER_SEARCH: u64 = 100;

impl Budget {
    pub fn new(rules: BudgetRules) -> Self {
        Self {
            scheduler: Scheduler::new(rules.reread_window(), 0),
            rules,
            age: ReadingAge::default(),
            reread: VecDeque::new(),
            writes: 0,
            reads: 0,
            creates: 0,
            watched: UpdateScope::default(),
            watched_alone: UpdateScope::default(),
        }
    }

    #[must_use]
    pub fn with_reading_age(self, age: ReadingAge) -> Self {
        Self { age, ..self }
    }

    pub fn add(&mut self, lane: &Lane) {
        let (writes, operations) = (&self.rules.writes, &lane.operations);
        let creates = |operation: &Operation| matches!(operation, Operation::Create(_));
        self.creates += u64::from(operations.iter().any(creates));
        let planned = PlannedLane {
            cost: writes.cost(operations),
            batch_scope: writes.batch_scope(operations),
            patch_scope: writes.patch_scope(operations),
            is_reread: self.needs_reread(lane),
        };
        let cost = planned.cost;
        match planned.is_reread {
            true => self.scheduler.hold(planned, cost),
            false => self.scheduler.place(planned, cost.in_batch),
        }
        self.run();
    }

    fn needs_reread(&self, lane: &Lane) -> bool {
        let age = self.age.of(lane.customer).as_secs_f64();
        let stale = age + self.seconds(self.requests()) >= self.rules.recheck_after.as_secs_f64();
        self.rules.reread_all || stale || self.rules.writes.needs_reread(&lane.operations)
    }

    /// Counts the requests up to the point at which the executor takes the next lane of the plan.
    fn run(&mut self) {
        loop {
            match self.scheduler.next_step() {
                Step::Reread(lanes) => {
                    let by_id = lanes.iter().filter(|lane| lane.cost.reads_by_id);
                    self.reads += 1 + by_id.count() as u64;
                    self.scheduler.add_reread(lanes.len());
                    self.reread = lanes.into();
                }
                Step::TakeReread => {
                    if let Some(lane) = self.reread.pop_front() {
                        self.scheduler.place(lane, lane.cost.in_batch);
                    }
                }
                Step::Send(lane) => self.count_single(lane),
                Step::SendBatch(lanes) => self.count_batch(&lanes),
                Step::TakePlanned | Step::AwaitLane | Step::Done => return,
            }
        }
    }

    fn count_single(&mut self, lane: PlannedLane) {
        self.writes += lane.cost.single_writes;
        // The first update of each kind is watched, which takes a reading of its customer.
        if !self.watched_alone.covers(lane.patch_scope) {
            self.watched_alone = self.watched_alone.union(lane.patch_scope);
            self.reads += u64::from(!lane.is_reread);
        }
    }

    fn count_batch(&mut self, lanes: &[PlannedLane]) {
        let alone = lanes.iter().map(|lane| lane.cost.single_writes);
        self.writes += 1 + alone.sum::<u64>();
        // A single patch is not batched, and needs no reading.
        if lanes.len() < 2 {
            return;
        }
        let scopes = lanes.iter().map(|lane| lane.batch_scope);
        let scope = scopes.fold(UpdateScope::default(), UpdateScope::union);
        let batch = self.rules.writes.batch.unwrap_or_default();
        // A whole batch is compared with what was read directly before, and needs no watch.
        if !batch.whole && !self.watched.covers(scope) {
            self.watched = self.watched.union(scope);
            let is_fresh = lanes.iter().all(|lane| lane.is_reread);
            self.reads += if is_fresh { 1 } else { 2 };
        } else if !batch.returns_customers {
            self.reads += 1;
        }
    }

    fn requests(&self) -> u64 {
        self.writes + self.reads
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
        all.scheduler.end_plan();
        all.run();
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
