//! Matching: which customer a row means, among those that HelpCrunch has and those that earlier rows create. It goes by the
//! keys that customers were read with and those that earlier rows assign to them.

mod assigned_keys;
mod claims;
mod conflict;
mod conflicts;
mod customer_ref;
mod matcher;

use smallvec::SmallVec;

use crate::domain::{CustomerId, Issue, KeyField, RemoteCustomer};

use super::key_hash::KeyHash;

pub use claims::Claims;
pub use conflict::{Conflict, CustomerNames};
pub use customer_ref::{CustomerPlace, CustomerRef, NewCustomer};
pub use matcher::Matcher;

/// Customers that share one key: nearly always a single one, which takes no allocation.
pub type CustomerIds = SmallVec<[CustomerId; 2]>;

/// Looks up customers as they were read.
pub trait RemoteLookup {
    type Error;

    /// Ids of the customers with exactly this userId.
    fn by_user_id(&self, user_id: KeyHash) -> Result<CustomerIds, Self::Error>;

    /// Ids of the customers with this e-mail address, ignoring case.
    fn by_email(&self, email: KeyHash) -> Result<CustomerIds, Self::Error>;

    /// Like [`by_user_id`](Self::by_user_id), for a userId as text.
    fn with_user_id(&self, user_id: &str) -> Result<CustomerIds, Self::Error> {
        self.by_user_id(KeyHash::of_user_id(user_id))
    }

    /// Like [`by_email`](Self::by_email), for an address as text.
    fn with_email(&self, email: &str) -> Result<CustomerIds, Self::Error> {
        self.by_email(KeyHash::of_email(email))
    }

    /// The customer's place among those that were read, or `None` if it was not.
    fn place(&self, _id: CustomerId) -> Result<Option<CustomerPlace>, Self::Error> {
        Ok(None)
    }

    /// The customer as it was read, or `None` if no customer has this id.
    fn customer(&self, id: CustomerId) -> Result<Option<RemoteCustomer>, Self::Error>;
}

/// The result of matching a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    Found(CustomerRef),
    /// The row creates its customer.
    NoCustomer,
    Rejected(Issue),
    /// The keys contradict each other.
    Conflict(Conflict),
    /// The key matches several customers, and the config does not choose among them.
    Ambiguous(Ambiguity),
}

/// A key of a row that matches several customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ambiguity {
    pub by: KeyField,
    /// Oldest first.
    pub candidates: Vec<CustomerRef>,
}

impl Ambiguity {
    /// Why the row is rejected.
    pub fn issue(&self) -> Issue {
        let message = format!(
            "its {} matches {} customers",
            self.by,
            self.candidates.len()
        );
        Issue::matching("ambiguous", message).hint(
            "merge them in HelpCrunch, give the row a key that finds one, set match.on_ambiguous, or decide in the run's \
             ambiguous.csv and give it back with --decisions",
        )
    }
}
