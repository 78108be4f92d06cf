//! How operations are put into requests, as far as the account's API is known to allow it. Pure: the executor follows
//! it, and the estimate foresees what the executor will do.

use std::time::Duration;

use crate::domain::Field;

use super::{Create, Operation};

/// Customers in one batch update, at most (documented).
pub const BATCH_MOST: usize = 10;

/// Customers that are read again in one request: as many as one search is asked for.
const READ_MOST: u64 = 100;
/// What is read again together is written within some seconds, for an edit in between would be overlooked: so many
/// tenths of a request (25 requests are sent in about 12 seconds at the documented limit).
const TENTHS_MOST: u64 = 250;
const REQUEST: u64 = 10;

/// What is read directly before a write counts so long at least, where nothing keeps the write waiting: a shorter
/// `recheck_after` says that everything is read again, and not that it cannot be written.
const DIRECTLY: Duration = Duration::from_secs(15);
const SHORTEST: Duration = Duration::from_secs(1);

/// How long a reading counts that was made for the writes after it.
#[must_use]
pub fn counts_for(recheck_after: Duration) -> Duration {
    if recheck_after < SHORTEST {
        DIRECTLY
    } else {
        recheck_after
    }
}

/// What a run relies on when it puts writes together. Nothing of it holds where it is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WriteRules {
    /// PATCH keeps the properties that it does not name. Until that is known a whole, merged set is sent.
    pub patch_merges: bool,
    /// Tags in a PATCH come to those that are there.
    pub patch_adds_tags: bool,
    /// Search shows a customer as he was a while ago.
    pub search_lags: bool,
    /// Nothing where customers are patched one by one.
    pub batch: Option<BatchRules>,
    /// Fields that a create takes and does not keep.
    pub create_ignores: Vec<Field>,
    /// Fields that a create is refused for: a patch gives them afterwards.
    pub create_refuses: Vec<Field>,
    pub create_ignores_tags: bool,
}

/// What is known of batch update, besides that it leaves alone the customers' members that it does not name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchRules {
    /// It keeps the properties that it does not name where it names others.
    pub merges: bool,
    /// Tags in it come to those that are there.
    pub adds_tags: bool,
    /// Its answer holds the customers, so that they need not be read to see what took.
    pub tells_customers: bool,
}

/// What a batch carries, or what such batches have shown to do no harm. Each kind is watched when it first goes:
/// one that names fields alone tells nothing of properties.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Carried {
    pub fields: bool,
    pub properties: bool,
    pub tags: bool,
}

impl Carried {
    /// What both hold.
    #[must_use]
    pub fn common(self, other: Self) -> Self {
        Self {
            fields: self.fields && other.fields,
            properties: self.properties && other.properties,
            tags: self.tags && other.tags,
        }
    }

    #[must_use]
    pub fn covers(self, carried: Self) -> bool {
        (self.fields || !carried.fields)
            && (self.properties || !carried.properties)
            && (self.tags || !carried.tags)
    }

    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            fields: self.fields || other.fields,
            properties: self.properties || other.properties,
            tags: self.tags || other.tags,
        }
    }
}

/// What the operations of one customer cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Whether the patch goes with those of other customers.
    pub in_batch: bool,
    /// Requests besides.
    pub alone: u64,
    /// Whether the customer is read by its id before.
    pub reads_by_id: bool,
}

impl WriteRules {
    /// Whether these operations begin with a patch that may go with those of other customers. One with tags that
    /// only a PATCH of its own could carry along is cheaper alone.
    #[must_use]
    pub fn goes_in_batch(&self, operations: &[Operation]) -> bool {
        let Some(batch) = self.batch else {
            return false;
        };
        match operations {
            [Operation::Patch(_), Operation::Tag(_), ..] => {
                batch.adds_tags || !self.patch_adds_tags
            }
            [Operation::Patch(_), ..] => true,
            _ => false,
        }
    }

    /// Whether the customer has to be read directly before, since all its properties are to be sent.
    #[must_use]
    pub fn needs_reading(&self, operations: &[Operation]) -> bool {
        let Some(Operation::Patch(patch)) = operations.first() else {
            return false;
        };
        let merges = match self.batch {
            Some(batch) if self.goes_in_batch(operations) => batch.merges,
            _ => self.patch_merges,
        };
        !merges && !patch.custom_data.is_empty()
    }

    /// Whether the customer has to be read by its id for that: a search that lags would show it without what an agent
    /// just changed, and the whole set would take that back.
    #[must_use]
    pub fn needs_reading_by_id(&self, operations: &[Operation]) -> bool {
        self.search_lags && self.needs_reading(operations)
    }

