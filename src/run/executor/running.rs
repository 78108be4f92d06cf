//! Tasks of an executor: a lane, or a batch whose lanes then go on by themselves.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::domain::RowNumber;
use crate::journal::JournalError;
use crate::run::batch;
use crate::run::lane::{self, LaneContext, LaneEnd, LaneJob, Place};

/// How a lane ended.
pub(super) type Ended = (RowNumber, Result<LaneEnd, JournalError>);

/// What lanes need whose patches go together.
pub(super) struct BatchOfLanes {
    pub(super) context: Arc<LaneContext>,
    pub(super) permits: Arc<Semaphore>,
    pub(super) stop: CancellationToken,
    pub(super) tell: mpsc::Sender<Ended>,
}

impl BatchOfLanes {
    /// Only a run that was given up has nobody left to tell.
    pub(super) async fn run(self, jobs: Vec<LaneJob>, permit: OwnedSemaphorePermit) {
        let rows: Vec<RowNumber> = jobs.iter().map(|job| job.lane.row).collect();
        let sender = Arc::clone(&self.context);
        let sent = tokio::spawn(async move { batch::send(&sender, jobs).await }).await;
        drop(permit);
        let jobs = match sent {
            Ok(Ok(jobs)) => jobs,
            broken => return tell_broken(&rows, broken.map(Result::err), &self.tell).await,
        };
        let mut lanes = JoinSet::new();
        for job in jobs {
            let place = Place::Later(Arc::clone(&self.permits), self.stop.clone());
            lanes.spawn(run_lane(Arc::clone(&self.context), job, place));
        }
        while let Some(ended) = lanes.join_next().await {
            if let Ok((ended, place)) = ended {
                let _ = self.tell.send(ended).await;
                drop(place);
            }
        }
    }
}

/// Runs a lane. One that panics becomes an outcome of its row, not the end of the run. Its place is to be kept until the executor
/// was told of its end, which may be one failure too many for another lane to begin.
pub(super) async fn run_lane(
    context: Arc<LaneContext>,
    job: LaneJob,
    mut place: Place,
) -> (Ended, Option<Place>) {
    let row = job.lane.row;
    let lane = tokio::spawn(async move {
        let end = lane::run(&context, job, &mut place).await;
        (end, place)
    });
    match lane.await {
        Ok((end, place)) => ((row, end), Some(place)),
        Err(panic) => {
            tracing::error!(%row, %panic, "a lane ended by a fault of this program");
            ((row, Ok(LaneEnd::Pending)), None)
        }
    }
}

/// A batch ended by a fault of this program, or because the journal cannot be written: all its lanes do.
async fn tell_broken(
    rows: &[RowNumber],
    error: Result<Option<JournalError>, JoinError>,
    tell: &mpsc::Sender<Ended>,
) {
    let mut error = match error {
        Ok(error) => error,
        Err(panic) => {
            tracing::error!(%panic, "a batch ended by a fault of this program");
            None
        }
    };
    for row in rows {
        let end = error.take().map_or(Ok(LaneEnd::Pending), Err);
        let _ = tell.send((*row, end)).await;
    }
}
