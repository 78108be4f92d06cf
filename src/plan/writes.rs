//! How operations are grouped into requests, given what is known of the account's API. The executor follows these rules, and
//! the estimate applies them in advance.

use std::time::Duration;

use crate::domain::Field;

use super::{Create, Operation};

/// Customers in one batch update (documented).
pub const MAX_BATCH: usize = 10;

/// How long a reading made for the next write is good for at least. A shorter `recheck_after` means that everything is read
/// again, not that nothing can be written.
const MIN_LIFETIME: Duration = Duration::from_secs(15);
const MIN_RECHECK_AFTER: Duration = Duration::from_secs(1);

/// Returns how long a reading made for the writes after it is good for.
pub fn reading_lifetime(recheck_after: Duration) -> Duration {
    if recheck_after < MIN_RECHECK_AFTER {
        MIN_LIFETIME
    } else {
        recheck_after
    }
}

/// What is known of the account's API. The default assumes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WriteRules {
    /// PATCH keeps properties that it does not name. Otherwise the complete, merged set is sent.
    pub patch_merges: bool,
    /// PATCH adds tags to the existing ones.
    pub patch_adds_tags: bool,
    /// Search returns customers as they were a while ago.
    pub search_lags: bool,
    /// `None` if customers are patched one by one.
    pub batch: Option<BatchRules>,
    /// Fields that a create accepts but does not store.
    pub create_ignores: Vec<Field>,
    /// Fields for which a create is refused: a patch sets them afterwards.
    pub create_refuses: Vec<Field>,
    pub create_ignores_tags: bool,
    /// A create whose userId a customer has makes no second one.
    pub unique_user_ids: bool,
}

/// What is known of batch updates. Unless they are whole, it is known that they keep fields that they do not name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchRules {
    /// Each customer is written as a whole, with all that was read of it directly before: the account is not known to keep
    /// what a batch does not name.
    pub whole: bool,
    /// A batch update keeps properties that it does not name if it names others.
    pub merges: bool,
    /// A batch update adds tags to the existing ones.
    pub adds_tags: bool,
    /// The answer contains the customers, so they need not be read to verify the update.
    pub returns_customers: bool,
}

/// Which kinds of attributes an update contains, or such updates have been shown to handle correctly. The first update of each
/// kind is watched: one with fields alone proves nothing about properties.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UpdateScope {
    pub fields: bool,
    pub properties: bool,
    pub tags: bool,
}

impl UpdateScope {
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self {
            fields: self.fields && other.fields,
            properties: self.properties && other.properties,
            tags: self.tags && other.tags,
        }
    }

    pub fn covers(self, other: Self) -> bool {
        self.union(other) == self
    }

    #[must_use]
    pub fn union(self, other: Self) -> Self {
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
    /// Whether the patch goes in a batch with those of other customers.
    pub in_batch: bool,
    /// Write requests for this customer only.
    pub single_writes: u64,
    /// Whether the customer is read by id first.
    pub reads_by_id: bool,
}

