//! A HelpCrunch customers API on this machine, written from its
//! documentation alone.
//!
//! It is a user's way to try a config without an account, and the project's
//! own test bench: in process under a paused clock ([`Sandbox::call`]), or on
//! a socket ([`Sandbox::serve`]). Where the documentation is silent, a switch
//! in [`Quirks`] decides; what goes wrong, and what agents edit meanwhile,
//! comes from a [`Schedule`], drawn from a seed.
//!
//! It never sees any other module of this crate, so that a misreading of the
//! API shared by both sides cannot hide.
//!
//! # Controls
//! Beside `/v1` a server answers under `/_sandbox/`, with no key and outside
//! of limit, faults and log: `GET customers` (by id), `GET requests` (see
//! [`LoggedRequest`]), `GET stats` (see [`Stats`]), `GET quirks`, `PUT quirks`
//! (those that the JSON object names), `POST agent` (an [`AgentEdit`], at
//! once).

mod account;
mod agent;
mod control;
mod customer;
mod endpoint;
mod faults;
mod field;
mod handle;
mod log;
mod options;
mod page;
mod positions;
mod problem;
pub mod quirks;
pub mod scenario;
mod search;
mod select;
mod server;
mod state;
mod store;
mod tags;
mod validate;
mod window;
mod write;

#[cfg(test)]
mod tests;

pub use agent::{AgentEdit, AgentError, AgentRule, Found, When, Whose};
pub use endpoint::Endpoint;
pub use faults::{Fault, FaultRule};
pub use handle::{Cut, Sandbox};
pub use log::{LoggedRequest, Stats};
pub use options::{Options, SandboxError, customers_from_jsonl};
pub use quirks::{QuirkError, Quirks};
pub use scenario::{Scenario, ScenarioError, Schedule};
pub use select::Selector;
