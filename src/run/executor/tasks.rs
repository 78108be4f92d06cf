//! Tasks of an executor: a lane, or a batch whose lanes then continue by themselves.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::domain::RowNumber;
use crate::journal::JournalError;
use crate::run::batch;
use crate::run::lane::{self, LaneContext, LaneEnd, LaneJob, SendSlot};

/// How the lane of a row ended.
pub(super) type LaneEnded = (RowNumber, Result<LaneEnd, JournalError>);

/// Sends patches together and then runs their lanes.
pub(super) struct BatchTask {
    pub(super) context: Arc<LaneContext>,
    pub(super) permits: Arc<Semaphore>,
    pub(super) stop: CancellationToken,
    /// Sending on it fails only once the executor is gone.
    pub(super) ended: mpsc::Sender<LaneEnded>,
}

impl BatchTask {
    pub(super) async fn run(self, jobs: Vec<LaneJob>, permit: OwnedSemaphorePermit) {
        let rows: Vec<RowNumber> = jobs.iter().map(|job| job.lane.row).collect();
        let context = Arc::clone(&self.context);
        let sent = tokio::spawn(async move { batch::send(&context, jobs).await }).await;
        drop(permit);
        let jobs = match sent {
            Ok(Ok(jobs)) => jobs,
            failed => return self.end_all(&rows, failed.map(Result::err)).await,
        };
        let mut lanes = JoinSet::new();
        for job in jobs {
            let slot = SendSlot::OnDemand(Arc::clone(&self.permits), self.stop.clone());
            lanes.spawn(run_lane(Arc::clone(&self.context), job, slot));
        }
        while let Some(ended) = lanes.join_next().await {
            if let Ok((ended, slot)) = ended {
                let _ = self.ended.send(ended).await;
                drop(slot);
            }
        }
    }

    /// Ends all lanes of a batch that panicked, or whose journal cannot be written.
    async fn end_all(&self, rows: &[RowNumber], error: Result<Option<JournalError>, JoinError>) {
        let mut error = match error {
            Ok(error) => error,
            Err(panic) => {
                tracing::error!(%panic, "a batch ended by an internal error");
                None
            }
        };
        for row in rows {
            let end = error.take().map_or(Ok(LaneEnd::Pending), Err);
            let _ = self.ended.send((*row, end)).await;
        }
    }
}

/// Runs a lane. A panic in it ends its row and not the run. The slot is to be kept until the executor has received how
/// the lane ended, which may be one failure too many for another lane to begin.
pub(super) async fn run_lane(
    context: Arc<LaneContext>,
    job: LaneJob,
    mut slot: SendSlot,
) -> (LaneEnded, Option<SendSlot>) {
    let row = job.lane.row;
    let lane = tokio::spawn(async move {
        let end = lane::run(&context, job, &mut slot).await;
        (end, slot)
    });
    match lane.await {
        Ok((end, slot)) => ((row, end), Some(slot)),
        Err(panic) => {
            tracing::error!(%row, %panic, "a lane ended by an internal error");
            ((row, Ok(LaneEnd::Pending)), None)
        }
    }
}
