//! What a run that has ended adds to the customers that are tracked, derived from its plan and journal.

use std::collections::BTreeSet;
use std::io::BufReader;
use std::path::PathBuf;

use crate::domain::CustomerId;
use crate::journal::{FinishedRows, RecoveryError, RunDir, Tracked, TrackedError};
use crate::outcome::OperationResult;
use crate::plan::OperationKind;
use crate::plan::codec::{PlanFileError, PlannedMissing, verify};
use crate::platform::{FileError, open_file};

use super::learning::{LaneHistory, LearningError, open_sent};

/// Why what a run did cannot be added.
#[derive(Debug, thiserror::Error)]
pub enum TrackingError {
    #[error(transparent)]
    Tracked(#[from] TrackedError),
    #[error(transparent)]
    Run(#[from] LearningError),
    #[error("the run's plan cannot be read")]
    Plan(#[from] PlanFileError),
    #[error(transparent)]
    File(#[from] FileError),
}

impl From<RecoveryError> for TrackingError {
    fn from(error: RecoveryError) -> Self {
        Self::Run(error.into())
    }
}

/// Adds the customers that a finished run wrote, and those that it left as `missing` says. `file` returns the account's file
/// of tracked customers. A run whose config does nothing about missing customers adds nothing.
///
/// # Errors
/// See [`TrackingError`].
pub fn end_tracking(run: &RunDir, file: impl FnOnce(&str) -> PathBuf) -> Result<(), TrackingError> {
    let plan = verify(BufReader::with_capacity(1 << 18, open_file(&run.plan())?))?;
    let Some(PlannedMissing { tracking, figures }) = plan.header.missing else {
        return Ok(());
    };
    let path = file(&tracking);
    let mut tracked = Tracked::read(&path)?;
    let mut changes = Changes::default();
    changes.add_run(run)?;
    let Changes {
        written,
        settled,
        deleted,
    } = changes;
    let with = |ids: &[CustomerId], more: BTreeSet<CustomerId>| {
        let mut ids: BTreeSet<CustomerId> = ids.iter().copied().chain(more).collect();
        ids.retain(|id| !deleted.contains(id));
        ids.into_iter().collect()
    };
    tracked.absent = with(&tracked.absent, settled);
    tracked.customers = with(&tracked.customers, written);
    tracked.pending.clear();
    tracked.deletes_agreed |= !deleted.is_empty();
    if figures.obstacle.is_none() {
        tracked.rows = Some(plan.header.inputs.iter().map(|input| input.rows).sum());
    }
    Ok(tracked.write(&path)?)
}

#[derive(Default)]
struct Changes {
    written: BTreeSet<CustomerId>,
    settled: BTreeSet<CustomerId>,
    deleted: BTreeSet<CustomerId>,
}

impl Changes {
    fn add_run(&mut self, run: &RunDir) -> Result<(), TrackingError> {
        let Some((recovered, lanes)) = open_sent(run)? else {
            return Ok(());
        };
        let mut finished = FinishedRows::open(&run.journal(), &recovered)?;
        for planned in lanes {
            let planned = planned?;
            let is_missing = planned.place.is_missing;
            let history = LaneHistory::of(planned.lane, &recovered, &mut finished)?;
            let Some(history) = history else { continue };
            let Some(customer) = history.customer else {
                continue;
            };
            let is_done = history.results.iter().all(OperationResult::is_done);
            let mut results = history.results.iter();
            match (is_missing, is_done) {
                (true, true) if results.any(|r| r.op == OperationKind::Delete) => {
                    self.deleted.insert(customer);
                }
                (true, true) => {
                    self.settled.insert(customer);
                }
                (true, false) => {}
                (false, _) => {
                    self.written.insert(customer);
                }
            }
        }
        Ok(())
    }
}
