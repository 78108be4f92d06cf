//! The keys that rows give to the customers that they speak for.

use crate::domain::{Field, RowKey};
use crate::plan::key_hash::KeyHashes;
use crate::plan::matching::{CustomerRef, RemoteLookup};
use crate::plan::{Duplicates, SyncMode};
use crate::run::planning::PlanningError;
use crate::run::rows::RowRecord;

use super::Decider;

/// Which match keys rows gave a value: the first of each holds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SetKeys {
    user_id: bool,
    email: bool,
}

impl Decider<'_> {
    /// The row speaks for this customer: its keys are the customer's from here on, as far as they are written.
    pub(super) fn give(
        &mut self,
        target: CustomerRef,
        record: &RowRecord,
    ) -> Result<(), PlanningError> {
        let keys = self.written_keys(target, record)?;
        self.set_first_keys(target, record);
        Ok(self.matcher.assign_keys(target, keys)?)
    }

    /// Where rows are merged: remembers which keys the customer's first row has.
    pub(super) fn set_first_keys(&mut self, target: CustomerRef, record: &RowRecord) {
        if self.rules.duplicates == Duplicates::Merge {
            self.set_keys.insert(target, SetKeys::default());
            self.add_keys(target, &record.key);
        }
    }

    /// The row is merged into an earlier one: the customer gets of its keys those that no row spoke of before.
    pub(super) fn give_also(
        &mut self,
        target: CustomerRef,
        record: &RowRecord,
    ) -> Result<(), PlanningError> {
        let mut keys = self.written_keys(target, record)?;
        let spoken = self.add_keys(target, &record.key);
        keys.user_id = keys.user_id.filter(|_| !spoken.user_id);
        keys.email = keys.email.filter(|_| !spoken.email);
        Ok(self.matcher.add_keys(target, keys)?)
    }

    /// Which keys had been spoken of before this one was.
    fn add_keys(&mut self, target: CustomerRef, key: &RowKey) -> SetKeys {
        let spoken = self.set_keys.entry(target).or_default();
        let before = *spoken;
        spoken.user_id |= key.user_id.is_some();
        spoken.email |= key.email.is_some();
        before
    }

    /// Of a row's keys those that are written to its customer.
    fn written_keys(
        &self,
        target: CustomerRef,
        record: &RowRecord,
    ) -> Result<KeyHashes, PlanningError> {
        let mut keys = KeyHashes::of(&record.key);
        if let CustomerRef::Remote(id) = target {
            let rules = &self.rules.ownership;
            let may_keep =
                [Field::UserId, Field::Email].map(|field| !rules.field(field).is_unconditional());
            let known = if may_keep.contains(&true) {
                let customer = self.reading.customer(id)?;
                customer.map(|c| Ok::<_, PlanningError>((c, self.ground.written.customer(id)?)))
            } else {
                None
            };
            let known = known.transpose()?;
            let kept = |field| {
                known.as_ref().is_some_and(|(customer, written)| {
                    !rules.can_overwrite(field, customer.value(field), written)
                })
            };
            let skipped = self.rules.mode == SyncMode::Create;
            if skipped || kept(Field::UserId) {
                keys.user_id = None;
            }
            if skipped || kept(Field::Email) {
                keys.email = None;
            }
        }
        Ok(keys)
    }
}
