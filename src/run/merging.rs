//! Rows that are merged into an earlier row of their customer: what they want is kept in a file of its own, so that
//! the earlier row, which is planned before they come, can take it up.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};

use crate::domain::{CustomerId, DesiredCustomer, Issue, RowNumber};

use super::rows::{RowRecord, Verdict};

/// What became of a row that others are merged into.
#[derive(Debug, Clone)]
pub(super) struct Carried {
    pub(super) verdict: Verdict,
    pub(super) customer_id: Option<CustomerId>,
    pub(super) error: Option<Issue>,
}

/// The rows that others are merged into, by number. Memory holds eight bytes for each row that is merged.
#[derive(Debug, Default)]
pub struct Merges {
    wishes: Option<BufReader<File>>,
    carriers: HashMap<RowNumber, Carrier>,
    rows: u64,
    /// Bytes of the wishes so far.
    end: u64,
}

#[derive(Debug, Default)]
struct Carrier {
    /// Where the wishes of the rows that are merged into it begin, in the order of the rows.
    offsets: Vec<u64>,
    carried: Option<Carried>,
}

impl Merges {
    /// `wishes`: an empty file.
    #[must_use]
    pub fn new(wishes: File) -> Self {
        Self {
            wishes: Some(BufReader::new(wishes)),
            ..Self::default()
        }
    }

    /// Takes in what a row wants that is to be merged into another. Rows come in their order, and all of them before the
    /// first is planned.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn gather(&mut self, record: RowRecord, into: RowNumber) -> io::Result<()> {
        let Some(wishes) = self.wishes.as_mut() else {
            return Ok(());
        };
        let desired = DesiredCustomer {
            key: record.key,
            ..record.desired.unwrap_or_default()
        };
        let mut line = serde_json::to_vec(&desired)?;
        line.push(b'\n');
        wishes.get_mut().write_all(&line)?;
        let carrier = self.carriers.entry(into).or_default();
        carrier.offsets.push(self.end);
        self.end += line.len() as u64;
        self.rows += 1;
        Ok(())
    }

    /// Rows that are merged into others.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Merges into a row what the later rows of its customer want.
    ///
    /// # Errors
    /// When that cannot be read.
    pub(super) fn merge_into(&mut self, record: &mut RowRecord) -> io::Result<()> {
        let (Some(carrier), Some(wishes)) =
            (self.carriers.get_mut(&record.row), self.wishes.as_mut())
        else {
            return Ok(());
        };
        let Some(desired) = &mut record.desired else {
            return Ok(());
        };
        desired.key = std::mem::take(&mut record.key);
        let mut line = Vec::new();
        for offset in std::mem::take(&mut carrier.offsets) {
            wishes.seek(SeekFrom::Start(offset))?;
            line.clear();
            wishes.read_until(b'\n', &mut line)?;
            desired.merge(serde_json::from_slice::<DesiredCustomer>(&line)?);
        }
        record.key = std::mem::take(&mut desired.key);
        record.fingerprint = None;
        Ok(())
    }

    /// Takes note of what became of a row, where others are merged into it.
    pub(super) fn planned(&mut self, record: &RowRecord) {
        if let Some(carrier) = self.carriers.get_mut(&record.row) {
            carrier.carried = Some(Carried {
                verdict: record.verdict,
                customer_id: record.customer_id,
                error: record.error.clone(),
            });
        }
    }

    /// What became of a row that others are merged into; it is planned before them.
    pub(super) fn carried(&self, row: RowNumber) -> Option<&Carried> {
        self.carriers.get(&row)?.carried.as_ref()
    }
}
