//! A run: rows are decided and planned, lanes are sent, results are derived. Nothing here prints.

mod ahead;
mod ambiguity;
pub mod batch;
mod by_date;
mod cause;
pub mod deciding;
pub mod decisions;
pub mod executor;
pub mod export;
pub mod freshness;
pub mod in_doubt;
pub mod intake;
pub mod jobs;
pub mod lane;
pub mod learning;
pub mod making;
pub mod memory;
mod merge;
pub mod merging;
pub mod planning;
pub mod recent;
pub mod replay;
pub mod rereading;
pub mod results;
pub mod rows;
pub mod settle;
mod verify;
