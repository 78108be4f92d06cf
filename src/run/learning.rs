//! Adds what a run wrote to what is remembered of its customers. It is derived from the run's plan and journal alone, so
//! that it can be repeated after a crash, and by another process.

mod confirmed;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::domain::{CustomerId, RunId};
use crate::journal::{
    FinishedRows, Recovered, RecoveryError, RowState, RunDir, WrittenError, WrittenUpdate,
    WrittenUpdates, recover_file, update_written,
};
use crate::outcome::OperationResult;
use crate::plan::codec::{LaneReader, PlanFileError, lane_from_json, replan};
use crate::plan::{Lane, Operation, Salt};
use crate::platform::{FileError, open_file};

use super::lane::NOT_KEPT;
use super::unnamed::unnamed_of;
use confirmed::{confirmed, confirmed_with_kept, possibly_written};

/// Why what a run wrote cannot be remembered.
#[derive(Debug, thiserror::Error)]
pub enum LearningError {
    #[error(transparent)]
    Written(#[from] WrittenError),
    #[error(transparent)]
    Journal(#[from] RecoveryError),
    #[error("the run's plan cannot be read")]
    Plan(#[from] PlanFileError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the journal's record of row {row} cannot be read: {reason}")]
    Record { row: u64, reason: String },
}

/// Remembers what a run wrote since the last call for it: operations that the API's answers confirmed. A run that is `over`
/// is not passed again. `salt` is for a new file.
///
/// # Errors
/// See [`LearningError`]. Then nothing of the run was added.
pub fn learn(
    run: &RunDir,
    id: &RunId,
    over: bool,
    file: &Path,
    salt: Salt,
) -> Result<(), LearningError> {
    match learn_once(run, id, over, file, salt) {
        // The damaged file was set aside: a new one takes the whole run.
        Err(LearningError::Written(WrittenError::Damaged { .. })) => {
            learn_once(run, id, over, file, salt)
        }
        learned => learned,
    }
}

/// Remembers what many runs wrote that are over: all of them or none.
///
/// # Errors
/// When one of them cannot be added.
pub fn learn_all(runs: &[(&RunDir, &RunId)], file: &Path, salt: Salt) -> Result<(), LearningError> {
    let sent_any = runs.iter().any(|(run, _)| run.journal().exists());
    if !sent_any {
        return Ok(());
    }
    update_written(file, salt, |updates| {
        let mut runs = runs.iter();
        runs.try_for_each(|(run, id)| learn_run(run, id, true, updates))
    })
}

fn learn_once(
    run: &RunDir,
    id: &RunId,
    over: bool,
    file: &Path,
    salt: Salt,
) -> Result<(), LearningError> {
    if !run.journal().exists() {
        return Ok(());
    }
    update_written(file, salt, |updates| learn_run(run, id, over, updates))
}

fn learn_run(
    run: &RunDir,
    id: &RunId,
    over: bool,
    updates: &WrittenUpdates<'_>,
) -> Result<(), LearningError> {
    let Some((recovered, mut lanes)) = open_sent(run)? else {
        return Ok(());
    };
    let mut finished = FinishedRows::open(&run.journal(), &recovered)?;
    updates.run(id, over, |update| {
        lanes.try_for_each(|lane| learn_lane(lane?.lane, &recovered, &mut finished, update))?;
        Ok(recovered.valid_len)
    })
}

/// Opens a run's journal and the lanes of its plan. Returns `None` if nothing was sent.
pub(super) fn open_sent(run: &RunDir) -> Result<Option<(Recovered, PlanLanes)>, LearningError> {
    if !run.journal().exists() {
        return Ok(None);
    }
    let recovered = match recover_file(&run.journal()) {
        Err(RecoveryError::Empty { .. }) => return Ok(None),
        recovered => recovered?,
    };
    let plan = open_file(&run.plan())?;
    let lanes = LaneReader::new(BufReader::with_capacity(1 << 18, plan))?;
    Ok(Some((recovered, lanes)))
}

type PlanLanes = LaneReader<BufReader<File>>;

fn learn_lane(
    lane: Lane,
    recovered: &Recovered,
    finished: &mut FinishedRows<'_, File>,
    update: &mut WrittenUpdate<'_>,
) -> Result<(), LearningError> {
    let row = lane.row;
    let is_finished = matches!(recovered.row(row), RowState::Finished);
    if is_finished && !recovered.was_finished_since(row, update.since) {
        return Ok(());
    }
    let Some(history) = LaneHistory::of(lane, recovered, finished)? else {
        return Ok(());
    };
    if let Some(customer) = history.customer {
        let kept = history.kept(finished)?;
        let (operations, results) = (history.lane.operations, history.results);
        let confirmed = match kept.is_empty() {
            false => confirmed_with_kept(operations, &results, kept),
            true => confirmed(operations, &results),
        };
        update.learn(customer, &confirmed)?;
    }
    Ok(())
}

/// A lane as it was last sent, with its outcome in the journal.
#[derive(Debug)]
pub(super) struct LaneHistory {
    pub(super) lane: Lane,
    /// `None` if no customer was created.
    pub(super) customer: Option<CustomerId>,
    pub(super) results: Vec<OperationResult>,
    /// HelpCrunch kept other values than were sent.
    not_kept: bool,
    /// What the canary found lost although no operation names it.
    unnamed: Vec<Operation>,
}

impl LaneHistory {
    /// Returns `None` if the lane was not begun. Lanes have to be passed in the order of the plan.
    pub(super) fn of(
        mut lane: Lane,
        recovered: &Recovered,
        finished: &mut FinishedRows<'_, File>,
    ) -> Result<Option<Self>, LearningError> {
        let row = lane.row;
        let (customer, results, replanned, not_kept) = match recovered.row(row) {
            RowState::Untouched => return Ok(None),
            RowState::Unfinished(progress) => {
                let results = progress.operations.clone();
                let replanned = progress.replanned.clone();
                (progress.customer_id, results, replanned, false)
            }
            RowState::Finished => {
                let Some(end) = finished.get(row)? else {
                    return Ok(None);
                };
                let not_kept = end.error.is_some_and(|error| error.code == NOT_KEPT);
                let replanned = finished.replanned(row)?;
                (end.customer_id, end.operations, replanned, not_kept)
            }
        };
        if let Some(payload) = replanned {
            let bad = |reason| LearningError::Record { row: row.0, reason };
            replan(&mut lane, &payload).map_err(bad)?;
        }
        Ok(Some(Self {
            customer: customer.or(lane.customer),
            lane,
            results,
            not_kept,
            unnamed: unnamed_of(recovered, row),
        }))
    }

    /// The values that HelpCrunch stored instead of those that were sent, as a patch from the former to the latter.
    fn kept(&self, finished: &mut FinishedRows<'_, File>) -> Result<Vec<Operation>, LearningError> {
        let row = self.lane.row;
        let payload = match self.not_kept {
            true => finished.kept(row)?,
            false => None,
        };
        let Some(payload) = payload else {
            return Ok(Vec::new());
        };
        let bad = |reason| LearningError::Record { row: row.0, reason };
        Ok(lane_from_json(&payload).map_err(bad)?.1)
    }

    /// The operations that were applied to the customer, or may have been, with what changed along with them.
    pub(super) fn written(
        &self,
        finished: &mut FinishedRows<'_, File>,
    ) -> Result<Vec<Operation>, LearningError> {
        let kept = self.kept(finished)?;
        let operations = self.lane.operations.clone();
        let mut written = possibly_written(operations, &self.results, &kept);
        written.extend(self.unnamed.iter().cloned());
        Ok(written)
    }
}
