//! Tasks of an executor: a lane, or a batch whose lanes then continue by themselves.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::domain::RowNumber;
use crate::journal::JournalError;
use crate::run::batch;
use crate::run::lane::{self, LaneContext, LaneEnd, LaneJob, SendSlot};

/// How the lane of a row ended.
pub(super) type LaneEnded = (RowNumber, Result<LaneEnd, JournalError>);

/// What the tasks of an executor need.
#[derive(Debug, Clone)]
pub(super) struct LaneTasks {
    pub(super) context: Arc<LaneContext>,
    pub(super) permits: Arc<Semaphore>,
    pub(super) stop: CancellationToken,
    /// Sending on it fails only once the executor is gone.
    pub(super) ended: mpsc::Sender<LaneEnded>,
}

impl LaneTasks {
    /// Runs a lane. A panic in it ends its row and not the run. Its slot is kept until the executor has received how the
    /// lane ended, which may be one failure too many for another lane to begin.
    pub(super) async fn run_lane(self, job: LaneJob, mut slot: SendSlot) {
        let (row, context) = (job.lane.row, self.context);
        let lane = tokio::spawn(async move {
            let end = lane::run(&context, job, &mut slot).await;
            (end, slot)
        });
        let (end, slot) = match lane.await {
            Ok((end, slot)) => (end, Some(slot)),
            Err(panic) => {
                tracing::error!(%row, %panic, "a lane ended by an internal error");
                (Ok(LaneEnd::Pending), None)
            }
        };
        let _ = self.ended.send((row, end)).await;
        drop(slot);
    }

    /// Sends patches together and then runs their lanes.
    pub(super) async fn run_batch(self, jobs: Vec<LaneJob>, permit: OwnedSemaphorePermit) {
        let rows: Vec<RowNumber> = jobs.iter().map(|job| job.lane.row).collect();
        let context = Arc::clone(&self.context);
        let sent = tokio::spawn(async move { batch::send(&context, jobs).await }).await;
        drop(permit);
        let mut error = match sent {
            Ok(Ok(jobs)) => {
                let mut lanes = JoinSet::new();
                for job in jobs {
                    let slot = SendSlot::OnDemand(Arc::clone(&self.permits), self.stop.clone());
                    lanes.spawn(self.clone().run_lane(job, slot));
                }
                while lanes.join_next().await.is_some() {}
                return;
            }
            Ok(Err(error)) => Some(error),
            Err(panic) => {
                tracing::error!(%panic, "a batch ended by an internal error");
                None
            }
        };
        for row in rows {
            let end = error.take().map_or(Ok(LaneEnd::Pending), Err);
            let _ = self.ended.send((row, end)).await;
        }
    }
}
