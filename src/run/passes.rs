//! Passes over the rows of the inputs: a thread reads them, several map them, and they are consumed in their order. Nothing
//! is kept in between. Most plans need one pass; what needs all rows before it can decide the first takes one more.

mod block;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use crate::domain::RowKey;
use crate::mapping::{Schema, UnitSurvey};
use crate::platform::map_in_order;
use crate::source::Record;

use super::intake::{Intake, IntakeError, MappingFigures, Taken};
use super::rows::RowRecord;

pub(super) use block::{Block, PassedRow, Proofs, ProvedRow};
use block::{map_block, map_keys};

/// A block ends with the row that reaches one of these, so that few rows are held however long they are.
const ROWS: usize = 256;
const BYTES: usize = 1 << 18;

/// Blocks that wait to be mapped.
const WAITING: usize = 2;

/// How long to wait before looking again whether the run is to stop.
const PAUSE: Duration = Duration::from_millis(20);

/// Reads all rows once, and gives the record of each to `consume` in their order. Between two blocks it asks whether the run
/// is to stop.
///
/// # Errors
/// When the rows cannot be read, `consume` fails, or the run was stopped.
pub fn each_row<E: From<IntakeError>>(
    intake: &Intake<'_>,
    stopped: &dyn Fn() -> bool,
    mut consume: impl FnMut(RowRecord) -> Result<(), E>,
) -> Result<Taken, E> {
    each_compared_row(intake, None, stopped, |row, schema| {
        consume(row.into_record(schema).0)
    })
}

/// Reads all rows once, and gives the keys of the good ones to `consume` in their order.
///
/// # Errors
/// As [`each_row`].
pub(super) fn each_key<E: From<IntakeError>>(
    intake: &Intake<'_>,
    stopped: &dyn Fn() -> bool,
    mut consume: impl FnMut(RowKey) -> Result<(), E>,
) -> Result<Taken, E> {
    let mut units = UnitSurvey::default();
    let taken = each_block(intake, stopped, map_keys, |(keys, of_block)| {
        units.join(&of_block);
        keys.into_iter().try_for_each(&mut consume)
    })?;
    Ok(Taken { units, ..taken })
}

/// The same as [`each_row`], with rows that are proved to need nothing as [`PassedRow::Proved`], and the schema that maps them.
///
/// # Errors
/// As [`each_row`].
pub(super) fn each_compared_row<E: From<IntakeError>>(
    intake: &Intake<'_>,
    proofs: Option<Proofs<'_>>,
    stopped: &dyn Fn() -> bool,
    mut consume: impl FnMut(PassedRow, &Schema) -> Result<(), E>,
) -> Result<Taken, E> {
    let mut figures = MappingFigures::default();
    let mut units = UnitSurvey::default();
    let map = |block| map_block(block, proofs);
    let taken = each_block(intake, stopped, map, |block| {
        figures.add(block.figures);
        units.join(&block.units);
        let mut rows = block.rows.into_iter();
        rows.try_for_each(|row| consume(row, &block.schema))
    })?;
    Ok(Taken {
        figures,
        units,
        ..taken
    })
}

