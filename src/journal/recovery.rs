use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::frame::{self, Frame};
use super::progress::RowProgress;
use super::{Begin, Entry, FinishedRow, JOURNAL_VERSION};
use crate::domain::RowNumber;
use crate::outcome::RowStatus;
use crate::platform::{self, FileAction, FileError};

/// Why a journal cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    #[error(transparent)]
    File(#[from] FileError),
    /// Not even its first record is whole. As hcsync leaves it, nothing was sent under it.
    #[error("the journal `{}` holds no whole record, so it cannot say what was sent; sync the same input anew", path.display())]
    Empty { path: PathBuf },
    #[error(
        "the journal `{}` was written by a newer version of hcsync (journal version {found}, this one knows {known}); go on with that version",
        path.display()
    )]
    Newer {
        path: PathBuf,
        found: u64,
        known: u32,
    },
    /// A record that had been brought to the disk is not what it was.
    #[error(
        "the journal `{}` is damaged at byte {offset} (line {line}) and later records follow, so it cannot say what was sent; \
         restore the file from a copy and resume, or sync the same input anew, which reads every customer again",
        path.display()
    )]
    Damaged {
        path: PathBuf,
        offset: u64,
        line: u64,
    },
    /// A whole record that this version cannot read.
    #[error(
        "the journal `{}` holds at byte {offset} (line {line}) a record that this version of hcsync does not know; go on with the version that wrote it",
        path.display()
    )]
    Unknown {
        path: PathBuf,
        offset: u64,
        line: u64,
        source: serde_json::Error,
    },
    #[error(
        "the journal `{}` does not have its `begin` record first and once (byte {offset}, line {line}); it was not written by hcsync as it stands",
        path.display()
    )]
    Misplaced {
        path: PathBuf,
        offset: u64,
        line: u64,
    },
}

/// What stood after the last whole record: a write that a crash cut short, of which nobody had been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TornTail {
    pub offset: u64,
    pub bytes: u64,
}

/// What the journal says of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RowState<'a> {
    /// Nothing: it was not begun.
    Untouched,
    Unfinished(&'a RowProgress),
    /// Its [`FinishedRow`] is to be had from [`FinishedRows`](super::FinishedRows).
    Finished,
}

/// What a journal adds up to.
///
/// Only rows that are unfinished keep their details in memory; a finished one keeps 16 bytes, the place of its
/// record.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovered {
    pub begin: Begin,
    /// Rows that have records but no end.
    pub unfinished: BTreeMap<RowNumber, RowProgress>,
    /// Finished rows of which nobody knows whether their create took.
    pub left_in_doubt: BTreeSet<RowNumber>,
    pub facts: BTreeMap<String, serde_json::Value>,
    /// How often the run was taken up again.
    pub resumes: u32,
    pub torn: Option<TornTail>,
    /// Bytes of whole records; appending goes on from here.
    pub valid_len: u64,
    /// Sorted by row, each row once.
    finished: Vec<(RowNumber, u64)>,
    /// Likewise, of rows that were planned anew.
    replanned: Vec<(RowNumber, u64)>,
    /// Likewise, of rows of which other values were kept than were sent.
    kept: Vec<(RowNumber, u64)>,
}

