use std::num::NonZero;
use std::thread;

/// More would wait for the one thread that reads or writes for them.
const MAX_WORKERS: usize = 8;

/// Threads among which work is shared out that can be split.
#[must_use]
pub fn worker_threads() -> usize {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    processors.min(MAX_WORKERS)
}
