//! Reads customers by their ids of whom a search may tell too little: search may be behind.

use std::collections::BTreeSet;

use crate::domain::{CustomerId, RemoteCustomer};
use crate::helpcrunch::ReadClient;
use crate::journal::{WrittenError, WrittenReader};
use crate::plan::writes::WriteRules;
use crate::run::in_doubt::is_in_place;
use crate::run::lane::LaneJob;
use crate::run::recent::ask_for;

use super::found::Fresh;
use super::{RefreshError, Refresher};

impl Refresher {
    /// Reads those of the jobs' customers by their ids of whom a search may have shown too old a state, unless they were
    /// read so before: where a write in doubt is not in place, or where that would do harm.
    pub(super) async fn read_by_id<'j>(
        &self,
        client: &ReadClient,
        writes: &WriteRules,
        customers: impl Iterator<Item = (&'j LaneJob, Option<CustomerId>)>,
        fresh: &mut Fresh,
        by_id: &mut BTreeSet<CustomerId>,
    ) -> Result<(), RefreshError> {
        let mut wanted = Vec::new();
        {
            let written = self.memory.written(&self.rules.ownership)?;
            for (job, id) in customers {
                let Some(id) = id else { continue };
                let found = fresh.get(id);
                let is_in_doubt =
                    found.is_some_and(|found| !is_in_place(&job.lane, &job.progress, found));
                if (is_in_doubt || self.needs_reading_by_id(writes, job, found, &written)?)
                    && by_id.insert(id)
                {
                    wanted.push(id);
                }
            }
        }
        for id in wanted {
            fresh.add(ask_for(client, id).await?);
        }
        Ok(())
    }

    /// Whether what a search found of a customer may be too old for what will be sent.
    fn needs_reading_by_id(
        &self,
        writes: &WriteRules,
        job: &LaneJob,
        found: Option<&RemoteCustomer>,
        written: &WrittenReader,
    ) -> Result<bool, WrittenError> {
        if !writes.search_lags {
            return Ok(false);
        }
        if writes.needs_reading_by_id(&job.lane.operations) {
            return Ok(true);
        }
        let diff = found.map(|customer| self.difference(job, customer, written));
        let diff = diff.transpose()?.flatten();
        Ok(diff.is_some_and(|diff| writes.needs_reading_by_id(&diff.operations())))
    }
}
