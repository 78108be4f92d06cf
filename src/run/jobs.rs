//! The lanes of a plan as jobs, with what their rows want and how far an interrupted run came with them.

use std::io::{self, BufRead};

use crate::journal::{Recovered, RowProgress, RowState};
use crate::plan::codec::{LaneReader, PlanFileError, replan};

use super::lane::LaneJob;
use super::rows::{RowLine, RowReader};

/// Why the jobs cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    #[error("the run's plan cannot be read")]
    Plan(#[from] PlanFileError),
    #[error("the run's rows cannot be read")]
    Rows(#[from] io::Error),
    #[error("the journal's record of row {row} cannot be read: {reason}")]
    Replanned { row: u64, reason: String },
}

/// Streams the lanes that are still to be done.
#[derive(Debug)]
pub struct Jobs<'a, P, R> {
    lanes: LaneReader<P>,
    /// `None` for `apply`, whose lanes are never replanned.
    rows: Option<RowReader<R>>,
    /// `None` for a run that is sent for the first time.
    recovered: Option<&'a Recovered>,
}

impl<'a, P: BufRead, R: BufRead> Jobs<'a, P, R> {
    /// # Errors
    /// When the plan cannot be read.
    pub fn new(
        plan: P,
        rows: Option<R>,
        recovered: Option<&'a Recovered>,
    ) -> Result<Self, JobsError> {
        Ok(Self {
            lanes: LaneReader::new(plan)?,
            rows: rows.map(RowReader::new),
            recovered,
        })
    }

    fn next_job(&mut self) -> Result<Option<LaneJob>, JobsError> {
        loop {
            let Some(planned) = self.lanes.next().transpose()? else {
                return Ok(None);
            };
            let mut job = LaneJob::new(planned.lane, None);
            if let Some(rows) = &mut self.rows {
                for line in rows.by_ref() {
                    let RowLine::Row(record) = line? else {
                        continue;
                    };
                    if record.row >= job.lane.row {
                        job.desired = record.desired;
                        break;
                    }
                }
            }
            match self.recovered.map(|r| r.row(job.lane.row)) {
                None | Some(RowState::Untouched) => {}
                Some(RowState::Finished) => continue,
                Some(RowState::Unfinished(progress)) => resume(&mut job, progress)?,
            }
            return Ok(Some(job));
        }
    }
}

fn resume(job: &mut LaneJob, progress: &RowProgress) -> Result<(), JobsError> {
    job.progress = progress.clone();
    if let Some(payload) = &progress.replanned {
        let row = job.lane.row.0;
        replan(&mut job.lane, payload).map_err(|reason| JobsError::Replanned { row, reason })?;
    }
    Ok(())
}

impl<P: BufRead, R: BufRead> Iterator for Jobs<'_, P, R> {
    type Item = Result<LaneJob, JobsError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_job().transpose()
    }
}
