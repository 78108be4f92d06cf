//! Updates the snapshot while a run writes.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::{CustomerId, RemoteCustomer};
use crate::helpcrunch::Observer;

use super::changes::EntryChange;
use super::live_writer::LiveWriter;
use super::{SnapshotError, SnapshotFiles};

/// Changes are collected for this long or up to this number, since every transaction waits for the disk and packs each block
/// anew that it touches.
const MAX_WAIT: Duration = Duration::from_secs(1);
const MAX_PENDING: usize = 4096;

/// A snapshot that is notified of every answer.
///
/// Before the first write, all customers that the run is going to write are marked as unsure. Each is sure again once
/// its last answer is stored. So a process that is killed leaves no outdated entry that looks current: unsure customers
/// are treated as unknown and looked up.
#[derive(Debug)]
pub struct LiveSnapshot(Mutex<LiveState>);

#[derive(Debug)]
struct LiveState {
    /// `None` once closed. The files are locked until then even without a snapshot, since one that another process created in
    /// the meantime would miss this run's writes.
    writer: Option<LiveWriter>,
    pending: Vec<EntryChange>,
    written_at: Instant,
    /// Marked as unsure by this process, not by an earlier one.
    marked: BTreeSet<CustomerId>,
    /// Number of writes answered so far.
    writes: u64,
    /// The number of each customer's last write. A reading from before that is older than the entry.
    last_write: HashMap<CustomerId, u64>,
}

impl LiveSnapshot {
    /// Marks the customers that are going to be written.
    pub fn begin(
        mut files: SnapshotFiles,
        going_to_write: impl IntoIterator<Item = CustomerId>,
    ) -> Self {
        let marked = mark(&mut files, going_to_write);
        Self(Mutex::new(LiveState {
            writer: Some(LiveWriter::start(files, marked.as_ref().err())),
            pending: Vec::new(),
            written_at: Instant::now(),
            marked: marked.unwrap_or_default(),
            writes: 0,
            last_write: HashMap::new(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, LiveState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the updates after the last answer. Marked customers that were not written are sure again.
    pub fn close(&self) {
        let mut state = self.state();
        let marked = std::mem::take(&mut state.marked);
        let sure = marked.into_iter().map(EntryChange::Sure);
        state.pending.extend(sure);
        state.flush();
        state.writer = None;
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
    let changes: Vec<_> = marked.iter().copied().map(EntryChange::Unsure).collect();
    store.apply(&changes)?;
    Ok(marked)
}

impl LiveState {
    fn add(&mut self, change: EntryChange) {
        self.pending.push(change);
        if self.pending.len() >= MAX_PENDING || self.written_at.elapsed() >= MAX_WAIT {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let changes = std::mem::take(&mut self.pending);
        self.written_at = Instant::now();
        if let Some(writer) = &self.writer {
            writer.write(changes);
        }
    }

    fn note_write(&mut self, id: CustomerId) {
        self.writes += 1;
        self.last_write.insert(id, self.writes);
    }
}

impl Observer for LiveSnapshot {
    fn begin_read(&self) -> u64 {
        self.state().writes
    }

    fn read(&self, asked: u64, customer: &RemoteCustomer) {
        let mut state = self.state();
        let is_older = state
            .last_write
            .get(&customer.id)
            .is_some_and(|write| *write > asked);
        // An incomplete answer would replace an entry that knows more.
        if customer.is_complete() && !is_older {
            state.add(EntryChange::Put(Box::new(customer.clone())));
        }
    }

    fn written(&self, customer: &RemoteCustomer) {
        let put = EntryChange::Put(Box::new(customer.clone()));
        let mut state = self.state();
        state.note_write(customer.id);
        state.add(put);
    }

    fn gone(&self, id: CustomerId) {
        let mut state = self.state();
        state.note_write(id);
        state.add(EntryChange::Remove(id));
    }

    fn in_doubt(&self, id: CustomerId) {
        self.gone(id);
    }

    fn done_with(&self, id: CustomerId) {
        self.state().add(EntryChange::Sure(id));
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::reading::Reading;
    use super::*;
    use crate::domain::{Field, Reported, Value};
    use crate::plan::matching::RemoteLookup;

    fn person(id: u64, name: &str) -> RemoteCustomer {
        let mut customer = RemoteCustomer::unknown(CustomerId(id));
        customer.set_field(Field::Name, Some(Value::Text(name.into())));
        customer.tags = Reported::Value(vec![]);
        customer.custom_data = Reported::Value(Default::default());
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

    /// Ids and names that a later process loads.
    fn stored(folder: &tempfile::TempDir) -> Vec<(u64, String)> {
        let mut files = SnapshotFiles::claim(folder.path()).unwrap().unwrap();
        let mut stored = reading([]);
        files.open().unwrap().unwrap().load(&mut stored).unwrap();
        let name = |id: CustomerId| {
            let customer = stored.customer(id).unwrap().unwrap();
            let name = customer.value(Field::Name).and_then(Value::as_text);
            (id.0, name.unwrap().to_owned())
        };
        stored.ids().unwrap().into_iter().map(name).collect()
    }

    fn names(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
        let own = |(id, name): &(u64, &str)| (*id, (*name).to_owned());
        expected.iter().map(own).collect()
    }

    #[test]
    fn a_run_that_ends_stores_what_it_saw() {
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
        assert_eq!(stored(&folder), names(&left));
    }

    #[test]
    fn a_run_that_is_killed_leaves_its_customers_unknown() {
        let folder = folder();
        let live = begin(&folder, [1, 2]);
        live.written(&person(1, "After"));
        // Dropped without closing, like a process that is killed.
        drop(live);
        assert_eq!(
            stored(&folder),
            names(&[(3, "Before"), (4, "Before"), (5, "Before")])
        );

        let resumed = begin(&folder, [2]);
        resumed.written(&person(2, "After"));
        resumed.done_with(CustomerId(2));
        resumed.close();
        // It is still unknown what the killed run did to customer 1.
        let left = [(2, "After"), (3, "Before"), (4, "Before"), (5, "Before")];
        assert_eq!(stored(&folder), names(&left));
    }

    #[test]
    fn a_write_in_doubt_leaves_its_customer_unknown() {
        let folder = folder();
        let live = begin(&folder, [1]);
        live.in_doubt(CustomerId(1));
        live.done_with(CustomerId(1));
        live.close();
        assert_eq!(stored(&folder).len(), 4);
    }

    #[test]
    fn a_reading_from_before_a_write_does_not_replace_it() {
        let folder = folder();
        let live = begin(&folder, [1]);
        let asked = live.begin_read();
        live.written(&person(1, "After"));
        live.read(asked, &person(1, "Overtaken"));
        live.read(asked, &person(2, "Seen"));
        let incomplete = RemoteCustomer::unknown(CustomerId(3));
        live.read(live.begin_read(), &incomplete);
        live.close();
        let left = [
            (1, "After"),
            (2, "Seen"),
            (3, "Before"),
            (4, "Before"),
            (5, "Before"),
        ];
        assert_eq!(stored(&folder), names(&left));
    }

    #[test]
    fn the_lock_is_held_even_without_a_snapshot() {
        let folder = tempfile::tempdir().unwrap();
        let live = begin(&folder, [1]);
        live.written(&person(1, "After"));
        assert!(SnapshotFiles::claim(folder.path()).unwrap().is_none());
        live.close();
        assert!(SnapshotFiles::claim(folder.path()).unwrap().is_some());
    }
}
