//! Reads customers by their ids where a search result may be too old: search may lag.

use std::collections::BTreeSet;

use crate::domain::{CustomerId, RemoteCustomer};
use crate::helpcrunch::ReadClient;
use crate::journal::{WrittenError, WrittenReader};
use crate::plan::writes::WriteRules;
use crate::run::in_doubt::is_in_place;
use crate::run::lane::LaneJob;
use crate::run::recent::get_if_exists;

use super::reread::RereadCustomers;
use super::{RefreshError, Refresher};

impl Refresher {
    /// Reads a job's customer by its id if a search may have shown too old a state and that matters: a write in doubt is
    /// not in place, or a stale value would do harm. `by_id` holds the customers that were read so before.
    pub(super) async fn read_by_id<'j>(
        &self,
        client: &ReadClient,
        writes: &WriteRules,
        customers: impl Iterator<Item = (&'j LaneJob, Option<CustomerId>)>,
        reread: &mut RereadCustomers,
        by_id: &mut BTreeSet<CustomerId>,
    ) -> Result<(), RefreshError> {
        let mut wanted = Vec::new();
        {
            let written = self.memory.written(&self.rules.ownership)?;
            for (job, id) in customers {
                let Some(id) = id else { continue };
                let found = reread.get(id);
                let is_in_doubt =
                    found.is_some_and(|found| !is_in_place(&job.lane, &job.progress, found));
                if (is_in_doubt || self.needs_read_by_id(writes, job, found, &written)?)
                    && by_id.insert(id)
                {
                    wanted.push(id);
                }
            }
        }
        for id in wanted {
            reread.add(get_if_exists(client, id).await?);
        }
        Ok(())
    }

    /// Whether a search result may be too old for what will be sent.
    fn needs_read_by_id(
        &self,
        writes: &WriteRules,
        job: &LaneJob,
        found: Option<&RemoteCustomer>,
        written: &WrittenReader,
    ) -> Result<bool, WrittenError> {
        if !writes.search_lags {
            return Ok(false);
        }
        if writes.needs_read_by_id(&job.lane.operations) {
            return Ok(true);
        }
        let diff = found.map(|customer| self.difference(job, customer, written));
        let diff = diff.transpose()?.flatten();
        Ok(diff.is_some_and(|diff| writes.needs_read_by_id(&diff.operations())))
    }
}
