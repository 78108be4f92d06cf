//! The thread that writes a run's changes to the snapshot, so that no answer waits for the disk.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use super::changes::EntryChange;
use super::{SnapshotError, SnapshotFiles};

/// Writes changes in the order in which it gets them. Once dropped, all are written and the files are unlocked.
#[derive(Debug)]
pub(super) struct LiveWriter {
    /// `None` once dropped, or if there is no thread.
    changes: Option<SyncSender<Vec<EntryChange>>>,
    thread: Option<JoinHandle<()>>,
    /// Without a thread: kept for their lock.
    _unwritten: Option<WrittenFiles>,
}

impl LiveWriter {
    /// `error`: the snapshot could not be written, and is removed.
    pub(super) fn start(files: SnapshotFiles, error: Option<&SnapshotError>) -> Self {
        // Whoever is faster than the disk waits, so that no more than three groups of changes are in memory.
        let (changes, received) = sync_channel(1);
        let mut written = WrittenFiles {
            files,
            is_lost: false,
        };
        if let Some(error) = error {
            written.discard(error);
        }
        let (hand_over, handed_over) = sync_channel::<WrittenFiles>(1);
        let serve = move || {
            if let Ok(written) = handed_over.recv() {
                written.serve(&received);
            }
        };
        match Builder::new().name(String::from("snapshot")).spawn(serve) {
            Ok(thread) => {
                drop(hand_over.send(written));
                Self {
                    changes: Some(changes),
                    thread: Some(thread),
                    _unwritten: None,
                }
            }
            Err(error) => {
                written.discard(&error.into());
                Self {
                    changes: None,
                    thread: None,
                    _unwritten: Some(written),
                }
            }
        }
    }

    pub(super) fn write(&self, changes: Vec<EntryChange>) {
        if let Some(sender) = &self.changes {
            // It fails only after a panic of the thread: then the customers stay marked, and later runs look them up.
            drop(sender.send(changes));
        }
    }
}

impl Drop for LiveWriter {
    fn drop(&mut self) {
        self.changes = None;
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// The files, and whether the snapshot can still be written.
#[derive(Debug)]
struct WrittenFiles {
    files: SnapshotFiles,
    is_lost: bool,
}

impl WrittenFiles {
    fn serve(mut self, changes: &Receiver<Vec<EntryChange>>) {
        for changes in changes {
            if self.is_lost {
                continue;
            }
            let written = match self.files.open() {
                Ok(Some(store)) => store.apply(&changes),
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = written {
                self.discard(&error);
            }
        }
    }

    /// Removes a snapshot that misses an answer.
    fn discard(&mut self, error: &SnapshotError) {
        self.is_lost = true;
        tracing::warn!(
            error = error as &dyn std::error::Error,
            "the snapshot could not be updated and is removed; the next run reads the account again"
        );
        if let Err(error) = self.files.discard() {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the snapshot could not be removed"
            );
        }
    }
}
