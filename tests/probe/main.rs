//! Probes against a sandbox in the same process, under a paused clock: whatever the account's API is like and
//! whatever goes wrong, no customer stays behind unnoticed, and nothing is reported that is not so.

#[cfg(test)]
mod bench;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod switches;
#[cfg(test)]
mod truth;

#[cfg(test)]
#[path = "../simulation/plug.rs"]
#[expect(
    dead_code,
    reason = "a probe has no journal in which a process could die"
)]
mod plug;
#[cfg(test)]
#[path = "../simulation/wire.rs"]
mod wire;