impl Recovered {
    #[must_use]
    pub fn row(&self, row: RowNumber) -> RowState<'_> {
        match self.unfinished.get(&row) {
            Some(progress) => RowState::Unfinished(progress),
            None if self.finished_at(row).is_some() => RowState::Finished,
            None => RowState::Untouched,
        }
    }

    /// Rows of which a create may have been sent and nothing came back; look for their customers first.
    pub fn in_doubt(&self) -> impl Iterator<Item = (RowNumber, &RowProgress)> {
        let unfinished = self.unfinished.iter();
        unfinished
            .filter(|(_, progress)| progress.create_in_doubt())
            .map(|(row, progress)| (*row, progress))
    }

    #[must_use]
    pub fn finished_rows(&self) -> usize {
        self.finished.len()
    }

    /// Byte offset of the row's finishing record.
    pub(super) fn finished_at(&self, row: RowNumber) -> Option<u64> {
        offset_of(&self.finished, row)
    }

    /// Whether the row was finished by a record from this byte of the journal on.
    #[must_use]
    pub fn was_finished_since(&self, row: RowNumber, byte: u64) -> bool {
        self.finished_at(row).is_some_and(|offset| offset >= byte)
    }

    /// Byte offset of the record with which the row was planned anew for the last time.
    pub(super) fn replanned_at(&self, row: RowNumber) -> Option<u64> {
        offset_of(&self.replanned, row)
    }

    pub(super) fn kept_at(&self, row: RowNumber) -> Option<u64> {
        offset_of(&self.kept, row)
    }

    fn new(begin: Begin) -> Self {
        Self {
            begin,
            unfinished: BTreeMap::new(),
            left_in_doubt: BTreeSet::new(),
            facts: BTreeMap::new(),
            resumes: 0,
            torn: None,
            valid_len: 0,
            finished: Vec::new(),
            replanned: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// Takes in the next record; gives back a `begin`, which has no place here.
    fn replay(&mut self, entry: Entry, offset: u64) -> Result<(), Begin> {
        match entry {
            Entry::Begin(begin) => return Err(begin),
            Entry::Intent(intent) => self.progress(intent.row).begin(intent),
            Entry::Outcome(outcome) => self.progress(outcome.row).end(outcome),
            Entry::Settled(settled) => self.progress(settled.row).settle(&settled),
            Entry::Replanned(new) => {
                self.replanned.push((new.row, offset));
                self.progress(new.row).replanned = Some(new.payload);
            }
            Entry::Kept(kept) => self.kept.push((kept.row, offset)),
            Entry::Row(row) => self.finish(&row, offset),
            Entry::Fact(fact) => {
                self.facts.insert(fact.name, fact.value);
            }
            Entry::Resumed { .. } => self.resumes += 1,
            // How a run ended is in `run.json`; here it is for who reads the journal.
            Entry::Stopped { .. } => {}
        }
        Ok(())
    }

    fn progress(&mut self, row: RowNumber) -> &mut RowProgress {
        self.unfinished.entry(row).or_default()
    }

    fn finish(&mut self, row: &FinishedRow, offset: u64) {
        match row.status {
            RowStatus::Pending => return,
            RowStatus::InDoubt => self.left_in_doubt.insert(row.row),
            _ => self.left_in_doubt.remove(&row.row),
        };
        self.unfinished.remove(&row.row);
        self.finished.push((row.row, offset));
    }

    /// Of a row that was finished twice (a doubt that a later session settled) the last record holds.
    fn sort(&mut self) {
        for places in [&mut self.finished, &mut self.replanned, &mut self.kept] {
            places.sort_unstable_by_key(|(row, offset)| (*row, std::cmp::Reverse(*offset)));
            places.dedup_by_key(|(row, _)| *row);
            places.shrink_to_fit();
        }
    }
}

fn offset_of(places: &[(RowNumber, u64)], row: RowNumber) -> Option<u64> {
    let found = places.binary_search_by_key(&row, |(row, _)| *row);
    let place = found.ok().and_then(|index| places.get(index));
    place.map(|(_, offset)| *offset)
}

/// Reads the journal at `path` to its last whole record.
///
/// # Errors
/// See [`recover`].
pub fn recover_file(path: &Path) -> Result<Recovered, RecoveryError> {
    let file = platform::open_file(path)?;
    recover(BufReader::with_capacity(1 << 18, file), path)
}

/// Reads a journal to its last whole record. `path` is for the errors.
///
/// A crash leaves the end of the last write in any state: cut, or, after a power cut, with holes of zeros before
/// parts that reached the disk. Such a tail was never acknowledged and is dropped. Damage that later records
/// prove to lie in what had been synced is an error.
///
/// # Errors
/// Where the journal cannot be read, holds no whole record, is damaged before its end, or is newer than this
/// program.
pub fn recover(input: impl BufRead, path: &Path) -> Result<Recovered, RecoveryError> {
    let mut lines = Lines::new(input, path);
    let mut recovered = first_record(&mut lines)?;
    while lines.next()? {
        let Some(entry) = lines.entry()? else {
            recovered.torn = Some(torn_tail(&mut lines)?);
            break;
        };
        recovered
            .replay(entry, lines.offset)
            .map_err(|_| lines.misplaced())?;
        recovered.valid_len = lines.end();
    }
    recovered.sort();
    Ok(recovered)
}

fn first_record<R: BufRead>(lines: &mut Lines<'_, R>) -> Result<Recovered, RecoveryError> {
    let empty = RecoveryError::Empty {
        path: lines.path.to_owned(),
    };
    if !lines.next()? {
        return Err(empty);
    }
    let Some(frame) = frame::decode(&lines.line) else {
        torn_tail(lines)?;
        return Err(empty);
    };
    if let Some(found) = newer_version(frame.body) {
        return Err(RecoveryError::Newer {
            path: lines.path.to_owned(),
            found,
            known: JOURNAL_VERSION,
        });
    }
    match lines.entry()? {
        Some(Entry::Begin(begin)) => {
            let mut recovered = Recovered::new(begin);
            recovered.valid_len = lines.end();
            Ok(recovered)
        }
        _ => Err(lines.misplaced()),
    }
}

/// The version of a journal that this program is too old for: read before anything else of it.
fn newer_version(body: &[u8]) -> Option<u64> {
    let begin: serde_json::Value = serde_json::from_slice(body).ok()?;
    let version = begin.get("version")?.as_u64()?;
    (version > u64::from(JOURNAL_VERSION)).then_some(version)
}

/// Reads from a damaged line to the end, to tell an unfinished write from damage.
///
/// It is damage where a later record was written when that line had already been synced. It is damage, too,
/// where later records are whole and no bad line holds a zero byte: then it was not lost by a power cut, which
/// leaves zeros, but changed.
fn torn_tail<R: BufRead>(lines: &mut Lines<'_, R>) -> Result<TornTail, RecoveryError> {
    let (offset, line) = (lines.offset, lines.number);
    let mut holes = false;
    let mut whole_after = false;
    let mut proven = false;
    loop {
        let whole = frame::decode(&lines.line);
        holes |= whole.is_none() && lines.line.contains(&0);
        if let Some(Frame { synced, .. }) = whole.or_else(|| frame::decode_tail(&lines.line)) {
            whole_after = true;
            proven |= synced > offset;
        }
        if !lines.next()? {
            break;
        }
    }
    if proven || (whole_after && !holes) {
        let path = lines.path.to_owned();
        return Err(RecoveryError::Damaged { path, offset, line });
    }
    let bytes = lines.end() - offset;
    Ok(TornTail { offset, bytes })
}

/// The lines of a journal, with their places.
struct Lines<'a, R> {
    input: R,
    path: &'a Path,
    /// The current line with its newline; without one where the file ends in it.
    line: Vec<u8>,
    /// Where it begins.
    offset: u64,
    /// Its number, from 1.
    number: u64,
}

