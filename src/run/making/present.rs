//! The customers that the rows mean.

use std::collections::BTreeSet;

use crate::domain::CustomerId;
use crate::plan::matching::RemoteLookup;
use crate::remote::Reading;
use crate::run::planning::PlanningError;

/// The customers that the rows mean, each eight bytes.
#[derive(Debug, Default)]
pub(super) struct PresentCustomers {
    pub(super) found: Vec<CustomerId>,
    /// Customers that are back and still have the tag of missing ones.
    pub(super) tagged: BTreeSet<CustomerId>,
    pub(super) tag: String,
}

impl PresentCustomers {
    pub(super) fn add(&mut self, id: CustomerId) {
        self.found.push(id);
    }

    /// Notes whether a customer that was missing still shows it.
    pub(super) fn add_returned(
        &mut self,
        id: CustomerId,
        reading: &Reading,
    ) -> Result<(), PlanningError> {
        if reading.customer(id)?.is_some_and(|c| c.has_tag(&self.tag)) {
            self.tagged.insert(id);
        }
        Ok(())
    }
}
