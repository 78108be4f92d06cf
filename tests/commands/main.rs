//! The commands around a run, by the real binary: what they show, what they write, and that they touch nothing else.

#[cfg(test)]
#[path = "../cli/bench.rs"]
#[expect(
    dead_code,
    reason = "shared with the tests of the runs, which use all of it"
)]
mod bench;
#[cfg(test)]
#[path = "../cli/files.rs"]
#[expect(
    dead_code,
    reason = "shared with the tests of the runs, which use all of it"
)]
mod files;

#[cfg(test)]
mod check;
#[cfg(test)]
mod config;
#[cfg(test)]
mod config_dir;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod export;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod init;
#[cfg(test)]
mod man;
#[cfg(test)]
mod options;
#[cfg(test)]
mod probe;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod several_problems;
#[cfg(test)]
mod show;
#[cfg(test)]
mod status;