impl<'a, R: BufRead> Lines<'a, R> {
    fn new(input: R, path: &'a Path) -> Self {
        Self {
            input,
            path,
            line: Vec::new(),
            offset: 0,
            number: 0,
        }
    }

    /// Goes on to the next line; false at the end.
    fn next(&mut self) -> Result<bool, RecoveryError> {
        self.offset = self.end();
        self.line.clear();
        let read = self.input.read_until(b'\n', &mut self.line);
        let read = read.map_err(|error| FileError::new(FileAction::Read, self.path, error))?;
        self.number += u64::from(read > 0);
        Ok(read > 0)
    }

    /// Where the current line ends.
    fn end(&self) -> u64 {
        self.offset + self.line.len() as u64
    }

    /// The current line's record; nothing where the line is not whole.
    fn entry(&self) -> Result<Option<Entry>, RecoveryError> {
        let Some(frame) = frame::decode(&self.line) else {
            return Ok(None);
        };
        let entry = serde_json::from_slice(frame.body);
        entry.map(Some).map_err(|source| RecoveryError::Unknown {
            path: self.path.to_owned(),
            offset: self.offset,
            line: self.number,
            source,
        })
    }

    fn misplaced(&self) -> RecoveryError {
        RecoveryError::Misplaced {
            path: self.path.to_owned(),
            offset: self.offset,
            line: self.number,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::domain::{CustomerId, RunId};
    use crate::journal::{FinishedRows, Intent, Outcome, Replanned, Settled};
    use crate::outcome::{OperationResult, OperationStatus};
    use crate::plan::OperationKind;

    const NOW: &str = "2026-11-20T03:12:44Z";

    fn begin() -> Entry {
        Entry::Begin(Begin {
            version: JOURNAL_VERSION,
            run_id: RunId::new("r1").unwrap(),
            account: String::from("acc"),
            plan_digest: String::from("d"),
        })
    }

    fn intent(row: u64) -> Entry {
        Entry::Intent(Intent {
            row: RowNumber(row),
            op: OperationKind::Create,
            at: NOW.into(),
        })
    }

    fn outcome(row: u64, status: OperationStatus, customer: Option<u64>) -> Entry {
        Entry::Outcome(Outcome {
            row: RowNumber(row),
            customer_id: customer.map(CustomerId),
            operation: OperationResult {
                op: OperationKind::Create,
                fields: vec![String::from("name")],
                tags: vec![],
                status,
                attempts: 1,
                http_status: None,
                at: None,
            },
            error: None,
        })
    }

    fn finished(row: u64, status: RowStatus) -> Entry {
        Entry::Row(FinishedRow {
            row: RowNumber(row),
            status,
            customer_id: None,
            operations: vec![],
            error: None,
            warnings: vec![],
        })
    }

    /// Each record synced before the next is written.
    fn one_by_one(entries: &[Entry]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for entry in entries {
            push(&mut bytes, entry, None);
        }
        bytes
    }

    fn push(bytes: &mut Vec<u8>, entry: &Entry, synced: Option<u64>) {
        let body = serde_json::to_vec(entry).unwrap();
        let synced = synced.unwrap_or(bytes.len() as u64);
        frame::encode(
            Frame {
                synced,
                body: &body,
            },
            bytes,
        );
    }

    /// All records in one group, after a synced `begin`.
    fn one_group(entries: &[Entry]) -> Vec<u8> {
        let mut bytes = one_by_one(&[begin()]);
        let synced = bytes.len() as u64;
        for entry in entries {
            push(&mut bytes, entry, Some(synced));
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Recovered, RecoveryError> {
        recover(bytes, Path::new("journal.jsonl"))
    }

    fn line_starts(bytes: &[u8]) -> Vec<usize> {
        let after = |(at, byte): (usize, &u8)| (*byte == b'\n').then_some(at + 1);
        std::iter::once(0)
            .chain(bytes.iter().enumerate().filter_map(after))
            .collect()
    }

    #[test]
    fn a_journal_cut_at_any_byte_holds_its_whole_records() {
        let entries = [
            begin(),
            intent(1),
            outcome(1, OperationStatus::Done, Some(9)),
            intent(2),
        ];
        let bytes = one_by_one(&entries);
        let starts = line_starts(&bytes);
        for cut in 0..=bytes.len() {
            let whole = starts.iter().filter(|start| **start <= cut).count() - 1;
            let read = read(&bytes[..cut]);
            if whole == 0 {
                assert!(matches!(read, Err(RecoveryError::Empty { .. })), "{cut}");
                continue;
            }
            let read = read.unwrap();
            assert_eq!(read.valid_len, starts[whole] as u64, "{cut}");
            let torn = cut - starts[whole];
            assert_eq!(read.torn.map_or(0, |t| t.bytes), torn as u64, "{cut}");
            let created = read
                .unfinished
                .get(&RowNumber(1))
                .and_then(|p| p.customer_id);
            assert_eq!(created.is_some(), whole >= 3, "{cut}");
            assert_eq!(
                read.row(RowNumber(2)) == RowState::Untouched,
                whole < 4,
                "{cut}"
            );
        }
    }

    #[test]
    fn a_record_changed_at_any_byte_before_the_last_is_refused_with_its_place() {
        let bytes = one_by_one(&[begin(), intent(1), intent(2), intent(3)]);
        let starts = line_starts(&bytes);
        for at in starts[1]..starts[3] {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x20;
            let error = read(&bytes).unwrap_err();
            let RecoveryError::Damaged { offset, line, .. } = error else {
                panic!("{at}: {error:?}");
            };
            let index = if at < starts[2] { 1 } else { 2 };
            assert_eq!((offset, line), (starts[index] as u64, index as u64 + 1));
        }
    }

    #[test]
    fn damage_in_the_last_group_is_a_power_cut_only_where_it_left_zeros() {
        let bytes = one_group(&[intent(1), intent(2), intent(3)]);
        let starts = line_starts(&bytes);
        let mut changed = bytes.clone();
        changed[starts[2] + 30] ^= 1;
        assert!(matches!(
            read(&changed),
            Err(RecoveryError::Damaged { line: 3, .. })
        ));

        let mut holes = bytes;
        holes[starts[2]..starts[2] + 30].fill(0);
        let read = read(&holes).unwrap();
        assert_eq!(read.valid_len, starts[2] as u64);
        assert_eq!(read.unfinished.len(), 1);
    }

    #[test]
    fn zeros_in_what_had_been_synced_are_damage() {
        let mut bytes = one_by_one(&[begin(), intent(1), intent(2)]);
        let starts = line_starts(&bytes);
        bytes[starts[1]..starts[1] + 30].fill(0);
        assert!(matches!(
            read(&bytes),
            Err(RecoveryError::Damaged { line: 2, .. })
        ));
    }

    #[test]
    fn newer_versions_and_unknown_kinds_are_refused() {
        let raw = |body: &str| {
            let mut bytes = Vec::new();
            frame::encode(
                Frame {
                    synced: 0,
                    body: body.as_bytes(),
                },
                &mut bytes,
            );
            bytes
        };
        let newer = raw(r#"{"kind":"begin","version":2,"run":{"id":"x"}}"#);
        assert!(matches!(
            read(&newer),
            Err(RecoveryError::Newer { found: 2, .. })
        ));
        let unknown = [one_by_one(&[begin()]), raw(r#"{"kind":"novelty"}"#)].concat();
        assert!(matches!(
            read(&unknown),
            Err(RecoveryError::Unknown { line: 2, .. })
        ));
        let headless = one_by_one(&[intent(1)]);
        assert!(matches!(
            read(&headless),
            Err(RecoveryError::Misplaced { line: 1, .. })
        ));
        let twice = one_by_one(&[begin(), begin()]);
        assert!(matches!(
            read(&twice),
            Err(RecoveryError::Misplaced { line: 2, .. })
        ));
    }

    fn progress(entries: &[Entry]) -> RowProgress {
        let bytes = [one_by_one(&[begin()]), one_by_one(entries)].concat();
        read(&bytes)
            .unwrap()
            .unfinished
            .remove(&RowNumber(1))
            .unwrap()
    }

    #[test]
    fn an_intent_is_in_doubt_until_something_is_known() {
        assert!(progress(&[intent(1)]).create_in_doubt());
        assert!(
            progress(&[intent(1), outcome(1, OperationStatus::InDoubt, None)]).create_in_doubt()
        );
        for status in [OperationStatus::Done, OperationStatus::Failed] {
            let progress = progress(&[intent(1), outcome(1, status, Some(5))]);
            assert!(!progress.create_in_doubt());
            assert_eq!(progress.creates_sent, 1);
            assert_eq!(
                progress.result(OperationKind::Create).unwrap().status,
                status
            );
        }
        let not_taken = progress(&[intent(1), outcome(1, OperationStatus::Planned, None)]);
        assert!(!not_taken.create_in_doubt());
        assert_eq!(not_taken.creates_sent, 0);
    }

    #[test]
    fn a_settled_create_is_no_longer_in_doubt_and_still_counts_as_sent() {
        let settled = |found: Option<u64>| {
            let (row, found, at) = (RowNumber(1), found.map(CustomerId), NOW.into());
            Entry::Settled(Settled { row, found, at })
        };
        let gone = progress(&[intent(1), settled(None)]);
        assert!(!gone.create_in_doubt());
        assert_eq!((gone.creates_sent, gone.customer_id), (1, None));
        let again = progress(&[intent(1), settled(None), intent(1)]);
        assert!(again.create_in_doubt());
        assert_eq!(again.creates_sent, 2);
        let found = progress(&[intent(1), settled(Some(5))]);
        assert_eq!(found.customer_id, Some(CustomerId(5)));
    }

    #[test]
    fn intents_of_several_operations_are_open_until_each_has_its_outcome() {
        use OperationKind::{Patch, Tag};
        let intent = |op| {
            let (row, at) = (RowNumber(1), NOW.into());
            Entry::Intent(Intent { row, op, at })
        };
        let outcome = |op, status| {
            let mut entry = outcome(1, status, Some(5));
            if let Entry::Outcome(outcome) = &mut entry {
                outcome.operation.op = op;
            }
            entry
        };
        let both = progress(&[intent(Patch), intent(Tag), intent(Patch)]);
        assert_eq!(both.open.len(), 2);
        assert!(!both.has_applied(false), "nothing is known of it yet");
        let one = progress(&[
            intent(Patch),
            intent(Tag),
            outcome(Patch, OperationStatus::Done),
        ]);
        assert!(one.open(Patch).is_none() && one.is_in_doubt(Tag) && one.has_applied(false));
        let unsent = progress(&[intent(Tag), outcome(Tag, OperationStatus::Planned)]);
        assert!(!unsent.is_in_doubt(Tag) && !unsent.has_applied(false));
        let cut_short = progress(&[intent(Tag), outcome(Tag, OperationStatus::InDoubt)]);
        assert!(cut_short.is_in_doubt(Tag) && !cut_short.has_applied(false));
        // A journal of an earlier version has no intent of it.
        let earlier = progress(&[outcome(Tag, OperationStatus::InDoubt)]);
        assert!(earlier.is_in_doubt(Tag));
    }

    #[test]
    fn the_last_plan_of_a_row_holds() {
        let replanned = |n: u64| {
            let (row, payload) = (RowNumber(1), serde_json::json!({ "n": n }));
            Entry::Replanned(Replanned { row, payload })
        };
        let progress = progress(&[replanned(1), replanned(2)]);
        assert_eq!(progress.replanned.unwrap()["n"], 2);
    }

    #[test]
    fn finished_rows_are_read_back_in_any_order_and_the_last_end_holds() {
        let bytes = one_by_one(&[
            begin(),
            intent(3),
            finished(3, RowStatus::InDoubt),
            finished(1, RowStatus::Updated),
            finished(2, RowStatus::Pending),
            finished(3, RowStatus::Created),
            finished(4, RowStatus::InDoubt),
        ]);
        let recovered = read(&bytes).unwrap();
        assert_eq!(recovered.finished_rows(), 3);
        assert!(recovered.unfinished.is_empty());
        assert_eq!(recovered.left_in_doubt, BTreeSet::from([RowNumber(4)]));
        assert_eq!(recovered.row(RowNumber(3)), RowState::Finished);
        assert_eq!(recovered.row(RowNumber(2)), RowState::Untouched);
        let mut rows =
            FinishedRows::over(Cursor::new(&bytes), Path::new("journal.jsonl"), &recovered);
        let mut status = |row| rows.get(RowNumber(row)).unwrap().map(|found| found.status);
        assert_eq!(status(4), Some(RowStatus::InDoubt));
        assert_eq!(status(1), Some(RowStatus::Updated));
        assert_eq!(status(3), Some(RowStatus::Created));
        assert_eq!(status(2), None);
    }
}
