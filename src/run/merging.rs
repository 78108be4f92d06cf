//! Rows that are merged into an earlier row of their customer. What they want is kept in a temporary file, since the earlier
//! row is planned before they are read.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};

use crate::domain::{CustomerId, DesiredCustomer, Issue, RowNumber};

use super::rows::{RowRecord, Verdict};

/// How a row was planned that others are merged into.
#[derive(Debug, Clone)]
pub(super) struct PlannedCarrier {
    pub(super) verdict: Verdict,
    pub(super) customer_id: Option<CustomerId>,
    pub(super) error: Option<Issue>,
}

/// The rows that others are merged into, by number. Each merged row takes eight bytes of memory.
#[derive(Debug, Default)]
pub struct Merges {
    desired: Option<BufReader<File>>,
    carriers: HashMap<RowNumber, Carrier>,
    rows: u64,
    /// Bytes of the file so far.
    end: u64,
}

#[derive(Debug, Default)]
struct Carrier {
    /// Where the desired customers of the rows that are merged into it begin, in the order of the rows.
    offsets: Vec<u64>,
    planned: Option<PlannedCarrier>,
}

impl Merges {
    /// `desired`: an empty file.
    pub fn new(desired: File) -> Self {
        Self {
            desired: Some(BufReader::new(desired)),
            ..Self::default()
        }
    }

    /// Stores what a row wants that is to be merged into another. All rows are added in order before the first is planned.
    pub fn add(&mut self, record: RowRecord, into: RowNumber) -> io::Result<()> {
        let Some(file) = self.desired.as_mut() else {
            return Ok(());
        };
        let desired = DesiredCustomer {
            key: record.key,
            ..record.desired.unwrap_or_default()
        };
        let mut line = serde_json::to_vec(&desired)?;
        line.push(b'\n');
        file.get_mut().write_all(&line)?;
        let carrier = self.carriers.entry(into).or_default();
        carrier.offsets.push(self.end);
        self.end += line.len() as u64;
        self.rows += 1;
        Ok(())
    }

    /// Returns the number of rows that are merged into others.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Merges what the later rows of its customer want into a row.
    pub(super) fn merge_into(&mut self, record: &mut RowRecord) -> io::Result<()> {
        let (Some(carrier), Some(file)) =
            (self.carriers.get_mut(&record.row), self.desired.as_mut())
        else {
            return Ok(());
        };
        let Some(desired) = &mut record.desired else {
            return Ok(());
        };
        desired.key = std::mem::take(&mut record.key);
        let mut line = Vec::new();
        for offset in std::mem::take(&mut carrier.offsets) {
            file.seek(SeekFrom::Start(offset))?;
            line.clear();
            file.read_until(b'\n', &mut line)?;
            desired.merge(serde_json::from_slice::<DesiredCustomer>(&line)?);
        }
        record.key = std::mem::take(&mut desired.key);
        Ok(())
    }

    /// Records how a row was planned, if others are merged into it.
    pub(super) fn record_planned(&mut self, record: &RowRecord) {
        if let Some(carrier) = self.carriers.get_mut(&record.row) {
            carrier.planned = Some(PlannedCarrier {
                verdict: record.verdict,
                customer_id: record.customer_id,
                error: record.error.clone(),
            });
        }
    }

    /// Returns how a row was planned that others are merged into; it is planned before them.
    pub(super) fn carrier(&self, row: RowNumber) -> Option<&PlannedCarrier> {
        self.carriers.get(&row)?.planned.as_ref()
    }
}
