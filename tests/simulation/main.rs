//! Executor, journal, gate and sandbox in one process under a paused clock, from a seed: what holds whatever goes
//! wrong.

mod disk;
mod plug;
mod wire;
mod world;

mod basics;
