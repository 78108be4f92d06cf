//! The results of a run, derived from its rows, its plan and its journal; each row has exactly one.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read, Seek};

use crate::domain::{Issue, IssueKind, RowNumber};
use crate::journal::{FinishedRow, FinishedRows, Recovered, RecoveryError, RowProgress, RowState};
use crate::outcome::{OperationResult, OperationStatus, RowResult, RowStatus, Unlisted};
use crate::plan::OperationKind;
use crate::plan::codec::{LaneReader, PlanFileError, PlannedLane, replan};

use super::rows::{RowLine, RowRange, RowReader, RowRecord, RowTotals, Verdict};

/// Why results cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    #[error("the run's rows cannot be read")]
    Rows(#[from] io::Error),
    #[error("the run's plan cannot be read")]
    Plan(#[from] PlanFileError),
    #[error(transparent)]
    Journal(#[from] RecoveryError),
    #[error("the journal's record of row {row} cannot be read: {reason}")]
    Replanned { row: RowNumber, reason: String },
}

/// One row's result with what it was made from.
#[derive(Debug)]
pub struct ResultRow {
    pub result: RowResult,
    pub record: RowRecord,
    /// The row's planned operations, where it has any.
    pub lane: Option<PlannedLane>,
}

/// Rows one ahead of where they are used.
#[derive(Debug)]
struct Rows<R> {
    lines: RowReader<R>,
    ahead: Option<RowRecord>,
    /// What was skipped before the row ahead.
    skipped: VecDeque<RowRange>,
    skipped_rows: u64,
    records: u64,
    totals: Option<RowTotals>,
}

impl<R: BufRead> Rows<R> {
    fn new(rows: R) -> Result<Self, ResultsError> {
        let mut rows = Self {
            lines: RowReader::new(rows),
            ahead: None,
            skipped: VecDeque::new(),
            skipped_rows: 0,
            records: 0,
            totals: None,
        };
        rows.next()?;
        Ok(rows)
    }

    fn next(&mut self) -> Result<Option<RowRecord>, ResultsError> {
        let record = self.ahead.take();
        for line in self.lines.by_ref() {
            match line? {
                RowLine::Row(row) => {
                    self.records += 1;
                    self.ahead = Some(*row);
                    break;
                }
                RowLine::Skipped(range) => {
                    self.skipped_rows += range.rows();
                    self.skipped.push_back(range);
                }
                RowLine::End(totals) => self.totals = Some(totals),
            }
        }
        Ok(record)
    }

    /// Rows are asked for in ascending order.
    fn is_skipped(&mut self, row: RowNumber) -> bool {
        while self.skipped.front().is_some_and(|range| range.last < row) {
            self.skipped.pop_front();
        }
        self.skipped
            .front()
            .is_some_and(|range| range.contains(row))
    }
}

/// What is known of the sending.
#[derive(Debug)]
pub enum Sent<'a, J> {
    /// A dry run: nothing was, and nothing will be.
    Nothing,
    /// Nothing was yet.
    NotBegun,
    Journal {
        recovered: &'a Recovered,
        finished: FinishedRows<'a, J>,
    },
}

/// Streams results in the order of the input.
#[derive(Debug)]
pub struct Results<'a, R, P, J> {
    rows: Rows<R>,
    /// All rows as they stand in the inputs, where those are listed too that the run did not write down.
    inputs: Option<Rows<R>>,
    lanes: LaneReader<P>,
    ahead: Option<PlannedLane>,
    listed: u64,
    sources: &'a [String],
    sent: Sent<'a, J>,
}

impl<'a, R: BufRead, P: BufRead, J: Read + Seek> Results<'a, R, P, J> {
    /// # Errors
    /// When the plan cannot be read.
    pub fn new(
        rows: R,
        plan: P,
        sources: &'a [String],
        sent: Sent<'a, J>,
    ) -> Result<Self, ResultsError> {
        let mut lanes = LaneReader::new(plan)?;
        let ahead = lanes.next().transpose()?;
        Ok(Self {
            rows: Rows::new(rows)?,
            inputs: None,
            lanes,
            ahead,
            listed: 0,
            sources,
            sent,
        })
    }

