//! Finds out how an account's API behaves where its documentation is silent, and stores the findings.
//!
//! A probe creates one customer and deletes it again. It never touches any other customer and never sees rows, plans
//! or a terminal.

mod account;
mod batch;
mod cleanup;
mod create;
mod finding;
mod findings;
mod knowledge;
mod length;
mod run;
mod search;
mod session;
mod show;
mod store;
mod throwaway;
mod trial;
mod update;
mod user_id;
mod verdict;

pub use cleanup::{Cleanup, Leftover, clean_up};
pub use finding::{
    BadEntry, BatchAnswerContent, FilterLimit, Finding, PageSize, SearchLag, TagsInCreate,
    TagsInUpdate, TextLength, UndefinedProperty,
};
pub use findings::Findings;
pub use knowledge::Knowledge;
pub use run::{MAX_REQUESTS, Probe, ProbeEnd, ProbeError, ProbeReport, TYPICAL_REQUESTS};
pub use show::render;
pub use store::{ProbeStore, StoreError};
pub use throwaway::Throwaway;
