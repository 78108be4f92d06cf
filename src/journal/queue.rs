use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::JournalError;
use super::log::Log;

/// Answered once a record is on disk, or never will be.
pub(super) type Done = oneshot::Sender<Result<(), JournalError>>;

/// Records of a group are brought to disk once there are this many, or after this long.
const GROUP: usize = 64;
const MAX_DELAY: Duration = Duration::from_millis(50);
/// With this many of them not on disk, whoever appends another one waits.
pub(super) const MAX_UNSYNCED: usize = 1024;

/// The end of a journal, shared by the tasks that append to it and the thread that syncs it.
///
/// A task hands its record to the operating system itself, which takes microseconds. Only a record that has to be on disk, at
/// once or soon, wakes the thread; those that arrive during a sync share the next one.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

#[derive(Debug)]
struct QueueState {
    log: Log,
    /// Tasks that wait until everything that was appended before is on disk.
    waiting: Vec<Done>,
    /// Records of groups that are not on disk yet.
    grouped: usize,
    closed: bool,
}

impl QueueState {
    fn append(&mut self, body: &[u8]) -> Result<(), JournalError> {
        self.log.check()?;
        if self.closed {
            return Err(JournalError::Closed);
        }
        self.log.append(body)
    }

    /// Whether a sync has to begin at once.
    fn is_due(&self) -> bool {
        !self.waiting.is_empty() || self.grouped >= GROUP || self.closed
    }
}

impl Queue {
    pub(super) fn new(log: Log) -> Self {
        Self {
            state: Mutex::new(QueueState {
                log,
                waiting: Vec::new(),
                grouped: 0,
                closed: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Appends a record. `done` is answered once it is on disk.
    pub(super) fn append(&self, body: &[u8], done: Option<Done>) -> Result<(), JournalError> {
        let mut state = self.lock();
        state.append(body)?;
        if done.is_some() {
            state.waiting.extend(done);
            drop(state);
            self.changed.notify_one();
        }
        Ok(())
    }

    /// Appends a record that is to be on disk soon. Returns whether [`MAX_UNSYNCED`] such records are not there yet.
    pub(super) fn append_grouped(&self, body: &[u8]) -> Result<bool, JournalError> {
        let mut state = self.lock();
        state.append(body)?;
        state.grouped += 1;
        let grouped = state.grouped;
        drop(state);
        if grouped == 1 || grouped == GROUP {
            self.changed.notify_one();
        }
        Ok(grouped >= MAX_UNSYNCED)
    }

    /// `done` is answered once everything that was appended so far is on disk.
    pub(super) fn await_sync(&self, done: Done) {
        self.lock().waiting.push(done);
        self.changed.notify_one();
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Accepts no more records. `done` is answered once all that were accepted are on disk.
    pub(super) fn close(&self, done: Option<Done>) -> Result<(), JournalError> {
        let mut state = self.lock();
        if done.is_some() && state.closed {
            return Err(JournalError::Closed);
        }
        state.closed = true;
        state.waiting.extend(done);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Flushes everything that was appended so far. Other tasks can append meanwhile.
    pub(super) fn sync(&self) -> Result<(), JournalError> {
        let state = self.lock();
        let (unsynced, grouped) = (state.log.unsynced()?, state.grouped);
        drop(state);
        let Some((file, to)) = unsynced else {
            return Ok(());
        };
        let synced = file.sync();
        let mut state = self.lock();
        state.grouped -= grouped;
        state.log.end_sync(to, synced)
    }

    /// Syncs whenever a record has to be on disk, until the queue is closed.
    pub(super) fn serve(&self) {
        loop {
            let mut state = self.lock();
            while !state.is_due() {
                if state.grouped == 0 {
                    state = unpoisoned(self.changed.wait(state));
                    continue;
                }
                let (after, waited) = unpoisoned(self.changed.wait_timeout(state, MAX_DELAY));
                state = after;
                if waited.timed_out() {
                    break;
                }
            }
            let (waiting, closed) = (std::mem::take(&mut state.waiting), state.closed);
            drop(state);
            let synced = self.sync();
            for done in waiting {
                // A task that no longer waits needs no answer.
                drop(done.send(synced.clone()));
            }
            if closed {
                return;
            }
        }
    }

    /// Closes the queue and fails all waiting tasks: the thread that served them is gone.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.waiting.clear();
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        unpoisoned(self.state.lock())
    }
}

/// The state is whole between any two statements, so a panic elsewhere does not matter.
fn unpoisoned<T>(result: Result<T, PoisonError<T>>) -> T {
    result.unwrap_or_else(PoisonError::into_inner)
}
