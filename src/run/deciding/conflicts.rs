//! Rows whose keys contradict each other: how their customers are named, and what would make the rows fit.

use std::collections::HashSet;

use crate::domain::{CustomerId, Issue, RowKey};
use crate::plan::key_hash::KeyHash;
use crate::plan::matching::{Ambiguity, Conflict, CustomerNames, CustomerRef, RemoteLookup};
use crate::remote::{Reading, ReadingError};
use crate::report::{MAX_CANDIDATES, human_count};
use crate::run::planning::PlanningError;
use crate::run::rows::RowRecord;

use super::Decider;

/// Counts what decides between the remedies for conflicts.
#[derive(Debug, Default)]
pub(super) struct ConflictCounts {
    /// Whether some row's userId belongs to a known customer.
    is_user_id_known: bool,
    /// Customers that such rows find by e-mail address alone.
    customers: HashSet<CustomerId>,
}

impl ConflictCounts {
    /// Counts a row that found its customer. Costs nothing once a userId is known.
    pub(super) fn add_found(
        &mut self,
        key: &RowKey,
        reading: &Reading,
    ) -> Result<(), ReadingError> {
        if let (false, Some(user_id)) = (self.is_user_id_known, &key.user_id) {
            let user_id = KeyHash::of_user_id(user_id);
            self.is_user_id_known = !reading.by_user_id(user_id)?.is_empty();
        }
        Ok(())
    }

    /// A row whose userId is known to be that of its customer.
    pub(super) fn add_known_user_id(&mut self) {
        self.is_user_id_known = true;
    }

    fn add(&mut self, conflict: &Conflict) {
        match conflict {
            Conflict::OtherUserId {
                customer: CustomerRef::Remote(id),
                is_only_match: true,
                ..
            } => {
                self.customers.insert(*id);
            }
            Conflict::OtherUserId { .. } => {}
            Conflict::TwoCustomers { .. } | Conflict::OtherEmail { .. } => {
                self.is_user_id_known = true;
            }
        }
    }

    /// What to do about the conflicts, if they are all of one kind: the file's userIds are not those of this account.
    pub(super) fn advice(&self) -> Option<String> {
        // A conflict with an earlier row of the input says nothing about the userIds of the account.
        if self.is_user_id_known || self.customers.is_empty() {
            return None;
        }
        let rows = human_count(self.customers.len() as u64);
        Some(format!(
            "no userId of the input is known in HelpCrunch. Either leave userId unmapped and match by e-mail: {rows} of these rows \
             then find their customer, which keeps its userId. Or set match.on_conflict = \"update\": the same {rows} customers get \
             the row's userId in place of their own"
        ))
    }
}

impl Decider<'_> {
    pub(super) fn conflict(&mut self, conflict: &Conflict) -> Issue {
        self.conflicts.add(conflict);
        conflict.issue(self)
    }

    /// Writes an ambiguous row for the user to decide.
    pub(super) fn write_ambiguous(
        &mut self,
        record: &RowRecord,
        ambiguity: &Ambiguity,
    ) -> Result<(), PlanningError> {
        let new = ambiguity.candidates.iter().filter_map(|candidate| {
            matches!(candidate, CustomerRef::New(_)).then(|| self.row_of(*candidate))?
        });
        let creating: Vec<String> = new.take(MAX_CANDIDATES).collect();
        let names = (self.reading, creating.as_slice());
        Ok(self.ambiguous.write(record, ambiguity, names)?)
    }
}

impl CustomerNames for Decider<'_> {
    fn customer(&self, customer: CustomerRef) -> String {
        match (customer, self.row_of(customer)) {
            (CustomerRef::Remote(id), _) => format!("customer {id}"),
            (CustomerRef::New(_), Some(row)) => format!("the customer that {row} creates"),
            (CustomerRef::New(_), None) => "a new customer".to_owned(),
        }
    }

    fn row_of(&self, customer: CustomerRef) -> Option<String> {
        let place = self.place(customer).ok()?;
        let row = self.claims.row_of(customer, place)?;
        Some(self.lines.name(row, self.sources))
    }
}
