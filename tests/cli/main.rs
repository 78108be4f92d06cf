//! The real binary against a sandbox that the test serves itself, so that it holds the server's customers, its
//! request log and its switches. One fresh folder per test, port 0, no order, no sleep.

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod api_as_met;
#[cfg(test)]
mod apply_rejected;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod conflicts;
#[cfg(test)]
mod files;

#[cfg(test)]
mod decisions;
#[cfg(test)]
mod exit_codes;
#[cfg(test)]
mod fault_storm;
#[cfg(test)]
mod first_run;
#[cfg(test)]
mod forget;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod inputs;
#[cfg(test)]
mod interrupted;
#[cfg(unix)]
#[cfg(test)]
mod killed;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod log_file;
#[cfg(test)]
mod merging;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod missing;
#[cfg(test)]
mod model;
#[cfg(test)]
mod notify;
#[cfg(test)]
mod object_store;
#[cfg(test)]
mod object_stores;
#[cfg(test)]
mod organization;
#[cfg(test)]
mod overlaps;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod pause;
#[cfg(test)]
mod promises;

mod proofs;
#[cfg(test)]
mod reads_only;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod results;
#[cfg(test)]
mod row_sources;
#[cfg(test)]
mod sandbox_command;
#[cfg(test)]
mod search_lag;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod server;
#[cfg(test)]
mod storage;
#[cfg(test)]
mod target_state;
#[cfg(test)]
mod three_way;
#[cfg(test)]
mod undo;
#[cfg(test)]
mod values;
#[cfg(test)]
mod whole_batches;
#[cfg(test)]
mod why;
