use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::JournalError;
use super::log::Log;

/// Answered once a record is on disk, or never will be.
pub(super) type Done = oneshot::Sender<Result<(), JournalError>>;

/// The end of a journal, shared by the tasks that append to it and the thread that syncs it.
///
/// A task hands its record to the operating system itself, which takes microseconds. Only a record that has to be on disk
/// wakes the thread; those that arrive during a sync share the next one.
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
    closed: bool,
}

impl Queue {
    pub(super) fn new(log: Log) -> Self {
        Self {
            state: Mutex::new(QueueState {
                log,
                waiting: Vec::new(),
                closed: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Appends a record. `done` is answered once it is on disk.
    pub(super) fn append(&self, body: &[u8], done: Option<Done>) -> Result<(), JournalError> {
        let mut state = self.lock();
        state.log.check()?;
        if state.closed {
            return Err(JournalError::Closed);
        }
        state.log.append(body)?;
        if done.is_some() {
            state.waiting.extend(done);
            drop(state);
            self.changed.notify_one();
        }
        Ok(())
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
        let unsynced = self.lock().log.unsynced()?;
        let Some((file, to)) = unsynced else {
            return Ok(());
        };
        let synced = file.sync();
        self.lock().log.end_sync(to, synced)
    }

    /// Syncs whenever a record has to be on disk, until the queue is closed.
    pub(super) fn serve(&self) {
        loop {
            let mut state = self.lock();
            while state.waiting.is_empty() && !state.closed {
                state = unpoisoned(self.changed.wait(state));
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
