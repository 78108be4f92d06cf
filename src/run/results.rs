//! The results of a run, derived from its rows, its plan and its journal. Each row has exactly one.

mod overlay;
mod planned;
mod row_stream;

use std::io::{self, BufRead, Read, Seek};

use crate::domain::RowNumber;
use crate::journal::{FinishedRows, Recovered, RecoveryError, RowState};
use crate::outcome::{RowResult, RowStatus, Unlisted};
use crate::plan::codec::{LaneReader, PlanFileError, PlannedLane, replan};

use super::rows::{RowRecord, Verdict};
use overlay::{create_in_doubt_issue, overlay_finished, overlay_merged, overlay_progress};
use planned::planned_result;
use row_stream::RowStream;

/// Why results cannot be derived.
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

/// How far a run has sent its plan.
#[derive(Debug)]
pub enum SendState<'a, J> {
    /// A dry run: nothing is ever sent.
    DryRun,
    NotBegun,
    /// The journal says what was sent.
    Journal {
        recovered: &'a Recovered,
        finished: FinishedRows<'a, J>,
    },
}

/// Streams results in the order of the input.
#[derive(Debug)]
pub struct Results<'a, R, P, J> {
    rows: RowStream<R>,
    /// All rows of the inputs, if those are listed too that the run did not write.
    inputs: Option<RowStream<R>>,
    lanes: LaneReader<P>,
    next_lane: Option<PlannedLane>,
    listed: u64,
    sources: &'a [String],
    sent: SendState<'a, J>,
}

impl<'a, R: BufRead, P: BufRead, J: Read + Seek> Results<'a, R, P, J> {
    pub fn new(
        rows: R,
        plan: P,
        sources: &'a [String],
        sent: SendState<'a, J>,
    ) -> Result<Self, ResultsError> {
        let mut lanes = LaneReader::new(plan)?;
        let next_lane = lanes.next().transpose()?;
        Ok(Self {
            rows: RowStream::new(rows)?,
            inputs: None,
            lanes,
            next_lane,
            listed: 0,
            sources,
            sent,
        })
    }

    /// Adds the rows that the run did not write; `inputs` holds all rows.
    pub fn with_inputs(self, inputs: R) -> Result<Self, ResultsError> {
        Ok(Self {
            inputs: Some(RowStream::new(inputs)?),
            ..self
        })
    }

    /// Counts the rows without a result, after the last result. Returns `None` if the run's rows have no last line: then each
    /// row has to have a record.
    pub fn unlisted(&self) -> Option<Unlisted> {
        let totals = self.rows.totals?;
        let rest = totals.rows.saturating_sub(self.listed);
        let skipped = self.rows.skipped_rows.min(rest);
        Some(Unlisted {
            unchanged: rest - skipped,
            skipped,
        })
    }

    /// Returns the number of records read from the run's rows so far.
    pub fn records(&self) -> u64 {
        self.rows.records
    }

    /// Returns the next row's result.
    pub fn next_result(&mut self) -> Result<Option<ResultRow>, ResultsError> {
        let Some(record) = self.next_record()? else {
            return Ok(None);
        };
        self.listed += u64::from(!record.is_missing);
        let mut lane = self.take_lane(record.row)?;
        if let Some(planned) = &mut lane {
            self.replan(planned)?;
        }
        let is_dry_run = matches!(self.sent, SendState::DryRun);
        let mut result = planned_result(&record, lane.as_ref(), self.sources, is_dry_run);
        // The operations of a row that was erased are not in the plan any more.
        if lane.is_some() || matches!(record.verdict, Verdict::Create | Verdict::Update) {
            self.overlay(&mut result)?;
        }
        if let (Verdict::Merged, Some(first)) = (record.verdict, record.merged_into) {
            self.overlay_first(&mut result, first)?;
        }
        Ok(Some(ResultRow {
            result,
            record,
            lane,
        }))
    }

