//! Processor time of a process, from `/proc`; nothing where there is none.

use std::path::PathBuf;
use std::time::Duration;

/// How long a tick of `/proc/…/stat` is on Linux.
const TICK: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(crate) struct CpuClock(PathBuf);

impl CpuClock {
    pub(crate) fn own() -> Self {
        Self(PathBuf::from("/proc/self/stat"))
    }

    pub(crate) fn of(process: u32) -> Self {
        Self(PathBuf::from(format!("/proc/{process}/stat")))
    }

    /// In user mode and in the kernel.
    pub(crate) fn time(&self) -> Duration {
        let stat = std::fs::read_to_string(&self.0).unwrap_or_default();
        // The name of the program is in parentheses and may hold blanks.
        let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
        let fields: Vec<&str> = after.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|text| text.parse().ok());
        TICK * (ticks(11).unwrap_or(0) + ticks(12).unwrap_or(0))
    }
}
