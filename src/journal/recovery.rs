use std::io::{BufRead, BufReader};
use std::path::Path;

use super::frame::{self, Frame};
use super::lines::JournalLines;
use super::recovered::{Recovered, TornTail};
use super::{JOURNAL_VERSION, JournalRecord, RecoveryError};
use crate::platform;

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
/// A crash leaves the end of the last write in any state: cut, or, after a power cut, with holes of zeros before parts
/// that reached the disk. Such a tail was never acknowledged and is dropped. Damage in what later records prove to have
/// been synced is an error.
///
/// # Errors
/// The journal cannot be read, holds no whole record, is damaged before its end, or is newer than this program.
pub fn recover(input: impl BufRead, path: &Path) -> Result<Recovered, RecoveryError> {
    let mut lines = JournalLines::new(input, path);
    let mut recovered = first_record(&mut lines)?;
    while lines.next()? {
        let Some(record) = lines.record()? else {
            recovered.torn = Some(torn_tail(&mut lines)?);
            break;
        };
        recovered
            .replay(record, lines.offset)
            .map_err(|_| lines.misplaced())?;
        recovered.valid_len = lines.end();
    }
    recovered.sort();
    Ok(recovered)
}

fn first_record<R: BufRead>(lines: &mut JournalLines<'_, R>) -> Result<Recovered, RecoveryError> {
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
    match lines.record()? {
        Some(JournalRecord::Begin(begin)) => {
            let mut recovered = Recovered::new(begin);
            recovered.valid_len = lines.end();
            Ok(recovered)
        }
        _ => Err(lines.misplaced()),
    }
}

/// The version of the journal if it is newer than this program. Read first: anything else may have changed.
fn newer_version(body: &[u8]) -> Option<u64> {
    let begin: serde_json::Value = serde_json::from_slice(body).ok()?;
    let version = begin.get("version")?.as_u64()?;
    (version > u64::from(JOURNAL_VERSION)).then_some(version)
}

/// Reads from a bad line to the end, to distinguish an unfinished write from damage.
///
/// It is damage if a later record shows that the line had been synced. It is also damage if later records are whole and
/// no bad line holds a zero byte: a power cut leaves zeros, so the line was changed.
fn torn_tail<R: BufRead>(lines: &mut JournalLines<'_, R>) -> Result<TornTail, RecoveryError> {
    let (offset, line) = (lines.offset, lines.number);
    let mut has_holes = false;
    let mut has_later_records = false;
    let mut was_synced = false;
    loop {
        let whole = frame::decode(&lines.line);
        has_holes |= whole.is_none() && lines.line.contains(&0);
        if let Some(Frame { synced, .. }) = whole.or_else(|| frame::decode_tail(&lines.line)) {
            has_later_records = true;
            was_synced |= synced > offset;
        }
        if !lines.next()? {
            break;
        }
    }
    if was_synced || (has_later_records && !has_holes) {
        let path = lines.path.to_owned();
        return Err(RecoveryError::Damaged { path, offset, line });
    }
    let bytes = lines.end() - offset;
    Ok(TornTail { offset, bytes })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::Cursor;

    use super::*;
    use crate::domain::{CustomerId, RowNumber, RunId};
    use crate::journal::{
        Begin, FinishedRow, FinishedRows, Intent, Outcome, Replanned, RowProgress, RowState,
        Settled,
    };
    use crate::outcome::{OperationResult, OperationStatus, RowStatus};
    use crate::plan::OperationKind;

    const NOW: &str = "2026-11-20T03:12:44Z";

    fn begin() -> JournalRecord {
        JournalRecord::Begin(Begin {
            version: JOURNAL_VERSION,
            run_id: RunId::new("r1").unwrap(),
            account: String::from("acc"),
            plan_digest: String::from("d"),
        })
    }

    fn intent(row: u64) -> JournalRecord {
        JournalRecord::Intent(Intent {
            row: RowNumber(row),
            op: OperationKind::Create,
            at: NOW.into(),
        })
    }

    fn outcome(row: u64, status: OperationStatus, customer: Option<u64>) -> JournalRecord {
        JournalRecord::Outcome(Outcome {
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

    fn finished(row: u64, status: RowStatus) -> JournalRecord {
        JournalRecord::Row(FinishedRow {
            row: RowNumber(row),
            status,
            customer_id: None,
            operations: vec![],
            error: None,
            warnings: vec![],
        })
    }

    /// Each record synced before the next is written.
    fn one_by_one(entries: &[JournalRecord]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for entry in entries {
            push(&mut bytes, entry, None);
        }
        bytes
    }

    fn push(bytes: &mut Vec<u8>, entry: &JournalRecord, synced: Option<u64>) {
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
    fn one_group(entries: &[JournalRecord]) -> Vec<u8> {
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

    fn progress(entries: &[JournalRecord]) -> RowProgress {
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
            JournalRecord::Settled(Settled { row, found, at })
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
            JournalRecord::Intent(Intent { row, op, at })
        };
        let outcome = |op, status| {
            let mut entry = outcome(1, status, Some(5));
            if let JournalRecord::Outcome(outcome) = &mut entry {
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
            JournalRecord::Replanned(Replanned { row, payload })
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
