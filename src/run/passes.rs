//! Passes over the rows of the inputs: a thread reads them, several map them, and they are handed
//! over in their order. Nothing is kept in between. Most plans need one pass; what has to know all rows before it can say
//! anything of the first takes one more.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use crate::mapping::Schema;
use crate::plan::fingerprint::Fingerprinter;
use crate::platform::worker_threads;
use crate::source::Record;

use super::intake::{Intake, IntakeError, MappingFigures, Taken, map_record};
use super::rows::RowRecord;

/// A block ends with the row that reaches one of these, so that few rows are held however long they are.
const ROWS: usize = 256;
const BYTES: usize = 1 << 18;

/// Blocks that wait to be used.
const WAITING: usize = 2;

/// How long to wait before looking again whether the run is to stop.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

/// Reads all rows once, and gives them to `consume` in their order, with fingerprints where they are wanted. Between two
/// blocks it asks whether the run is to stop.
///
/// # Errors
/// When the rows cannot be read, `consume` fails, or the run was stopped.
pub(super) fn each_row<E: From<IntakeError>>(
    intake: &Intake<'_>,
    fingerprinter: Option<&Fingerprinter>,
    stopped: &dyn Fn() -> bool,
    mut consume: impl FnMut(RowRecord) -> Result<(), E>,
) -> Result<Taken, E> {
    let given_up = AtomicBool::new(false);
    thread::scope(|scope| {
        let given_up = &given_up;
        // Blocks go round the workers, and are taken from them in the same order.
        let (to_map, mapped): (Vec<_>, Vec<_>) = (0..worker_threads())
            .map(|_| start_worker(scope, fingerprinter))
            .unzip();
        let reading = scope.spawn(move || {
            let mut blocks = Blocks::new(to_map);
            let taken = intake.read(&|| given_up.load(Ordering::Relaxed), |record, schema| {
                blocks.add(record, schema)
            })?;
            blocks.send()?;
            Ok(taken)
        });
        let mut figures = MappingFigures::default();
        let mut consume_all = || {
            for worker in mapped.iter().cycle() {
                let Some(block) = next_block(worker, stopped)? else {
                    break;
                };
                block.rows.into_iter().try_for_each(&mut consume)?;
                figures.add(block.figures);
            }
            Ok(())
        };
        let consumed = consume_all();
        given_up.store(true, Ordering::Relaxed);
        drop(mapped);
        let taken: Result<Taken, IntakeError> = match reading.join() {
            Ok(taken) => taken,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        consumed
            .and(taken.map_err(E::from))
            .map(|taken| Taken { figures, ..taken })
    })
}

/// Waits for the next block. Returns None after the last one.
fn next_block(
    worker: &Receiver<MappedBlock>,
    stopped: &dyn Fn() -> bool,
) -> Result<Option<MappedBlock>, IntakeError> {
    loop {
        if stopped() {
            return Err(IntakeError::Stopped);
        }
        match worker.recv_timeout(PAUSE) {
            Ok(block) => return Ok(Some(block)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
        }
    }
}

/// Records, and the schema to map them by.
struct Block {
    records: Vec<Record>,
    schema: Option<Arc<Schema>>,
}

struct MappedBlock {
    rows: Vec<RowRecord>,
    figures: MappingFigures,
}

/// A thread that maps one block after the other.
fn start_worker<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    fingerprinter: Option<&'scope Fingerprinter>,
) -> (SyncSender<Block>, Receiver<MappedBlock>) {
    let (to_map, blocks) = sync_channel::<Block>(WAITING);
    let (sender, mapped) = sync_channel(WAITING);
    scope.spawn(move || {
        for Block { records, schema } in blocks {
            let Some(schema) = schema else { continue };
            let mut figures = MappingFigures::default();
            let map = |record| {
                let (mut record, _) = map_record(record, &schema, &mut figures);
                let desired = record.desired.as_ref();
                record.fingerprint = desired.and_then(|d| fingerprinter?.of_row(d));
                record
            };
            let rows = records.into_iter().map(map).collect();
            if sender.send(MappedBlock { rows, figures }).is_err() {
                return;
            }
        }
    });
    (to_map, mapped)
}

/// Gathers records into blocks and sends them.
struct Blocks {
    workers: Vec<SyncSender<Block>>,
    next: usize,
    records: Vec<Record>,
    /// That of the last record: those before it mean the same by it.
    schema: Option<Arc<Schema>>,
    bytes: usize,
}

impl Blocks {
    fn new(workers: Vec<SyncSender<Block>>) -> Self {
        Self {
            workers,
            next: 0,
            records: Vec::with_capacity(ROWS),
            schema: None,
            bytes: 0,
        }
    }

    fn add(&mut self, record: Record, schema: &Arc<Schema>) -> Result<(), IntakeError> {
        self.bytes += match &record {
            Record::Row(row) => row.raw.0.len(),
            Record::Bad(bad) => bad.raw.0.len(),
        };
        self.records.push(record);
        if self
            .schema
            .as_ref()
            .is_none_or(|last| !Arc::ptr_eq(last, schema))
        {
            self.schema = Some(Arc::clone(schema));
        }
        if self.records.len() >= ROWS || self.bytes >= BYTES {
            self.send()?;
        }
        Ok(())
    }

    fn send(&mut self) -> io::Result<()> {
        let block = Block {
            records: std::mem::replace(&mut self.records, Vec::with_capacity(ROWS)),
            schema: self.schema.clone(),
        };
        self.bytes = 0;
        let worker = self.workers.get(self.next);
        self.next = (self.next + 1) % self.workers.len().max(1);
        // The receiver is gone once something failed.
        let sent = worker.is_some_and(|worker| worker.send(block).is_ok());
        sent.then_some(())
            .ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Columns, KeyField};
    use crate::mapping::{MappingSettings, Schema};
    use crate::run::intake::survey;
    use crate::source::{InputFile, SourceSettings};

    /// Gives `consume` the rows of a table of `rows` customers, each with a note of `note` characters.
    fn pass(
        rows: usize,
        note: usize,
        stopped: &dyn Fn() -> bool,
        consume: impl FnMut(RowRecord) -> Result<(), IntakeError>,
    ) -> Result<Taken, IntakeError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        let mut text = String::from("userId,notes\n");
        for row in 1..=rows {
            text.push_str(&format!("u{row},{}\n", "x".repeat(note)));
        }
        std::fs::write(&path, text).unwrap();
        let inputs = [InputFile::new("rows.csv", path)];
        let settings = SourceSettings::default();
        let survey = survey(&inputs, &settings).unwrap();
        let columns: Vec<&Columns> = survey.columns.iter().map(AsRef::as_ref).collect();
        let mapping = MappingSettings::default();
        let schema = Schema::new(&mapping, &[KeyField::UserId], &columns).unwrap();
        let intake = Intake {
            inputs: &inputs,
            settings: &settings,
            schema: &schema,
            survey: &survey,
            limit: None,
        };
        each_row(&intake, None, stopped, consume)
    }

    #[test]
    fn all_rows_come_in_their_order() {
        for (rows, note) in [(0, 1), (1, 1), (ROWS, 1), (ROWS * 5 + 1, 1), (7, BYTES)] {
            let mut seen = 0;
            let taken = pass(rows, note, &|| false, |record| {
                seen += 1;
                assert_eq!(record.row.0, seen);
                assert_eq!(record.key.user_id, Some(format!("u{seen}")));
                Ok(())
            });
            assert_eq!((taken.unwrap().rows, seen), (rows as u64, rows as u64));
        }
    }

    #[test]
    fn a_pass_ends_with_its_consumer_and_soon_after_the_run_is_stopped() {
        let mut seen = 0;
        let ended = pass(ROWS * 40, 1, &|| false, |record| {
            seen = record.row.0;
            match seen {
                300 => Err(IntakeError::Changed { name: "x".into() }),
                _ => Ok(()),
            }
        });
        assert!(matches!(ended, Err(IntakeError::Changed { .. })));
        assert_eq!(seen, 300);
        let looks = std::cell::Cell::new(0);
        let stopped = || {
            looks.set(looks.get() + 1);
            looks.get() > 3
        };
        let ended = pass(ROWS * 40, 1, &stopped, |record| {
            seen = record.row.0;
            Ok(())
        });
        assert!(matches!(ended, Err(IntakeError::Stopped)));
        assert!(seen <= 3 * ROWS as u64, "{seen}");
    }
}