/// Reads all rows once in blocks, maps these on several threads, and gives the results to `consume` in their order.
///
/// # Errors
/// As [`each_row`].
pub(super) fn each_block<T: Send, E: From<IntakeError>>(
    intake: &Intake<'_>,
    stopped: &dyn Fn() -> bool,
    map: impl Fn(Block) -> T + Sync,
    consume: impl FnMut(T) -> Result<(), E>,
) -> Result<Taken, E> {
    let given_up = AtomicBool::new(false);
    thread::scope(|scope| {
        let given_up = &given_up;
        let (sender, blocks) = sync_channel(WAITING);
        let reading = scope.spawn(move || {
            let mut blocks = Blocks::new(sender);
            let taken = intake.read(&|| given_up.load(Ordering::Relaxed), |record, schema| {
                blocks.add(record, schema)
            })?;
            blocks.send()?;
            Ok(taken)
        });
        let consumed = map_in_order(|| Ok(next_block(&blocks, stopped)?), map, consume);
        // The reader may be waiting to send a block, or surveying units.
        given_up.store(true, Ordering::Relaxed);
        drop(blocks);
        let taken: Result<Taken, IntakeError> = match reading.join() {
            Ok(taken) => taken,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        consumed.and(taken.map_err(E::from))
    })
}

/// Waits for the next block. Returns `None` after the last one.
fn next_block(
    blocks: &Receiver<Block>,
    stopped: &dyn Fn() -> bool,
) -> Result<Option<Block>, IntakeError> {
    loop {
        if stopped() {
            return Err(IntakeError::Stopped);
        }
        match blocks.recv_timeout(PAUSE) {
            Ok(block) => return Ok(Some(block)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
        }
    }
}

/// Gathers records into blocks and sends them.
struct Blocks {
    blocks: SyncSender<Block>,
    records: Vec<Record>,
    /// That of the last record: it maps those before it in the same way.
    schema: Option<Arc<Schema>>,
    bytes: usize,
}

impl Blocks {
    fn new(blocks: SyncSender<Block>) -> Self {
        Self {
            blocks,
            records: Vec::with_capacity(ROWS),
            schema: None,
            bytes: 0,
        }
    }

    fn add(&mut self, record: Record, schema: &Arc<Schema>) -> Result<(), IntakeError> {
        self.bytes += match &record {
            Record::Row(row) => row.raw().len(),
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
        let Some(schema) = self.schema.clone() else {
            return Ok(());
        };
        let records = std::mem::replace(&mut self.records, Vec::with_capacity(ROWS));
        self.bytes = 0;
        // The receiver is gone once something failed.
        let sent = self.blocks.send(Block { records, schema });
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Columns, KeyField};
    use crate::mapping::{MappingSettings, Schema};
    use crate::run::intake::survey;
    use crate::run::rows::Verdict;
    use crate::source::{InputFile, SourceSettings};

    /// Gives `consume` the rows of a table of `rows` customers, each with a note of `note` characters.
    fn pass(
        rows: usize,
        note: usize,
        stopped: &dyn Fn() -> bool,
        consume: impl FnMut(RowRecord) -> Result<(), IntakeError>,
    ) -> Result<Taken, IntakeError> {
        let mut text = String::from("userId,notes\n");
        for row in 1..=rows {
            text.push_str(&format!("u{row},{}\n", "x".repeat(note)));
        }
        with_intake(&text, |intake| each_row(intake, stopped, consume))
    }

    fn with_intake<T>(table: &str, act: impl FnOnce(&Intake<'_>) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        std::fs::write(&path, table).unwrap();
        let inputs = [InputFile::new("rows.csv", path)];
        let settings = SourceSettings::default();
        let survey = survey(&inputs, &settings).unwrap();
        let columns: Vec<&Columns> = survey.columns.iter().map(AsRef::as_ref).collect();
        let mapping = MappingSettings::default();
        let schema = Schema::new(&mapping, &[KeyField::UserId], &columns).unwrap();
        act(&Intake {
            inputs: &inputs,
            settings: &settings,
            schema: &schema,
            survey: &survey,
            limit: None,
        })
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
    fn the_keys_are_those_of_the_good_rows() {
        let table = "userId,email\nu1,a@x.org\n,\nu2,no address\nu3\n,b@x.org\nu4,\n";
        let (mut keys, mut expected) = (Vec::new(), Vec::new());
        let keep = |key| -> Result<(), IntakeError> {
            keys.push(key);
            Ok(())
        };
        let taken = with_intake(table, |intake| each_key(intake, &|| false, keep)).unwrap();
        let of_rows = with_intake(table, |intake| {
            each_row(intake, &|| false, |record| -> Result<(), IntakeError> {
                expected.extend((record.verdict == Verdict::Read).then_some(record.key));
                Ok(())
            })
        });
        assert_eq!(keys, expected);
        let user_ids = keys.iter().map(|key| key.user_id.as_deref());
        assert!(user_ids.eq([Some("u1"), Some("u4")]));
        assert_eq!((taken.rows, taken.inputs), (5, of_rows.unwrap().inputs));
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
