//! Probes against a sandbox in the same process, under a paused clock: however the account's API behaves and
//! whatever goes wrong, no customer is left behind unnoticed, and no finding is wrong.

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
