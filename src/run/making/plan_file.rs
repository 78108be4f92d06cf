//! Writes the plan that was made.

use crate::plan::RemoteFacts;
use crate::plan::budget::Budget;
use crate::plan::codec::{PLAN_VERSION, PlanHeader, PlannedMissing};
use crate::plan::previewer::Previewer;
use crate::platform::AtomicFile;
use crate::run::intake::Taken;
use crate::run::planning::Sinks;

use super::comparison::ComparedRows;
use super::{Making, MakingError};

/// A plan as it was written.
pub(super) struct WrittenPlan {
    pub(super) previewer: Previewer,
    pub(super) budget: Budget,
    pub(super) digest: String,
    pub(super) taken: Taken,
    pub(super) notes: Vec<String>,
}

impl Making<'_> {
    /// # Errors
    /// See [`MakingError`]; the plan's files are not written then.
    pub(super) fn write_plan(
        &self,
        rows: ComparedRows,
        facts: &RemoteFacts,
        missing: Option<PlannedMissing>,
    ) -> Result<WrittenPlan, MakingError> {
        let ComparedRows {
            sinks,
            taken,
            notes,
            ..
        } = rows;
        let Sinks {
            plan,
            rows,
            previewer,
            budget,
        } = sinks;
        let header = PlanHeader {
            hcsync_plan: PLAN_VERSION,
            run_id: self.origin.run_id.clone(),
            created_at: self.clock.rfc3339(),
            base_url: self.origin.base_url.clone(),
            account: self.origin.account.clone(),
            key: self.origin.key.clone(),
            inputs: taken.inputs.clone(),
            config_sha256: self.origin.config_sha256.clone(),
            remote: facts.clone(),
            undoes: None,
            missing,
        };
        let plan_file = AtomicFile::create(self.plan_file)?;
        let (plan, digest) = plan.finish(plan_file, &header, previewer.counts())?;
        // A run counts as planned once its plan exists, so everything else is written before.
        rows.finish()?.commit()?;
        plan.commit()?;
        Ok(WrittenPlan {
            previewer,
            budget,
            digest,
            taken,
            notes,
        })
    }
}
