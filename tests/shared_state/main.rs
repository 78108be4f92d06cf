//! Several machines, each with a folder of its own, on one PostgreSQL database and one account. The server is a real one,
//! started here in a folder of its own. `scripts/test` installs it; without it these tests say so and check nothing.

#![cfg(target_os = "linux")]
#[cfg(test)]
mod leases;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod sharing;

#[cfg(test)]
#[path = "../support/postgres.rs"]
mod postgres;
#[cfg(test)]
#[path = "../support/server.rs"]
mod served;
