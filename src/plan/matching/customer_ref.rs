use crate::domain::CustomerId;

/// Place of a customer in the list of those that were read, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CustomerPlace(pub u32);

/// Index of a customer that a row of this input creates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NewCustomer(pub(super) u32);

/// The customer that a row means. Sorts by age: customers to be created are younger than all remote ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CustomerRef {
    Remote(CustomerId),
    New(NewCustomer),
}
