//! How many requests the real binary needs, counted by the sandbox that answers them. One file a case.

#[cfg(test)]
mod bench;

#[cfg(test)]
mod batch;
#[cfg(test)]
mod batch_trouble;
#[cfg(test)]
mod changed;
#[cfg(test)]
mod empty_account;
#[cfg(test)]
mod filters;
#[cfg(test)]
mod foreseen;
#[cfg(test)]
mod hostile_reading;
#[cfg(test)]
mod huge_account;
#[cfg(test)]
mod listing;
#[cfg(test)]
mod nightly;
#[cfg(test)]
mod pages;
#[cfg(test)]
#[path = "../support/server.rs"]
mod served;
#[cfg(test)]
mod snapshot;
#[cfg(test)]
mod unchanged;
#[cfg(test)]
mod whole;
