//! The meaning of a row, shown against a model of it: many small cases are drawn, synced into the sandbox in process,
//! and compared with what a model says that was written from the contract alone.
//!
//! `HCSYNC_MODEL_CASES` sets the number of cases, `HCSYNC_MODEL_SEED` the first seed. A case that fails is shown as
//! small as it can be made, with its seed.

#[cfg(test)]
mod agents;
#[cfg(test)]
mod case;
#[cfg(test)]
mod customer;
#[cfg(test)]
mod drawn_data;
#[cfg(test)]
mod fates;
#[cfg(test)]
mod generator;
#[cfg(test)]
mod input;
#[cfg(test)]
mod meaning;
#[cfg(test)]
mod model;
#[cfg(test)]
mod plain;
#[cfg(test)]
mod quirky;
#[cfg(test)]
mod setup;
#[cfg(test)]
mod syncing;

// The program and a server in one process, shared with the simulation, which also crashes them.
#[cfg(test)]
#[path = "../simulation/disk.rs"]
mod disk;
#[cfg(test)]
#[expect(dead_code, reason = "nothing crashes here")]
#[path = "../simulation/plug.rs"]
mod plug;
#[cfg(test)]
#[path = "../simulation/wire.rs"]
mod wire;
#[cfg(test)]
#[expect(dead_code, reason = "nothing crashes here")]
#[path = "../simulation/world.rs"]
mod world;