    /// What these operations put into a batch, if they begin with a patch that goes in one.
    #[must_use]
    pub fn carried(&self, operations: &[Operation]) -> Carried {
        let adds_tags = self.batch.is_some_and(|batch| batch.adds_tags);
        match operations {
            [Operation::Patch(patch), rest @ ..] => Carried {
                fields: !patch.set.is_empty(),
                properties: !patch.custom_data.is_empty(),
                tags: adds_tags && matches!(rest.first(), Some(Operation::Tag(_))),
            },
            _ => Carried::default(),
        }
    }

    /// What a PATCH of its own at the beginning of these operations leaves alone only if the probe found right.
    #[must_use]
    pub fn believed_alone(&self, operations: &[Operation]) -> Carried {
        match operations {
            [Operation::Patch(patch), rest @ ..] => Carried {
                fields: false,
                properties: self.patch_merges && !patch.custom_data.is_empty(),
                tags: self.patch_adds_tags && matches!(rest.first(), Some(Operation::Tag(_))),
            },
            _ => Carried::default(),
        }
    }

    #[must_use]
    pub fn cost(&self, operations: &[Operation]) -> Cost {
        let in_batch = self.goes_in_batch(operations);
        let adds_tags = match self.batch {
            Some(batch) if in_batch => batch.adds_tags,
            _ => self.patch_adds_tags,
        };
        let rides = adds_tags && matches!(operations, [Operation::Patch(_), Operation::Tag(_), ..]);
        let mends = operations.iter().map(|operation| match operation {
            Operation::Create(create) => self.foreseen_mends(create),
            _ => 0,
        });
        let alone = operations.len() as u64 + mends.sum::<u64>();
        Cost {
            in_batch,
            alone: alone - u64::from(in_batch) - u64::from(rides),
            reads_by_id: self.needs_reading_by_id(operations),
        }
    }

    /// The create without the fields that it would be refused for.
    #[must_use]
    pub fn acceptable(&self, create: &Create) -> Create {
        let mut create = create.clone();
        let refuses = &self.create_refuses;
        create.set.retain(|(field, _)| !refuses.contains(field));
        create
    }

    /// Requests that a create will need besides itself, since it is known not to take all of what it is to have.
    fn foreseen_mends(&self, create: &Create) -> u64 {
        let mut fields = create.set.iter().map(|(field, _)| field);
        let not_taken = [&self.create_ignores, &self.create_refuses];
        let patch = fields.any(|field| not_taken.iter().any(|fields| fields.contains(field)));
        let tag = self.create_ignores_tags && !create.tags.is_empty();
        u64::from(patch) + u64::from(tag)
    }
}

/// Customers that are to be read again together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Together {
    customers: u64,
    in_batch: u64,
    reads_by_id: u64,
    tenths: u64,
    /// The most of `tenths`.
    most: u64,
}

