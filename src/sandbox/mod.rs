//! A local implementation of HelpCrunch's customers API, written from its documentation alone.
//!
//! Users try a config on it without an account, and tests run against it: in process under a paused clock
//! ([`Sandbox::call`]) or on a socket ([`Sandbox::serve`]). Where the documentation is silent, a switch in [`Quirks`]
//! decides. Faults, and edits by agents, come from a [`Schedule`] and are drawn from a seed.
//!
//! It imports no other module of this crate, so that the client and the sandbox cannot share a misreading of the API.
//!
//! # Controls
//! Besides `/v1`, a server has endpoints under `/_sandbox/`. They need no key, are not subject to the rate limit or to
//! faults, and are not logged: `GET customers` (by id), `GET requests` (see [`LoggedRequest`]), `GET stats` (see
//! [`Stats`]), `GET quirks`, `PUT quirks` (changes those that the JSON object names), and `POST agent` (makes an
//! [`AgentEdit`] immediately).

mod account;
mod admitted;
mod agent;
mod answers;
mod applier;
mod batch;
mod body_properties;
mod body_reader;
mod control;
mod customer;
mod endpoint;
mod error_reply;
mod faults;
mod field;
mod formats;
mod given;
mod handle;
mod listing;
mod log;
mod options;
mod page;
mod positions;
mod quirk_values;
pub mod quirks;
mod reply;
pub mod scenario;
mod search;
mod search_body;
mod select;
mod server;
mod state;
mod store;
mod tags;
mod validate;
mod view;
mod window;
mod write;

#[cfg(test)]
mod tests;

pub use agent::{AgentEdit, AgentError, AgentRule, CustomerChoice, EditTarget, When};
pub use endpoint::Endpoint;
pub use faults::{Fault, FaultRule};
pub use handle::{Cut, Sandbox};
pub use log::{LoggedRequest, Stats};
pub use options::{Options, SandboxError, customers_from_jsonl};
pub use quirks::{QuirkError, Quirks};
pub use scenario::{Scenario, ScenarioError, Schedule};
pub use select::Selector;
