//! When may the next request go: pacing, backoff, `Retry-After`, the retry budget, and the one clock that all of
//! them and every record use. Times and seeds are arguments; it never sees HTTP, and never sleeps.

mod backoff;
mod budget;
mod clock;
mod limiter;
mod retry_after;

pub use backoff::Backoff;
pub use budget::RetryBudget;
pub use clock::Clock;
pub use limiter::{Limiter, PACE_SHARE};
pub use retry_after::{Asked, retry_after};
