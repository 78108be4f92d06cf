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
    /// Held to the end, also where there is no snapshot: one that another process made meanwhile would miss what is
    /// written here.
    files: Option<SnapshotFiles>,
    /// It could not be written, and is gone.
    lost: bool,
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
    /// Notes the customers that are going to be written.
    pub fn begin(
        mut files: SnapshotFiles,
        going_to_write: impl IntoIterator<Item = CustomerId>,
    ) -> Self {
        let marked = mark(&mut files, going_to_write);
        let lost = marked.is_err();
        if let Err(error) = &marked {
            give_up(&mut files, error);
        }
        Self(Mutex::new(State {
            files: Some(files),
            lost,
            waiting: Vec::new(),
            written_at: Instant::now(),
            marked: marked.unwrap_or_default(),
            writes: 0,
            last_write: HashMap::new(),
        }))
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
) -> Result<BTreeSet<CustomerId>, SnapshotError> {
    let Some(store) = files.open()? else {
        return Ok(BTreeSet::new());
    };
    let earlier = store.unsure()?;
    let marked: BTreeSet<_> = ids.into_iter().filter(|id| !earlier.contains(id)).collect();
    let changes: Vec<_> = marked.iter().copied().map(Change::Unsure).collect();
    store.apply(&changes)?;
    Ok(marked)
}

/// A snapshot that misses an answer must not be believed.
fn give_up(files: &mut SnapshotFiles, error: &SnapshotError) {
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
        let Some(files) = self.files.as_mut().filter(|_| !self.lost) else {
            return;
        };
        let written = match files.open() {
            Ok(Some(store)) => store.apply(&changes),
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            self.lost = true;
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
        let mut state = self.state();
        let is_older = state
            .last_write
            .get(&customer.id)
            .is_some_and(|write| *write > asked);
        // An answer that leaves something out says less than the entry that is there.
        if customer.is_whole() && !is_older {
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

#[cfg(test)]
mod tests {
    use super::super::super::reading::Reading;
    use super::*;
    use crate::domain::{Field, Known, Value};
    use crate::plan::matching::RemoteLookup;

    fn person(id: u64, name: &str) -> RemoteCustomer {
        let mut customer = RemoteCustomer::unknown(CustomerId(id));
        customer.set_field(Field::Name, Some(Value::Text(name.into())));
        customer.tags = Known::Is(vec![]);
        customer.custom_data = Known::Is(Default::default());
        customer
    }

    fn reading(ids: impl IntoIterator<Item = u64>) -> Reading {
        let mut reading = Reading::new(tempfile::tempfile().unwrap());
        for id in ids {
            reading.put(&person(id, "Before")).unwrap();
        }
        reading
    }

    /// A folder with a snapshot of the customers 1 to 5.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let mut files = SnapshotFiles::claim(folder.path()).unwrap().unwrap();
        let as_of = "2026-11-20T03:12:44Z".parse().unwrap();
        files.replace(as_of, &reading(1..=5)).unwrap();
        folder
    }

    fn begin(folder: &tempfile::TempDir, ids: impl IntoIterator<Item = u64>) -> LiveSnapshot {
        let files = SnapshotFiles::claim(folder.path()).unwrap().unwrap();
        LiveSnapshot::begin(files, ids.into_iter().map(CustomerId))
    }

    /// What a later process knows: names by id.
    fn known(folder: &tempfile::TempDir) -> Vec<(u64, String)> {
        let mut files = SnapshotFiles::claim(folder.path()).unwrap().unwrap();
        let mut kept = reading([]);
        files.open().unwrap().unwrap().load(&mut kept).unwrap();
        let name = |id: CustomerId| {
            let customer = kept.customer(id).unwrap().unwrap();
            let name = customer.value(Field::Name).and_then(Value::as_text);
            (id.0, name.unwrap().to_owned())
        };
        kept.ids().into_iter().map(name).collect()
    }

    fn names(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
        let own = |(id, name): &(u64, &str)| (*id, (*name).to_owned());
        expected.iter().map(own).collect()
    }

    #[test]
    fn a_run_that_ends_leaves_what_it_saw() {
        let folder = folder();
        let live = begin(&folder, [1, 2, 3]);
        live.written(&person(1, "After"));
        live.gone(CustomerId(2));
        live.written(&person(9, "New"));
        live.close();
        let left = [
            (1, "After"),
            (3, "Before"),
            (4, "Before"),
            (5, "Before"),
            (9, "New"),
        ];
        assert_eq!(known(&folder), names(&left));
    }

    #[test]
    fn a_run_that_is_killed_leaves_those_unknown_that_it_was_at() {
        let folder = folder();
        let live = begin(&folder, [1, 2]);
        live.written(&person(1, "After"));
        // Dropped like a process that ends: nothing is written any more.
        drop(live);
        assert_eq!(
            known(&folder),
            names(&[(3, "Before"), (4, "Before"), (5, "Before")])
        );

        let resumed = begin(&folder, [2]);
        resumed.written(&person(2, "After"));
        resumed.done_with(CustomerId(2));
        resumed.close();
        // What the killed run did to the first one is still not known.
        let left = [(2, "After"), (3, "Before"), (4, "Before"), (5, "Before")];
        assert_eq!(known(&folder), names(&left));
    }

    #[test]
    fn a_write_in_doubt_leaves_its_customer_unknown() {
        let folder = folder();
        let live = begin(&folder, [1]);
        live.in_doubt(CustomerId(1));
        live.done_with(CustomerId(1));
        live.close();
        assert_eq!(known(&folder).len(), 4);
    }

    #[test]
    fn what_was_read_before_a_write_does_not_take_its_place() {
        let folder = folder();
        let live = begin(&folder, [1]);
        let asked = live.asking();
        live.written(&person(1, "After"));
        live.read(asked, &person(1, "Overtaken"));
        live.read(asked, &person(2, "Seen"));
        let silent = RemoteCustomer::unknown(CustomerId(3));
        live.read(live.asking(), &silent);
        live.close();
        let left = [
            (1, "After"),
            (2, "Seen"),
            (3, "Before"),
            (4, "Before"),
            (5, "Before"),
        ];
        assert_eq!(known(&folder), names(&left));
    }

    #[test]
    fn the_lock_is_held_also_where_there_is_no_snapshot_to_keep_up() {
        let folder = tempfile::tempdir().unwrap();
        let live = begin(&folder, [1]);
        live.written(&person(1, "After"));
        assert!(SnapshotFiles::claim(folder.path()).unwrap().is_none());
        live.close();
        assert!(SnapshotFiles::claim(folder.path()).unwrap().is_some());
    }
}
