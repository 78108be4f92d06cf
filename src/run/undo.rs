//! Makes the plan that takes a run back, from the run's plan and journal and from what its customers have now.

mod undo_plan;

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use jiff::Timestamp;

use crate::domain::{CustomerId, RowKey, RowNumber, RunId};
use crate::helpcrunch::{CallError, ReadClient};
use crate::journal::{FinishedRows, RecoveryError, RunDir};
use crate::outcome::OperationResult;
use crate::plan::Operation;
use crate::plan::codec::{LanePlace, PlanHeader, VerifiedPlan};
use crate::platform::FileError;

use super::batch::read_customers;
use super::learning::{LaneHistory, LearningError, open_sent};
use undo_plan::UndoPlan;

/// Customers that are read in one request.
const CUSTOMERS_PER_SEARCH: usize = 100;

/// Why a run cannot be taken back.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    #[error(transparent)]
    Run(#[from] LearningError),
    #[error("the run's customers cannot be read")]
    Call(#[from] CallError),
    #[error("the plan cannot be written")]
    Write(#[from] io::Error),
    #[error(transparent)]
    File(#[from] FileError),
}

impl From<RecoveryError> for UndoError {
    fn from(error: RecoveryError) -> Self {
        Self::Run(error.into())
    }
}

/// A customer of which something stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftCustomer {
    pub customer: CustomerId,
    pub row: RowNumber,
    pub why: LeftReason,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftReason {
    /// These fields and properties were edited since.
    Edited(Vec<String>),
    Gone,
    /// An earlier row of the run wrote the same customer.
    SecondRow,
}

/// What the plan of an undo takes back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MadeUndo {
    /// Customers that the run created and that get the tag of the undo.
    pub tagged: u64,
    /// Customers that the run created and that are deleted.
    pub deleted: u64,
    pub left: Vec<LeftCustomer>,
    /// Rows whose create is in doubt: no customer is known.
    pub unknown: Vec<RowNumber>,
}

/// The tag of customers that a run created and that were taken back.
#[must_use]
pub fn undo_tag(run: &RunId) -> String {
    format!("hcsync-undo-{run}")
}

/// Makes the plan that takes a run back.
#[derive(Debug)]
pub struct UndoMaking<'a> {
    pub run: &'a RunDir,
    pub run_id: &'a RunId,
    /// The plan of that run.
    pub plan: &'a VerifiedPlan,
    pub client: &'a ReadClient,
    /// Whether customers that the run created are deleted if they are as it left them.
    pub deletes_created: bool,
}

/// What a lane of the run wrote.
struct WrittenLane {
    customer: CustomerId,
    row: RowNumber,
    key: RowKey,
    place: LanePlace,
    operations: Vec<Operation>,
    /// When the last of them took effect (UNIX seconds), if that is known.
    written_at: Option<i64>,
}

impl UndoMaking<'_> {
    /// Reads the customers that the run wrote, a hundred in a request, and writes the plan to `out`.
    ///
    /// # Errors
    /// See [`UndoError`].
    pub async fn make(&self, header: &PlanHeader, out: &Path) -> Result<MadeUndo, UndoError> {
        let folder = out.parent().unwrap_or(Path::new("."));
        let mut plan = UndoPlan::new(self, folder)?;
        if let Some((recovered, lanes)) = open_sent(self.run)? {
            let mut finished = FinishedRows::open(&self.run.journal(), &recovered)?;
            let mut waiting = Vec::with_capacity(CUSTOMERS_PER_SEARCH);
            let mut seen = BTreeSet::new();
            for lane in lanes {
                let planned = lane.map_err(LearningError::from)?;
                let (place, row) = (planned.place, planned.lane.row);
                let history = LaneHistory::of(planned.lane, &recovered, &mut finished)?;
                let Some(history) = history else { continue };
                let operations = history.written(&mut finished)?;
                if operations.is_empty() {
                    continue;
                }
                let Some(customer) = history.customer else {
                    plan.made.unknown.push(row);
                    continue;
                };
                if !seen.insert(customer) {
                    plan.leave(customer, row, LeftReason::SecondRow);
                    continue;
                }
                waiting.push(WrittenLane {
                    customer,
                    row,
                    key: history.lane.key,
                    place,
                    operations,
                    written_at: history.results.iter().filter_map(written_at).max(),
                });
                if waiting.len() == CUSTOMERS_PER_SEARCH {
                    self.take_back(std::mem::take(&mut waiting), &mut plan)
                        .await?;
                }
            }
            self.take_back(waiting, &mut plan).await?;
        }
        plan.finish(header, out)
    }

    async fn take_back(
        &self,
        lanes: Vec<WrittenLane>,
        plan: &mut UndoPlan,
    ) -> Result<(), UndoError> {
        if lanes.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = lanes.iter().map(|lane| lane.customer).collect();
        let mut customers = read_customers(self.client, &ids, |_| true).await;
        for lane in lanes {
            match customers.remove(&lane.customer) {
                Some(Ok(customer)) => plan.add(lane, &customer)?,
                Some(Err(error)) if error.is_not_found() => {
                    plan.leave(lane.customer, lane.row, LeftReason::Gone);
                }
                Some(Err(error)) => return Err(error.into()),
                None => {}
            }
        }
        Ok(())
    }
}

fn written_at(result: &OperationResult) -> Option<i64> {
    let at = result.at.as_deref()?.parse::<Timestamp>().ok()?;
    Some(at.as_second())
}