    /// With the rows that the run did not write down, which are all in `inputs`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn with_inputs(self, inputs: R) -> Result<Self, ResultsError> {
        Ok(Self {
            inputs: Some(Rows::new(inputs)?),
            ..self
        })
    }

    /// After the last result: how many rows have none, since there is nothing to say of them. None if the run's rows
    /// have no last line: then each row has to have a record.
    #[must_use]
    pub fn unlisted(&self) -> Option<Unlisted> {
        let totals = self.rows.totals?;
        let rest = totals.rows.saturating_sub(self.listed);
        let skipped = self.rows.skipped_rows.min(rest);
        Some(Unlisted {
            unchanged: rest - skipped,
            skipped,
        })
    }

    /// Records that the run's rows held so far.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.rows.records
    }

    /// The next row's result.
    ///
    /// # Errors
    /// When a file of the run cannot be read.
    pub fn next_result(&mut self) -> Result<Option<ResultRow>, ResultsError> {
        let Some(record) = self.next_record()? else {
            return Ok(None);
        };
        self.listed += 1;
        let mut lane = self.lane_of(record.row)?;
        if let Some(planned) = &mut lane {
            self.replan(planned)?;
        }
        let mut result = self.planned(&record, lane.as_ref());
        if lane.is_some() {
            self.overlay(&mut result)?;
        }
        if let (Verdict::Merged, Some(first)) = (record.verdict, record.merged_into) {
            self.follow(&mut result, first)?;
        }
        Ok(Some(ResultRow {
            result,
            record,
            lane,
        }))
    }

    /// The next row that is in the run's rows, its plan, or the inputs.
    fn next_record(&mut self) -> Result<Option<RowRecord>, ResultsError> {
        let planned = self.ahead.as_ref();
        let in_rows = self.rows.ahead.as_ref().map(|record| record.row);
        let in_plan = planned.map(|planned| planned.lane.row);
        let inputs = self
            .inputs
            .as_ref()
            .and_then(|inputs| inputs.ahead.as_ref());
        let in_inputs = inputs.map(|record| record.row);
        let Some(row) = [in_rows, in_plan, in_inputs].into_iter().flatten().min() else {
            return Ok(None);
        };
        let of_plan = planned
            .filter(|_| in_plan == Some(row))
            .map(RowRecord::of_plan);
        let of_inputs = match &mut self.inputs {
            Some(inputs) if in_inputs == Some(row) => inputs.next()?,
            _ => None,
        };
        if in_rows == Some(row) {
            return self.rows.next();
        }
        let verdict = match self.rows.is_skipped(row) {
            true => Verdict::Skipped,
            false => Verdict::Unchanged,
        };
        Ok(of_plan.or(of_inputs.map(|record| RowRecord { verdict, ..record })))
    }

    fn lane_of(&mut self, row: RowNumber) -> Result<Option<PlannedLane>, ResultsError> {
        if self.ahead.as_ref().is_none_or(|lane| lane.lane.row != row) {
            return Ok(None);
        }
        let lane = self.ahead.take();
        self.ahead = self.lanes.next().transpose()?;
        Ok(lane)
    }

    /// What the journal says, where there is one.
    fn journal(&mut self) -> Option<(&'a Recovered, &mut FinishedRows<'a, J>)> {
        match &mut self.sent {
            Sent::Journal {
                recovered,
                finished,
            } => Some((recovered, finished)),
            Sent::Nothing | Sent::NotBegun => None,
        }
    }

    /// A row that was planned anew before it was sent has the operations of that.
    fn replan(&mut self, planned: &mut PlannedLane) -> Result<(), ResultsError> {
        let Some((recovered, finished)) = self.journal() else {
            return Ok(());
        };
        let row = planned.lane.row;
        let anew = match recovered.row(row) {
            RowState::Untouched => None,
            RowState::Unfinished(progress) => progress.replanned.clone(),
            RowState::Finished => finished.replanned(row)?,
        };
        match anew {
            Some(payload) => replan(&mut planned.lane, &payload)
                .map_err(|reason| ResultsError::Replanned { row, reason }),
            None => Ok(()),
        }
    }

    /// The row's result as if nothing had been sent.
    fn planned(&self, record: &RowRecord, lane: Option<&PlannedLane>) -> RowResult {
        let dry = matches!(self.sent, Sent::Nothing);
        let status = match (record.verdict, dry) {
            (Verdict::Create, true) => RowStatus::WouldCreate,
            (Verdict::Update, true) => RowStatus::WouldUpdate,
            (Verdict::Create | Verdict::Update | Verdict::Read, _) => RowStatus::Pending,
            (Verdict::Merged, true) => RowStatus::Skipped,
            (Verdict::Merged, false) => RowStatus::Pending,
            (Verdict::Unchanged, _) => RowStatus::Unchanged,
            (Verdict::Rejected, _) => RowStatus::Rejected,
            (Verdict::Skipped, _) => RowStatus::Skipped,
        };
        let operations = lane.map(|lane| {
            lane.lane
                .operations
                .iter()
                .map(OperationResult::planned)
                .collect()
        });
        RowResult {
            row: record.row,
            line: record.line,
            source: self
                .sources
                .get(usize::from(record.source))
                .cloned()
                .unwrap_or_default(),
            key: record.key.clone(),
            customer_id: record.customer_id,
            status,
            merged_into: record.merged_into,
            operations: operations.unwrap_or_default(),
            error: record.error.clone(),
            errors: record.errors.clone(),
            warnings: record.warnings.clone(),
        }
    }

    /// Lays what the journal says over the plan.
    fn overlay(&mut self, result: &mut RowResult) -> Result<(), ResultsError> {
        let Some((recovered, finished)) = self.journal() else {
            return Ok(());
        };
        match recovered.row(result.row) {
            RowState::Untouched => {}
            RowState::Unfinished(progress) => lay_progress(result, progress),
            RowState::Finished => {
                if let Some(row) = finished.get(result.row)? {
                    lay_finished(result, row);
                }
            }
        }
        Ok(())
    }

    /// A row that was merged into another is as well off as that one: its values are at the server only where the
    /// other's are.
    fn follow(&mut self, result: &mut RowResult, first: RowNumber) -> Result<(), ResultsError> {
        let Some((recovered, finished)) = self.journal() else {
            return Ok(());
        };
        match recovered.row(first) {
            RowState::Untouched => {}
            RowState::Unfinished(progress) => {
                result.customer_id = progress.customer_id.or(result.customer_id);
                if progress.create_in_doubt() {
                    result.status = RowStatus::InDoubt;
                    result.error = Some(in_doubt());
                }
            }
            RowState::Finished => {
                if let Some(row) = finished.get(first)? {
                    lay_fate(result, first, row);
                }
            }
        }
        Ok(())
    }
}

