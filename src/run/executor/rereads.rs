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
    pub(super) fn needs_reread(&self, job: &LaneJob) -> bool {
        let is_stale =
            self.settings.read_at.as_ref().is_none_or(|read| {
                read.age_of(job.lane.customer) >= self.lanes.context.recheck_after
            });
        // A create in doubt is settled by looking for its customer; finding one does not make the lane stale.
        let creates = job.lane.customer.is_none();
        has_doubts(&job.lane, &job.progress)
            || !job.progress.has_applied(creates)
                && (self.refresher.mode == RefreshMode::Exact
                    || is_stale
                    || self.rules.needs_reread(&job.lane.operations))
    }

    /// Reads the customers of these lanes again.
    pub(super) async fn reread(&mut self, jobs: Vec<LaneJob>) {
        let lanes = jobs.len();
        let refreshed = self
            .refresher
            .refresh(&self.lanes.context.client, &self.rules, jobs)
            .await;
        match refreshed {
            Ok(refreshed) => {
                self.scheduler.add_reread(refreshed.len());
                self.reread.extend(refreshed);
            }
            Err(error) => {
                self.scheduler.fail_reread(lanes);
                if !is_stop(&error) {
                    self.abort(error.into());
                }
            }
        }
    }

    /// Takes the next lane that was read again.
    pub(super) async fn take_reread(&mut self) {
        match self.reread.pop_front() {
            Some(Refreshed::Unchanged(job)) => self.place(job),
            Some(Refreshed::Replanned(job)) => {
                let entry = JournalRecord::Replanned(Replanned {
                    row: job.lane.row,
                    payload: lane_to_json(&job.lane),
                });
                match self.lanes.context.journal.append_grouped(&entry).await {
                    Ok(()) => self.place(job),
                    Err(error) => self.abort(error.into()),
                }
            }
            Some(Refreshed::Skipped(job)) => {
                self.finish_unsent(&job, RowStatus::Skipped, Vec::new(), None)
                    .await;
            }
            Some(Refreshed::Failed(job, issue)) => {
                let operations = unsent_results(&job);
                self.finish_unsent(&job, RowStatus::Failed, operations, Some(issue))
                    .await;
            }
            None => {}
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
