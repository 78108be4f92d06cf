//! Executor, journal, gate and sandbox in one process under a paused clock, from a seed: what holds whatever goes
//! wrong.

#[cfg(test)]
mod as_met;
#[cfg(test)]
mod basics;
#[cfg(test)]
mod batches;
#[cfg(test)]
mod case;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod doubts;
#[cfg(test)]
mod happened;
#[cfg(test)]
mod invariants;
#[cfg(test)]
mod mishaps;
#[cfg(test)]
mod plug;
#[cfg(test)]
mod seeds;
#[cfg(test)]
mod told;
#[cfg(test)]
mod undo;
#[cfg(test)]
mod wire;
#[cfg(test)]
mod world;