impl WriteRules {
    /// Whether these operations begin with a patch that may go in a batch. If only a PATCH of its own can include the tags, that
    /// is cheaper.
    pub fn can_batch(&self, operations: &[Operation]) -> bool {
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

    /// Whether batches write customers as a whole.
    pub fn has_whole_batches(&self) -> bool {
        self.batch.is_some_and(|batch| batch.whole)
    }

    /// Whether the customer must be read directly before: all its properties are sent, or all that it has, or it is deleted.
    pub fn needs_reread(&self, operations: &[Operation]) -> bool {
        if let [Operation::Delete(_)] = operations {
            return true;
        }
        let Some(Operation::Patch(patch)) = operations.first() else {
            return false;
        };
        let merges = match self.batch {
            Some(batch) if self.can_batch(operations) && batch.whole => return true,
            Some(batch) if self.can_batch(operations) => batch.merges,
            _ => self.patch_merges,
        };
        !merges && !patch.custom_data.is_empty()
    }

    /// Whether that reading must be by id: a search that lags misses recent edits, and sending the complete set would revert
    /// them.
    pub fn needs_read_by_id(&self, operations: &[Operation]) -> bool {
        self.search_lags && self.needs_reread(operations)
    }

    /// The scope of the patch at the beginning of these operations in a batch.
    pub fn batch_scope(&self, operations: &[Operation]) -> UpdateScope {
        let adds_tags = self.batch.is_some_and(|batch| batch.adds_tags);
        match operations {
            [Operation::Patch(patch), rest @ ..] => UpdateScope {
                fields: !patch.set.is_empty(),
                properties: !patch.custom_data.is_empty(),
                tags: adds_tags && matches!(rest.first(), Some(Operation::Tag(_))),
            },
            _ => UpdateScope::default(),
        }
    }

    /// What a PATCH of its own at the beginning of these operations handles correctly only if the probe was right.
    pub fn patch_scope(&self, operations: &[Operation]) -> UpdateScope {
        match operations {
            [Operation::Patch(patch), rest @ ..] => UpdateScope {
                fields: false,
                properties: self.patch_merges && !patch.custom_data.is_empty(),
                tags: self.patch_adds_tags && matches!(rest.first(), Some(Operation::Tag(_))),
            },
            _ => UpdateScope::default(),
        }
    }

    /// The requests that these operations need.
    pub fn cost(&self, operations: &[Operation]) -> Cost {
        let in_batch = self.can_batch(operations);
        let adds_tags = match self.batch {
            Some(batch) if in_batch => batch.adds_tags,
            _ => self.patch_adds_tags,
        };
        let saves_tag =
            adds_tags && matches!(operations, [Operation::Patch(_), Operation::Tag(_), ..]);
        let repairs = operations.iter().map(|operation| match operation {
            Operation::Create(create) => self.repairs_after(create),
            _ => 0,
        });
        let single_writes = operations.len() as u64 + repairs.sum::<u64>();
        Cost {
            in_batch,
            single_writes: single_writes - u64::from(in_batch) - u64::from(saves_tag),
            reads_by_id: self.needs_read_by_id(operations),
        }
    }

    pub fn without_refused_fields(&self, create: &Create) -> Create {
        let mut create = create.clone();
        let refuses = &self.create_refuses;
        create.set.retain(|(field, _)| !refuses.contains(field));
        create
    }

    /// Requests needed after a create that is known not to store everything.
    fn repairs_after(&self, create: &Create) -> u64 {
        let mut fields = create.set.iter().map(|(field, _)| field);
        let not_stored = [&self.create_ignores, &self.create_refuses];
        let patch = fields.any(|field| not_stored.iter().any(|fields| fields.contains(field)));
        let tag = self.create_ignores_tags && !create.tags.is_empty();
        u64::from(patch) + u64::from(tag)
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

    fn cost(in_batch: bool, single_writes: u64) -> Cost {
        Cost {
            in_batch,
            single_writes,
            reads_by_id: false,
        }
    }

    #[test]
    fn tags_go_with_the_patch_if_that_is_cheapest() {
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
    fn a_customer_is_read_first_unless_the_update_is_known_to_merge() {
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
            rules.needs_reread(&[operation])
        };
        assert!(needs(false, None, custom()) && !needs(true, None, custom()));
        assert!(needs(true, batch(false), custom()) && !needs(false, batch(true), custom()));
        assert!(!needs(false, None, patch()) && !needs(false, None, tag()));
        let whole = Some(BatchRules {
            whole: true,
            ..BatchRules::default()
        });
        assert!(needs(true, whole, patch()) && !needs(true, whole, tag()));
        let by_id = |search_lags, operation: Operation| {
            let rules = WriteRules {
                search_lags,
                ..WriteRules::default()
            };
            rules.needs_read_by_id(&[operation])
        };
        assert!(by_id(true, custom()) && !by_id(true, patch()) && !by_id(false, custom()));
    }

    #[test]
    fn the_repair_of_fields_that_a_create_ignores_is_counted() {
        let create = Operation::Create(Create {
            set: vec![(Field::Blocked, Value::Bool(true))],
            tags: vec![Tag::named("t")],
            ..Create::default()
        });
        let single_writes = |ignores: &[Field], create_ignores_tags| {
            let rules = WriteRules {
                create_ignores: ignores.to_vec(),
                create_ignores_tags,
                ..WriteRules::default()
            };
            rules.cost(std::slice::from_ref(&create)).single_writes
        };
        assert_eq!(single_writes(&[], false), 1);
        assert_eq!(single_writes(&[Field::LastSeen], false), 1);
        assert_eq!(single_writes(&[Field::Blocked], false), 2);
        assert_eq!(single_writes(&[Field::Blocked], true), 3);
    }
}
