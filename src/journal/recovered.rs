use std::collections::{BTreeMap, BTreeSet};

use super::progress::RowProgress;
use super::{Begin, FinishedRow, JournalRecord};
use crate::domain::RowNumber;
use crate::outcome::RowStatus;

/// What follows the last whole record: a write that a crash cut short before it was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TornTail {
    pub offset: u64,
    pub bytes: u64,
}

/// What the journal says about a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RowState<'a> {
    /// No record: the row was not begun.
    Untouched,
    Unfinished(&'a RowProgress),
    /// [`FinishedRows`](super::FinishedRows) reads its [`FinishedRow`].
    Finished,
}

/// The state that a journal's records add up to.
///
/// Only unfinished rows keep their details in memory; a finished one takes 16 bytes, the offset of its record.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovered {
    pub begin: Begin,
    /// Rows that were begun and not finished.
    pub unfinished: BTreeMap<RowNumber, RowProgress>,
    /// Rows that finished without it being known whether their create took effect.
    pub left_in_doubt: BTreeSet<RowNumber>,
    pub facts: BTreeMap<String, serde_json::Value>,
    /// How often the run was resumed.
    pub resumes: u32,
    pub torn: Option<TornTail>,
    /// Bytes of whole records; the next record goes here.
    pub valid_len: u64,
    /// Byte offset of each row's last finishing record, sorted by row.
    finished: Vec<(RowNumber, u64)>,
    /// Likewise of the record that replanned the row.
    replanned: Vec<(RowNumber, u64)>,
    /// Likewise of the record of values that the server kept.
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

    /// Rows with a create that may have been sent and has no outcome; look for their customers first.
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

    /// Byte offset of the record that last replanned the row.
    pub(super) fn replanned_at(&self, row: RowNumber) -> Option<u64> {
        offset_of(&self.replanned, row)
    }

    pub(super) fn kept_at(&self, row: RowNumber) -> Option<u64> {
        offset_of(&self.kept, row)
    }

    pub(super) fn new(begin: Begin) -> Self {
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

    /// Applies the next record. A second `begin` is returned as an error.
    pub(super) fn replay(&mut self, record: JournalRecord, offset: u64) -> Result<(), Begin> {
        match record {
            JournalRecord::Begin(begin) => return Err(begin),
            JournalRecord::Intent(intent) => self.progress(intent.row).begin(intent),
            JournalRecord::Outcome(outcome) => self.progress(outcome.row).end(outcome),
            JournalRecord::Settled(settled) => self.progress(settled.row).settle(&settled),
            JournalRecord::Replanned(new) => {
                self.replanned.push((new.row, offset));
                self.progress(new.row).replanned = Some(new.payload);
            }
            JournalRecord::Kept(kept) => self.kept.push((kept.row, offset)),
            JournalRecord::Row(row) => self.finish(&row, offset),
            JournalRecord::Fact(fact) => {
                self.facts.insert(fact.name, fact.value);
            }
            JournalRecord::Resumed { .. } => self.resumes += 1,
            // `run.json` has how a run ended; this record is for people who read the journal.
            JournalRecord::Stopped { .. } => {}
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

    /// The last record counts of a row that was finished twice: a later session settled what was in doubt.
    pub(super) fn sort(&mut self) {
        for offsets in [&mut self.finished, &mut self.replanned, &mut self.kept] {
            offsets.sort_unstable_by_key(|(row, offset)| (*row, std::cmp::Reverse(*offset)));
            offsets.dedup_by_key(|(row, _)| *row);
            offsets.shrink_to_fit();
        }
    }
}

fn offset_of(offsets: &[(RowNumber, u64)], row: RowNumber) -> Option<u64> {
    let index = offsets.binary_search_by_key(&row, |(row, _)| *row).ok()?;
    offsets.get(index).map(|(_, offset)| *offset)
}
