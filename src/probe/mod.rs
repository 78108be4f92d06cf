//! Finds out how an account's API behaves where its documentation is silent, with one throwaway customer that is
//! deleted again; keeps what was found. It never touches any other customer, and never sees rows, plans or a terminal.

mod account;
mod asking;
mod batching;
mod clean;
mod finding;
mod findings;
mod making;
mod run;
mod searching;
mod show;
mod store;
mod throwaway;
mod updating;
mod verdict;

pub use clean::{Cleaned, Left, clean};
pub use finding::{
    BadEntry, BatchTold, Filters, Finding, Lag, PageSize, Tagging, TagsInCreate, Undefined,
};
pub use findings::{Findings, Knowledge, PROBE_VERSION};
pub use run::{End, MOST_REQUESTS, Probe, ProbeError, Report, USUAL_REQUESTS};
pub use show::render;
pub use store::{ProbeStore, StoreError};
pub use throwaway::Throwaway;
