//! The one way to the API: pacing, shared pauses, attempts, outages, budgets and stops. Every request passes through it,
//! and nothing else in the program repeats one. It never sees what a request or an answer says about customers.

mod call;
mod exchange;
mod health;
mod optional;
mod queue;
mod staleness;
mod state;
mod stats;
mod stop;

#[cfg(test)]
mod blocked_tests;
#[cfg(test)]
mod shared_tests;
#[cfg(test)]
mod tests;

pub use queue::{Gate, GateParts};
pub use staleness::StalenessGuard;
pub use stats::{GateStats, Pace};
pub use stop::{StopKind, StopReason, StopTokens};