impl Together {
    /// Nobody so far. A reading counts as long as `recheck_after` says, and a request is sent every `interval_s`.
    #[must_use]
    pub fn within(recheck_after: Duration, interval_s: f64) -> Self {
        let counts_for = counts_for(recheck_after).as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to what fits; no interval divides to infinity, which is clamped too"
        )]
        let requests = (counts_for / interval_s).clamp(1.0, 1e6) as u64;
        Self {
            most: TENTHS_MOST.min(requests.saturating_mul(REQUEST)),
            ..Self::default()
        }
    }

    /// Takes out all that are held.
    pub fn clear(&mut self) {
        *self = Self {
            most: self.most,
            ..Self::default()
        };
    }

    /// Fewer from here on: of these, some could not be written soon enough.
    pub fn shrink(&mut self) {
        self.most = (self.most / 2).max(REQUEST);
    }

    pub fn add(&mut self, cost: Cost) {
        self.customers += 1;
        self.in_batch += u64::from(cost.in_batch);
        self.tenths += u64::from(cost.in_batch);
        if !cost.in_batch || cost.alone > 0 {
            self.tenths += REQUEST;
        }
        if cost.reads_by_id {
            self.reads_by_id += 1;
            self.tenths += REQUEST;
        }
    }

    /// Whether no more of them would be written soon enough, or read in one request.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.customers >= READ_MOST || self.tenths >= self.most
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.customers == 0
    }

    /// How many of them go in batches.
    #[must_use]
    pub fn in_batch(&self) -> u64 {
        self.in_batch
    }

    /// How many of them are read by their ids.
    #[must_use]
    pub fn reads_by_id(&self) -> u64 {
        self.reads_by_id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CustomValue, Tag, Value};
    use crate::plan::{FieldChange, Patch, PropertyChange};

    fn patch() -> Operation {
        let change = FieldChange {
            field: Field::Name,
            from: None,
            to: None,
        };
        Operation::Patch(Patch {
            set: vec![change],
            custom_data: vec![],
        })
    }

    fn custom() -> Operation {
        let change = PropertyChange {
            name: "p".into(),
            from: None,
            to: Some(CustomValue::Bool(true)),
        };
        Operation::Patch(Patch {
            set: vec![],
            custom_data: vec![change],
        })
    }

    fn tag() -> Operation {
        Operation::Tag(vec![Tag::named("t")])
    }

    fn rules(patch_adds_tags: bool, batch: Option<BatchRules>) -> WriteRules {
        WriteRules {
            patch_adds_tags,
            batch,
            ..WriteRules::default()
        }
    }

    fn cost(in_batch: bool, alone: u64) -> Cost {
        Cost {
            in_batch,
            alone,
            reads_by_id: false,
        }
    }

    #[test]
    fn tags_ride_where_that_costs_least() {
        let both = [patch(), tag()];
        let batch = |adds_tags| {
            Some(BatchRules {
                adds_tags,
                ..BatchRules::default()
            })
        };
        assert_eq!(WriteRules::default().cost(&both), cost(false, 2));
        assert_eq!(rules(true, None).cost(&both), cost(false, 1));
        assert_eq!(rules(true, batch(true)).cost(&both), cost(true, 0));
        assert_eq!(rules(true, batch(false)).cost(&both), cost(false, 1));
        assert_eq!(rules(false, batch(false)).cost(&both), cost(true, 1));
        assert_eq!(rules(true, batch(true)).cost(&[tag()]), cost(false, 1));
        assert_eq!(rules(true, batch(false)).cost(&[patch()]), cost(true, 0));
    }

    #[test]
    fn a_reading_goes_first_where_the_way_of_the_patch_is_not_known_to_merge() {
        let batch = |merges| {
            Some(BatchRules {
                merges,
                ..BatchRules::default()
            })
        };
        let needs = |patch_merges, batch, operation: Operation| {
            let rules = WriteRules {
                patch_merges,
                batch,
                ..WriteRules::default()
            };
            rules.needs_reading(&[operation])
        };
        assert!(needs(false, None, custom()) && !needs(true, None, custom()));
        assert!(needs(true, batch(false), custom()) && !needs(false, batch(true), custom()));
        assert!(!needs(false, None, patch()) && !needs(false, None, tag()));
        let by_id = |search_lags, operation: Operation| {
            let rules = WriteRules {
                search_lags,
                ..WriteRules::default()
            };
            rules.needs_reading_by_id(&[operation])
        };
        assert!(by_id(true, custom()) && !by_id(true, patch()) && !by_id(false, custom()));
    }

    #[test]
    fn what_a_create_is_known_to_ignore_is_foreseen() {
        let create = Operation::Create(Create {
            set: vec![(Field::Blocked, Value::Bool(true))],
            tags: vec![Tag::named("t")],
            ..Create::default()
        });
        let alone = |ignores: &[Field], create_ignores_tags| {
            let rules = WriteRules {
                create_ignores: ignores.to_vec(),
                create_ignores_tags,
                ..WriteRules::default()
            };
            rules.cost(std::slice::from_ref(&create)).alone
        };
        assert_eq!(alone(&[], false), 1);
        assert_eq!(alone(&[Field::LastSeen], false), 1);
        assert_eq!(alone(&[Field::Blocked], false), 2);
        assert_eq!(alone(&[Field::Blocked], true), 3);
    }

    #[test]
    fn a_reading_is_for_as_many_as_are_written_soon() {
        let until_full = |cost| {
            let mut together = Together::within(Duration::from_secs(1800), 0.5);
            while !together.is_full() {
                together.add(cost);
            }
            together.customers
        };
        assert_eq!(until_full(cost(false, 2)), 25);
        assert_eq!(until_full(cost(true, 0)), 100);
        assert_eq!(until_full(cost(true, 1)), 23);
        let by_id = Cost {
            reads_by_id: true,
            ..cost(false, 1)
        };
        assert_eq!(until_full(by_id), 13);
    }

    #[test]
    fn no_more_are_read_together_than_are_written_while_the_reading_counts() {
        let most = |recheck_after_ms, interval_s| {
            let recheck_after = Duration::from_millis(recheck_after_ms);
            let mut together = Together::within(recheck_after, interval_s);
            while !together.is_full() {
                together.add(cost(false, 1));
            }
            together.customers
        };
        assert_eq!(most(2_000, 0.5), 4);
        assert_eq!((most(0, 0.5), most(0, 1.0), most(0, 0.0)), (25, 15, 25));
        assert_eq!((most(1_800_000, 0.5), most(1_800_000, 0.0)), (25, 25));
    }
}
