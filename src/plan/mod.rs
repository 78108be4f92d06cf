//! From what rows want and what HelpCrunch has to a plan. Pure: it never sees HTTP, a clock or the terminal.

pub mod budget;
pub mod causes;
pub mod codec;
pub mod diff;
mod entries;
pub mod fingerprint;
pub mod given_keys;
pub mod matching;
pub mod near;
mod operation;
mod operation_line;
mod preview;
pub mod previewer;
pub mod safety;
mod settings;
pub mod writes;
mod written;

pub use operation::{Create, FieldChange, Lane, Operation, OperationKind, Patch, PropertyChange};
pub use preview::{
    Candidate, Cause, Estimate, Example, Explanation, NewName, PlanCounts, Preview, RemoteFacts,
    ShownChange, TypeChange,
};
pub use settings::{
    Duplicates, MatchSettings, OnAmbiguous, OnConflict, Ownership, SafetySettings, SyncMode,
    Tolerance,
};
pub use written::{Salt, Written};
