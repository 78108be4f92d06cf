//! The one way to the API: pacing, shared pauses, attempts, outages, budgets and stops. No request gets past it,
//! and nothing else in the program repeats one. It never sees what a request or an answer says about customers.

mod basis;
mod call;
mod exchange;
mod health;
mod queue;
mod state;
mod stats;
mod stop;

#[cfg(test)]
mod tests;

pub use basis::Basis;
pub use queue::{Gate, GateParts, Stops};
pub use stats::GateStats;
pub use stop::{StopKind, StopReason};
