//! Lanes whose customers have to be read again before they are sent.

use crate::domain::Issue;
use crate::journal::{FinishedRow, JournalRecord, Replanned};
use crate::outcome::{OperationResult, RowStatus};
use crate::plan::codec::lane_to_json;

use super::{Executor, SendProgress};
use crate::run::freshness::{RefreshMode, Refreshed, is_stop, unsent_results};
use crate::run::in_doubt::has_doubts;
use crate::run::lane::LaneJob;

impl<P: SendProgress> Executor<'_, P> {
    /// Keeps a lane until it is read again, together with others.
    pub(super) fn hold(&mut self, job: LaneJob) {
        self.together.add(self.rules.cost(&job.lane.operations));
        self.held.push(job);
    }

    pub(super) fn needs_reread(&self, job: &LaneJob) -> bool {
        let is_stale = self
            .settings
            .read_at
            .as_ref()
            .is_none_or(|read| read.age_of(job.lane.customer) >= self.context.recheck_after);
        // A create in doubt is settled by looking for its customer; finding one does not make the lane stale.
        let creates = job.lane.customer.is_none();
        has_doubts(&job.lane, &job.progress)
            || !job.progress.has_applied(creates)
                && (self.refresher.mode == RefreshMode::Exact
                    || is_stale
                    || self.rules.needs_reread(&job.lane.operations))
    }

    /// Reads the customers of all held lanes again and dispatches the lanes.
    pub(super) async fn refresh_held(&mut self) {
        let jobs = std::mem::take(&mut self.held);
        self.together.clear();
        if jobs.is_empty() {
            return;
        }
        let count = jobs.len() as u64;
        match self
            .refresher
            .refresh(&self.context.client, &self.rules, jobs)
            .await
        {
            Ok(refreshed) => {
                for lane in refreshed {
                    self.dispatch_refreshed(lane).await;
                }
                // A batch of fresh readings does not wait for others to be read.
                self.send_next_batch().await;
            }
            Err(error) => {
                self.outcome.pending += count;
                if !is_stop(&error) {
                    self.abort(error.into());
                }
                self.stop.cancel();
            }
        }
    }

    async fn dispatch_refreshed(&mut self, refreshed: Refreshed) {
        match refreshed {
            Refreshed::Unchanged(job) => self.dispatch(job).await,
            Refreshed::Replanned(job) => {
                let entry = JournalRecord::Replanned(Replanned {
                    row: job.lane.row,
                    payload: lane_to_json(&job.lane),
                });
                match self.context.journal.append(&entry).await {
                    Ok(()) => self.dispatch(job).await,
                    Err(error) => self.abort(error.into()),
                }
            }
            Refreshed::Skipped(job) => {
                self.finish_unsent(&job, RowStatus::Skipped, Vec::new(), None)
                    .await;
            }
            Refreshed::Failed(job, issue) => {
                let operations = unsent_results(&job);
                self.finish_unsent(&job, RowStatus::Failed, operations, Some(issue))
                    .await;
            }
        }
    }

    async fn finish_unsent(
        &mut self,
        job: &LaneJob,
        status: RowStatus,
        operations: Vec<OperationResult>,
        error: Option<Issue>,
    ) {
        self.finish_row(FinishedRow {
            row: job.lane.row,
            status,
            customer_id: job.lane.customer,
            operations,
            error,
            warnings: Vec::new(),
        })
        .await;
    }
}
