//! Makes a plan: rows in, remote side read, every row decided and compared, the plan's files written.

mod comparison;
mod context;
mod foresight;
mod inputs;
mod kept;
mod made;
mod missing;
mod plan_file;
mod present;
mod remote;
mod row_keys;
mod unknown_keys;

use std::path::Path;
use std::sync::Arc;

use crate::mapping::Schema;
use crate::pace::Clock;
use crate::plan::budget::BudgetRules;
use crate::remote::ReadProgress;
use crate::source::{InputFile, SourceSettings};

use super::intake::{IntakeError, Survey, Taken};
use super::memory::Memory;
use super::planning::PlanRules;
use super::rows::RowDetail;
use super::user_choices::UserChoices;

pub use inputs::{MakingError, Origin, RemoteSource, Tracking};
pub use made::MadePlan;
use remote::Remote;

/// Everything that a plan is made of.
#[derive(Debug, Clone)]
pub struct Making<'a> {
    pub inputs: &'a [InputFile],
    pub source: &'a SourceSettings,
    pub survey: &'a Survey,
    pub schema: &'a Schema,
    pub rules: &'a PlanRules,
    /// The customers that earlier runs of the config wrote or matched; `None` if nothing is done about missing ones.
    pub tracking: Option<&'a Tracking>,
    pub memory: &'a Memory,
    /// What the user decided about ambiguous rows.
    pub choices: &'a UserChoices,
    pub limit: Option<u64>,
    pub examples: usize,
    /// Whether the preview explains why the remote side was read as it was.
    pub explains: bool,
    /// About how many bytes of memory it may take; `None`: any number.
    pub memory_limit: Option<u64>,
    pub budget: BudgetRules,
    pub remote: RemoteSource<'a>,
    pub origin: Origin,
    pub clock: Clock,
    /// Where `plan.jsonl` and `rows.jsonl` go.
    pub plan_file: &'a Path,
    pub rows_file: &'a Path,
    /// What of the rows is kept in it.
    pub row_detail: RowDetail,
    /// Where ambiguous rows go.
    pub ambiguous_file: &'a Path,
}

impl Making<'_> {
    /// Makes the plan. `finished_runs` of the account decide whether the default limits guard. Every pass over the rows
    /// asks `stopped` as it goes.
    ///
    /// # Errors
    /// See [`MakingError`]. Nothing was written remotely, whatever it is.
    pub async fn make(
        &self,
        finished_runs: u64,
        progress: &dyn ReadProgress,
        stopped: &dyn Fn() -> bool,
    ) -> Result<MadePlan, MakingError> {
        match self.make_unless(finished_runs, progress, stopped).await {
            Err(_) if stopped() => Err(IntakeError::Stopped.into()),
            made => made,
        }
    }

    async fn make_unless(
        &self,
        finished_runs: u64,
        progress: &dyn ReadProgress,
        stopped: &dyn Fn() -> bool,
    ) -> Result<MadePlan, MakingError> {
        let mut schema = self.look_ahead(stopped)?;
        let mut remote = None;
        // What is taken for granted at first may turn out wrong, the units and the keys once each.
        loop {
            let making = Making {
                schema: &schema,
                ..self.clone()
            };
            let made = making.make_once(&mut remote, finished_runs, progress, stopped);
            match made.await {
                Err(MakingError::OtherUnits(survey)) => {
                    Arc::make_mut(&mut schema).decide_units(&survey);
                }
                Err(MakingError::UnknownKeys) => {}
                made => return made,
            }
        }
    }

    /// Makes the plan. The remote side is read unless that was done before; what was taken for granted of it and turned out wrong
    /// is left for the next time.
    async fn make_once(
        &self,
        remote: &mut Option<Remote>,
        finished_runs: u64,
        progress: &dyn ReadProgress,
        stopped: &dyn Fn() -> bool,
    ) -> Result<MadePlan, MakingError> {
        let read = match remote.take() {
            None => self.read_remote(progress, stopped).await?,
            Some(read) => read,
        };
        let read = remote.insert(read);
        let made = self
            .make_against(read, finished_runs, progress, stopped)
            .await;
        if matches!(made, Err(MakingError::UnknownKeys)) && read.opening.is_some() {
            // Before the reading is taken: the rows may decide other units, and then it is used again.
            let keys = self.row_keys(read.snapshot(), stopped)?;
            if let Some(read) = remote.take() {
                *remote = Some(self.read_unknown(read, keys, progress, stopped).await?);
            }
        }
        made
    }

    /// Whether all rows count in the units that the first ones were taken to.
    fn confirm_units(&self, taken: &Taken) -> Result<(), MakingError> {
        match self.schema.has_provisional_units() && !self.schema.has_units_of(&taken.units) {
            true => Err(MakingError::OtherUnits(Box::new(taken.units.clone()))),
            false => Ok(()),
        }
    }
}
