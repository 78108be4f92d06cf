//! Tasks of an executor: a lane, or a batch whose lanes then continue by themselves.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

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
        let row = job.lane.row;
        let end = match catch_panic(Box::pin(lane::run(&self.context, job, &mut slot))).await {
            Ok(end) => end,
            Err(panic) => {
                tracing::error!(%row, panic, "a lane ended by an internal error");
                Ok(LaneEnd::Pending)
            }
        };
        let _ = self.ended.send((row, end)).await;
        drop(slot);
    }

    /// Sends patches together and then runs their lanes.
    pub(super) async fn run_batch(self, jobs: Vec<LaneJob>, permit: OwnedSemaphorePermit) {
        let rows: Vec<RowNumber> = jobs.iter().map(|job| job.lane.row).collect();
        let sent = catch_panic(Box::pin(batch::send(&self.context, jobs))).await;
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
                tracing::error!(panic, "a batch ended by an internal error");
                None
            }
        };
        for row in rows {
            let end = error.take().map_or(Ok(LaneEnd::Pending), Err);
            let _ = self.ended.send((row, end)).await;
        }
    }
}

/// Runs a future to its end, or to a panic, whose message is the error.
async fn catch_panic<T>(mut future: Pin<Box<impl Future<Output = T>>>) -> Result<T, String> {
    // What the future shares with others is behind locks that can be taken after a panic.
    let poll = |context: &mut std::task::Context<'_>| match catch_unwind(AssertUnwindSafe(|| {
        future.as_mut().poll(context)
    })) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(message(panic.as_ref()))),
    };
    std::future::poll_fn(poll).await
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without a message".to_owned())
}
