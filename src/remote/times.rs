use std::time::Duration;

use tokio::time::Instant;

use crate::domain::CustomerId;
use crate::plan::budget::ReadingAge;

/// When what is known of each customer was read.
#[derive(Debug, Clone)]
pub struct ReadTimes {
    /// When the reading for the plan began.
    at: Instant,
    /// How old it was by then.
    age: ReadingAge,
}

impl ReadTimes {
    /// `age`: of the customers at the time when the reading began.
    #[must_use]
    pub fn new(at: Instant, age: ReadingAge) -> Self {
        Self { at, age }
    }

    /// When the customer was read; nothing where that is longer ago than can be told.
    #[must_use]
    pub fn read_at(&self, customer: Option<CustomerId>) -> Option<Instant> {
        self.at.checked_sub(self.age.of(customer))
    }

    /// How long ago the customer was read; nobody: how long ago it was seen that there is none.
    #[must_use]
    pub fn age_of(&self, customer: Option<CustomerId>) -> Duration {
        self.at.elapsed() + self.age.of(customer)
    }
}

impl From<Instant> for ReadTimes {
    fn from(at: Instant) -> Self {
        Self::new(at, ReadingAge::default())
    }
}