/// The end of the row that another was merged into, for that other.
fn lay_fate(result: &mut RowResult, first: RowNumber, row: FinishedRow) {
    result.customer_id = row.customer_id.or(result.customer_id);
    result.status = match row.status {
        RowStatus::Created | RowStatus::Updated | RowStatus::Unchanged => RowStatus::Skipped,
        other => other,
    };
    result.error = row.error.map(|error| Issue {
        message: format!("row {first}, into which it was merged: {}", error.message),
        ..error
    });
}

fn lay_finished(result: &mut RowResult, row: FinishedRow) {
    result.status = row.status;
    result.customer_id = row.customer_id.or(result.customer_id);
    result.operations = row.operations;
    result.error = row.error;
    result.warnings.extend(row.warnings);
}

/// A row that was begun and not finished: in doubt where its create was under way, else pending. A create of which the
/// customer is known is done, though it may still lack something.
fn lay_progress(result: &mut RowResult, progress: &RowProgress) {
    result.customer_id = progress.customer_id.or(result.customer_id);
    for operation in &mut result.operations {
        if let Some(known) = progress.result(operation.op) {
            *operation = known.clone();
        }
        let is_open = progress.open(operation.op).is_some();
        if operation.status == OperationStatus::Planned {
            let is_create = operation.op == OperationKind::Create;
            operation.status = match (is_open, is_create && progress.customer_id.is_some()) {
                (true, _) => OperationStatus::InDoubt,
                (false, true) => OperationStatus::Done,
                (false, false) => OperationStatus::Planned,
            };
        }
    }
    if progress.create_in_doubt() {
        result.status = RowStatus::InDoubt;
        result.error = Some(in_doubt());
    }
}

fn in_doubt() -> Issue {
    let message = "the create was under way when the run ended: whether it was done is not known";
    Issue::new(IssueKind::Network, "in_doubt", message)
        .hint("going on with the run, or the next sync, finds out")
}
