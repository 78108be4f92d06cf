//! How lanes ended, and what that means for the run.

use super::tasks::LaneEnded;
use super::{Executor, ExecutorError, SendProgress};
use crate::domain::{Issue, IssueKind, RowNumber};
use crate::journal::{FinishedRow, JournalRecord};
use crate::outcome::RowStatus;
use crate::run::field_refusals::NOT_SENT;
use crate::run::lane::LaneEnd;

impl<P: SendProgress> Executor<'_, P> {
    pub(super) async fn handle_ended(&mut self, (row, end): LaneEnded) {
        while self.tasks.try_join_next().is_some() {}
        match end {
            Ok(LaneEnd::Finished(finished)) => {
                self.scheduler.end_lane();
                self.count(&finished);
            }
            Ok(LaneEnd::Stale(job)) => {
                let cost = self.rules.cost(&job.lane.operations);
                let again = job.freshness.rereads > 1;
                self.scheduler.end_stale(*job, cost, again);
            }
            Ok(LaneEnd::Pending)
                if self.lanes.context.client.gate().stop_reason().is_some()
                    || self.lanes.stop.is_cancelled() =>
            {
                self.scheduler.end_unsent(1);
            }
            Ok(LaneEnd::Pending) => {
                self.scheduler.end_lane();
                self.record_crash(row).await;
            }
            Err(error) => {
                self.scheduler.end_lane();
                self.abort(error.into());
            }
        }
        self.check_stop();
    }

    /// Records a lane that ended by a bug of hcsync: what it sent is not known.
    async fn record_crash(&mut self, row: RowNumber) {
        let message =
            "an internal error of hcsync ended this row; what was sent for it is not known";
        let issue = Issue::new(IssueKind::Safety, "internal", message)
            .hint("check the customer in HelpCrunch, and report this as a bug of hcsync");
        self.finish_row(FinishedRow {
            row,
            status: RowStatus::InDoubt,
            customer_id: None,
            operations: Vec::new(),
            error: Some(issue),
            warnings: Vec::new(),
        })
        .await;
    }

    /// Records and counts a row that no lane finishes.
    pub(super) async fn finish_row(&mut self, finished: FinishedRow) {
        let entry = JournalRecord::Row(finished.clone());
        match self.lanes.context.journal.append_grouped(&entry).await {
            Ok(()) => self.count(&finished),
            Err(error) => self.abort(error.into()),
        }
    }

    fn count(&mut self, finished: &FinishedRow) {
        let status = finished.status;
        self.progress.row_done(status);
        // What is no longer sent costs no request, so that it need not stop the run.
        let error = finished.error.as_ref();
        let is_only_left_out = error.is_some_and(|error| error.code == NOT_SENT);
        if matches!(status, RowStatus::Failed | RowStatus::InDoubt) && !is_only_left_out {
            self.scheduler.count_failure();
        }
    }

    pub(super) fn abort(&mut self, error: ExecutorError) {
        tracing::error!(%error, "the run cannot continue");
        self.error.get_or_insert(error);
        self.scheduler.stop();
    }
}
