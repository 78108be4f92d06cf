//! Which row writes to each customer, if several rows mean the same one.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::domain::{CustomerId, RowNumber};

use super::customer_ref::{CustomerPlace, CustomerRef};

/// The row that each customer belongs to, in four bytes per customer.
#[derive(Debug, Default)]
pub struct Claims {
    /// Of customers that were read, by their place.
    read: Vec<Claim>,
    /// Of customers that rows create, by their index.
    created: Vec<Claim>,
    /// Of remote customers that were not read.
    others: HashMap<CustomerId, Claim, RandomState>,
}

/// The number of the row, or 0 for none. Beyond four thousand million rows all count as one.
#[derive(Debug, Clone, Copy, Default)]
struct Claim(u32);

impl Claim {
    fn of(row: RowNumber) -> Self {
        Self(u32::try_from(row.0).unwrap_or(u32::MAX))
    }

    fn row(self) -> Option<RowNumber> {
        (self.0 > 0).then_some(RowNumber(u64::from(self.0)))
    }
}

impl Claims {
    /// Has room for the claims of customers that were read.
    pub fn of_read(customers: usize) -> Self {
        Self {
            read: Vec::with_capacity(customers),
            ..Self::default()
        }
    }

    /// Claims the customer for a row, or returns the earlier row that has it. `place` is that of a customer that was read.
    pub fn claim(
        &mut self,
        customer: CustomerRef,
        place: Option<CustomerPlace>,
        row: RowNumber,
    ) -> Option<RowNumber> {
        let claim = self.of(customer, place);
        let earlier = claim.row();
        if earlier.is_none() {
            *claim = Claim::of(row);
        }
        earlier
    }

    /// Returns the row that has the customer.
    pub fn row_of(&self, customer: CustomerRef, place: Option<CustomerPlace>) -> Option<RowNumber> {
        let claim = match (customer, place) {
            (CustomerRef::New(new), _) => self.created.get(new.0 as usize),
            (CustomerRef::Remote(_), Some(place)) => self.read.get(place.0 as usize),
            (CustomerRef::Remote(id), None) => self.others.get(&id),
        };
        claim.and_then(|claim| claim.row())
    }

    /// Passes the customer on to a later row.
    pub fn replace(&mut self, customer: CustomerRef, place: Option<CustomerPlace>, row: RowNumber) {
        *self.of(customer, place) = Claim::of(row);
    }

    fn of(&mut self, customer: CustomerRef, place: Option<CustomerPlace>) -> &mut Claim {
        let (claims, at) = match (customer, place) {
            (CustomerRef::New(new), _) => (&mut self.created, new.0),
            (CustomerRef::Remote(_), Some(place)) => (&mut self.read, place.0),
            (CustomerRef::Remote(id), None) => return self.others.entry(id).or_default(),
        };
        let at = at as usize;
        if claims.len() <= at {
            claims.resize(at + 1, Claim::default());
        }
        #[expect(clippy::indexing_slicing, reason = "it was just made long enough")]
        &mut claims[at]
    }
}
