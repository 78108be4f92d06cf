use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::JournalError;

/// So much waits at most before a lazy append waits too.
const FULL: usize = 4 << 20;
/// Lazy records alone start a group at most this often: at full speed the syncs of ever smaller groups would
/// take the processor from the work itself. After a quiet moment a group starts at once.
const PACE: Duration = Duration::from_millis(5);

pub(super) type Done = oneshot::Sender<Result<(), JournalError>>;

/// Records on their way from many tasks to the writing thread.
///
/// A lazy record wakes the thread only where nothing is waiting yet, so that it costs no switch of threads.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<Waiting>,
    changed: Condvar,
}

/// What waits, in the order of the appends.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) bodies: Vec<Vec<u8>>,
    bytes: usize,
    /// Who wants to hear when all this is on disk.
    pub(super) done: Vec<Done>,
    closed: bool,
}

impl Waiting {
    fn is_urgent(&self) -> bool {
        self.closed || !self.done.is_empty() || self.bytes >= FULL
    }

    fn is_empty(&self) -> bool {
        self.bodies.is_empty() && self.done.is_empty()
    }
}

impl Queue {
    /// Puts a record in line.
    pub(super) fn push(&self, body: Vec<u8>, done: Option<Done>) -> Result<(), JournalError> {
        let mut state = self.lock();
        if state.closed {
            return Err(JournalError::Closed);
        }
        let (was_empty, was_urgent) = (state.is_empty(), state.is_urgent());
        state.bytes += body.len();
        state.bodies.push(body);
        state.done.extend(done);
        let wake = was_empty || (state.is_urgent() && !was_urgent);
        drop(state);
        if wake {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// Whether so much waits that nobody should add to it without waiting too.
    pub(super) fn is_full(&self) -> bool {
        self.lock().bytes >= FULL
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().bodies.len()
    }

    /// Lets nothing more in. `done` hears when all that is in is on disk.
    pub(super) fn close(&self, done: Option<Done>) -> Result<(), JournalError> {
        let mut state = self.lock();
        if done.is_some() && state.closed {
            return Err(JournalError::Closed);
        }
        state.closed = true;
        state.done.extend(done);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for records and takes them all; nothing once the queue is closed and empty. `last`: when the last
    /// group had reached the disk.
    pub(super) fn take(&self, last: Option<Instant>) -> Option<Waiting> {
        let mut state = self.lock();
        while state.is_empty() && !state.closed {
            state = unpoisoned(self.changed.wait(state));
        }
        let due = last.map(|last| last + PACE);
        while let Some(left) = due.and_then(|due| due.checked_duration_since(Instant::now())) {
            if state.is_urgent() || left.is_zero() {
                break;
            }
            state = unpoisoned(self.changed.wait_timeout(state, left)).0;
        }
        if state.is_empty() {
            return None;
        }
        let closed = state.closed;
        let taken = std::mem::take(&mut *state);
        state.closed = closed;
        Some(taken)
    }

    /// Drops what waits, so that nobody waits for a thread that is gone.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        *state = Waiting {
            closed: true,
            ..Waiting::default()
        };
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        unpoisoned(self.state.lock())
    }
}

/// The state is whole between any two statements, so a panic elsewhere does not matter.
fn unpoisoned<T>(result: Result<T, PoisonError<T>>) -> T {
    result.unwrap_or_else(PoisonError::into_inner)
}
