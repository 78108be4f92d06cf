//! Brings the snapshot up to date while a run writes.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::{CustomerId, RemoteCustomer};
use crate::helpcrunch::Observer;

use super::store::Change;
use super::{SnapshotError, SnapshotFiles};

/// Changes wait for each other so long, or until there are so many, since every transaction waits for the disk.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
const MOST_WAITING: usize = 512;

/// A snapshot that hears of every answer.
///
/// Before the first write all customers that the run is going to write are noted as unsure, and each is sure again
/// once its last answer is in the store. So a process that is killed leaves no entry that is older than it looks:
/// unsure ones count as unknown and are looked up.
#[derive(Debug)]
pub struct LiveSnapshot(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Nothing once it could not be written.
    files: Option<SnapshotFiles>,
    waiting: Vec<Change>,
    written_at: Instant,
    /// Noted as unsure by this process and by no earlier one.
    marked: BTreeSet<CustomerId>,
    /// Writes that were answered so far.
    writes: u64,
    /// Which of these was the customer's last. What was read before that is older than its entry.
    last_write: HashMap<CustomerId, u64>,
}

impl LiveSnapshot {
    /// Notes the customers that are going to be written. Nothing where there is no snapshot to keep up.
    pub fn begin(
        mut files: SnapshotFiles,
        going_to_write: impl IntoIterator<Item = CustomerId>,
    ) -> Option<Self> {
        let marked = match mark(&mut files, going_to_write) {
            Ok(marked) => marked?,
            Err(error) => {
                give_up(files, &error);
                return None;
            }
        };
        Some(Self(Mutex::new(State {
            files: Some(files),
            waiting: Vec::new(),
            written_at: Instant::now(),
            marked,
            writes: 0,
            last_write: HashMap::new(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every answer is in: what was noted as unsure and was not written is sure again.
    pub fn close(&self) {
        let mut state = self.state();
        let marked = std::mem::take(&mut state.marked);
        state.waiting.extend(marked.into_iter().map(Change::Sure));
        state.write();
        state.files = None;
    }
}

fn mark(
    files: &mut SnapshotFiles,
    ids: impl IntoIterator<Item = CustomerId>,
) -> Result<Option<BTreeSet<CustomerId>>, SnapshotError> {
    let Some(store) = files.open()? else {
        return Ok(None);
    };
    let earlier = store.unsure()?;
    let marked: BTreeSet<_> = ids.into_iter().filter(|id| !earlier.contains(id)).collect();
    let changes: Vec<_> = marked.iter().copied().map(Change::Unsure).collect();
    store.apply(&changes)?;
    Ok(Some(marked))
}

/// A snapshot that misses an answer must not be believed.
fn give_up(mut files: SnapshotFiles, error: &SnapshotError) {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "the snapshot is not kept up and is removed: the next run reads the account again"
    );
    if let Err(error) = files.discard() {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the snapshot could not be removed"
        );
    }
}

impl State {
    fn take(&mut self, change: Change) {
        self.waiting.push(change);
        if self.waiting.len() >= MOST_WAITING || self.written_at.elapsed() >= LONGEST_WAIT {
            self.write();
        }
    }

    fn write(&mut self) {
        let changes = std::mem::take(&mut self.waiting);
        self.written_at = Instant::now();
        let Some(files) = &mut self.files else { return };
        let written = match files.open() {
            Ok(Some(store)) => store.apply(&changes),
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let (Err(error), Some(files)) = (written, self.files.take_if(|_| true)) {
            give_up(files, &error);
        }
    }

    fn note_write(&mut self, id: CustomerId) {
        self.writes += 1;
        self.last_write.insert(id, self.writes);
    }
}

impl Observer for LiveSnapshot {
    fn asking(&self) -> u64 {
        self.state().writes
    }

    fn read(&self, asked: u64, customer: &RemoteCustomer) {
        let whole = customer.tags.is_known() && customer.custom_data.is_known();
        let mut state = self.state();
        let is_older = state
            .last_write
            .get(&customer.id)
            .is_some_and(|write| *write > asked);
        // An answer that leaves something out says less than the entry that is there.
        if whole && !is_older {
            state.take(Change::Put(Box::new(customer.clone())));
        }
    }

    fn written(&self, customer: &RemoteCustomer) {
        let mut state = self.state();
        state.note_write(customer.id);
        state.take(Change::Put(Box::new(customer.clone())));
    }

    fn gone(&self, id: CustomerId) {
        let mut state = self.state();
        state.note_write(id);
        state.take(Change::Remove(id));
    }

    fn in_doubt(&self, id: CustomerId) {
        self.gone(id);
    }

    fn done_with(&self, id: CustomerId) {
        self.state().take(Change::Sure(id));
    }
}
