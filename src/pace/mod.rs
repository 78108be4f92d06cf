//! Decides when the next request may go: pacing, backoff, `Retry-After`, the retry budget, and the one clock that all of
//! them and every record use. Times and seeds are arguments; nothing here sees HTTP or sleeps.

mod backoff;
mod budget;
mod clock;
mod limiter;
mod permit;
mod retry_after;
mod shared;

pub use backoff::Backoff;
pub use budget::RetryBudget;
pub use clock::Clock;
pub use limiter::{Limiter, PACE_SHARE};
pub use permit::{WritePermission, WritePermit};
pub use retry_after::{RetryAfter, parse_retry_after};
pub use shared::SharedPace;