    /// Returns the next row that is in the run's rows, its plan, or the inputs.
    fn next_record(&mut self) -> Result<Option<RowRecord>, ResultsError> {
        let planned = self.next_lane.as_ref();
        let in_rows = self.rows.next.as_ref().map(|record| record.row);
        let in_plan = planned.map(|planned| planned.lane.row);
        let inputs = self.inputs.as_ref().and_then(|inputs| inputs.next.as_ref());
        let in_inputs = inputs.map(|record| record.row);
        let Some(row) = [in_rows, in_plan, in_inputs].into_iter().flatten().min() else {
            return Ok(None);
        };
        let of_plan = planned
            .filter(|_| in_plan == Some(row))
            .map(RowRecord::of_plan);
        let of_inputs = match &mut self.inputs {
            Some(inputs) if in_inputs == Some(row) => inputs.take_next()?,
            _ => None,
        };
        if in_rows == Some(row) {
            return self.rows.take_next();
        }
        let verdict = match self.rows.is_skipped(row) {
            true => Verdict::Skipped,
            false => Verdict::Unchanged,
        };
        Ok(of_plan.or(of_inputs.map(|record| RowRecord { verdict, ..record })))
    }

    fn take_lane(&mut self, row: RowNumber) -> Result<Option<PlannedLane>, ResultsError> {
        if self
            .next_lane
            .as_ref()
            .is_none_or(|lane| lane.lane.row != row)
        {
            return Ok(None);
        }
        let lane = self.next_lane.take();
        self.next_lane = self.lanes.next().transpose()?;
        Ok(lane)
    }

    /// Returns the journal, if there is one.
    fn journal(&mut self) -> Option<(&'a Recovered, &mut FinishedRows<'a, J>)> {
        match &mut self.sent {
            SendState::Journal {
                recovered,
                finished,
            } => Some((recovered, finished)),
            SendState::DryRun | SendState::NotBegun => None,
        }
    }

    /// Replaces the operations of a row that was replanned before it was sent.
    fn replan(&mut self, planned: &mut PlannedLane) -> Result<(), ResultsError> {
        let Some((recovered, finished)) = self.journal() else {
            return Ok(());
        };
        let row = planned.lane.row;
        let replanned = match recovered.row(row) {
            RowState::Untouched => None,
            RowState::Unfinished(progress) => progress.replanned.clone(),
            RowState::Finished => finished.replanned(row)?,
        };
        match replanned {
            Some(payload) => replan(&mut planned.lane, &payload)
                .map_err(|reason| ResultsError::Replanned { row, reason }),
            None => Ok(()),
        }
    }

    /// Overlays what the journal says on the planned result.
    fn overlay(&mut self, result: &mut RowResult) -> Result<(), ResultsError> {
        let Some((recovered, finished)) = self.journal() else {
            return Ok(());
        };
        match recovered.row(result.row) {
            RowState::Untouched => {}
            RowState::Unfinished(progress) => overlay_progress(result, progress),
            RowState::Finished => {
                if let Some(row) = finished.get(result.row)? {
                    overlay_finished(result, row);
                }
            }
        }
        Ok(())
    }

    /// Overlays the outcome of the row that this one was merged into: its values reached the server only with that row.
    fn overlay_first(
        &mut self,
        result: &mut RowResult,
        first: RowNumber,
    ) -> Result<(), ResultsError> {
        let Some((recovered, finished)) = self.journal() else {
            return Ok(());
        };
        match recovered.row(first) {
            RowState::Untouched => {}
            RowState::Unfinished(progress) => {
                result.customer_id = progress.customer_id.or(result.customer_id);
                if progress.create_in_doubt() {
                    result.status = RowStatus::InDoubt;
                    result.error = Some(create_in_doubt_issue());
                }
            }
            RowState::Finished => {
                if let Some(row) = finished.get(first)? {
                    overlay_merged(result, first, row);
                }
            }
        }
        Ok(())
    }
}
