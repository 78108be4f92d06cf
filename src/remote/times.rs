//! When each customer of a reading was read.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::CustomerId;
use crate::plan::budget::ReadingAge;

/// The time at which each customer was read.
#[derive(Debug, Clone)]
pub struct ReadTimes {
    /// When the reading for the plan began.
    began: Instant,
    /// How old its customers were by then.
    age: ReadingAge,
}

impl ReadTimes {
    /// `age` is how old the customers were when the reading began.
    #[must_use]
    pub fn new(began: Instant, age: ReadingAge) -> Self {
        Self { began, age }
    }

    /// Returns when the customer was read, or `None` if that is too long ago for an [`Instant`].
    #[must_use]
    pub fn read_at(&self, customer: Option<CustomerId>) -> Option<Instant> {
        self.began.checked_sub(self.age.of(customer))
    }

    /// Returns how long ago the customer was read, or, for `None`, how long ago no customer was found.
    #[must_use]
    pub fn age_of(&self, customer: Option<CustomerId>) -> Duration {
        self.began.elapsed() + self.age.of(customer)
    }
}

impl From<Instant> for ReadTimes {
    fn from(began: Instant) -> Self {
        Self::new(began, ReadingAge::default())
    }
}
