//! Passes over the rows of the inputs: a thread reads and maps them, and hands them over while the next ones are read.
//! Nothing is kept in between. Most plans need one pass; what has to know all rows before it can say anything of the
//! first takes one more.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use crate::mapping::BlamedCell;

use super::intake::{Intake, IntakeError, RowSink, Taken};
use super::rows::{Raw, RowRecord};

/// A block ends with the row that reaches one of these, so that few rows are held however long they are.
const ROWS: usize = 256;
const BYTES: usize = 1 << 18;

/// Blocks that wait to be used.
const WAITING: usize = 2;

/// How long to wait before looking again whether the run is to stop.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

/// Reads all rows once, and gives them to `consume` in their order. Between two blocks it asks whether the run is to
/// stop.
///
/// # Errors
/// When the rows cannot be read, `consume` fails, or the run was stopped.
pub(super) fn each_row<E: From<IntakeError>>(
    intake: &Intake<'_>,
    stopped: &dyn Fn() -> bool,
    mut consume: impl FnMut(RowRecord) -> Result<(), E>,
) -> Result<Taken, E> {
    let given_up = AtomicBool::new(false);
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(WAITING);
        let given_up = &given_up;
        let reading = scope.spawn(move || {
            let mut blocks = Blocks::new(sender);
            let taken = intake.take(&mut blocks, &|| given_up.load(Ordering::Relaxed))?;
            blocks.send()?;
            Ok(taken)
        });
        let mut consume_all = || loop {
            if stopped() {
                return Err(IntakeError::Stopped.into());
            }
            match receiver.recv_timeout(PAUSE) {
                Ok(block) => block.into_iter().try_for_each(&mut consume)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        };
        let consumed = consume_all();
        given_up.store(true, Ordering::Relaxed);
        drop(receiver);
        let taken: Result<Taken, IntakeError> = match reading.join() {
            Ok(taken) => taken,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        consumed.and(taken.map_err(E::from))
    })
}

/// Gathers rows into blocks and sends them.
struct Blocks {
    sender: SyncSender<Vec<RowRecord>>,
    block: Vec<RowRecord>,
    bytes: usize,
}

impl Blocks {
    fn new(sender: SyncSender<Vec<RowRecord>>) -> Self {
        Self {
            sender,
            block: Vec::with_capacity(ROWS),
            bytes: 0,
        }
    }

    fn send(&mut self) -> io::Result<()> {
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(ROWS));
        self.bytes = 0;
        // The receiver is gone once something failed.
        let sent = self.sender.send(block);
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl RowSink for Blocks {
    fn take(&mut self, record: RowRecord, _: Vec<BlamedCell>) -> io::Result<()> {
        self.bytes += match &record.raw {
            Some(Raw::Text(text) | Raw::Base64(text)) => text.len(),
            None => 0,
        };
        self.block.push(record);
        if self.block.len() >= ROWS || self.bytes >= BYTES {
            self.send()?;
        }
        Ok(())
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
            gathers_keys: false,
        };
        each_row(&intake, stopped, consume)
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
