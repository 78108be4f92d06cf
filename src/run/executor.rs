//! Sends a plan: lanes in, results into the journal, so many at a time. It owns what is running; lanes own
//! themselves.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::domain::{Issue, IssueKind, RowNumber};
use crate::journal::{Entry, FinishedRow, JournalError, Replanned};
use crate::outcome::RowStatus;
use crate::plan::budget::patches_custom_data;
use crate::plan::codec::lane_to_json;
use crate::remote::{ReadTimes, RemoteError};

use super::freshness::{Freshness, Refreshed, Refresher, not_sent, stops};
use super::lane::{self, LaneContext, LaneEnd, LaneJob};

/// Customers that are read again in one request. Small, since the last of them is written some seconds after.
pub const REREAD_BATCH: usize = 25;

/// Creates that may be settling at one time.
pub const MOST_SETTLING: usize = 256;

/// How a plan is sent.
#[derive(Debug, Clone)]
pub struct ExecutorSettings {
    pub concurrency: usize,
    /// Nothing is written on the strength of an older reading.
    pub recheck_after: Duration,
    /// When the customers were read that the plan stands on; nothing where it is not known: everything is read again.
    pub read_at: Option<ReadTimes>,
    /// So many failed rows stop the run; 0: none do.
    pub max_failures: u64,
}

/// Told how far the sending is.
pub trait SendProgress: Send + Sync {
    fn row_done(&self, status: RowStatus);
}

/// Why the sending ended before the plan did.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error("the plan cannot be read")]
    Plan(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What came of the sending.
#[derive(Debug, Default)]
pub struct Sending {
    pub failed: u64,
    pub pending: u64,
    /// The run was stopped because too many rows failed.
    pub too_many_failures: bool,
    pub error: Option<ExecutorError>,
}

/// Sends lanes until they end, the run is stopped, or something makes it impossible to go on.
#[derive(Debug)]
pub struct Executor<'a, P> {
    context: Arc<LaneContext>,
    refresher: &'a Refresher,
    settings: ExecutorSettings,
    /// Cancelled from outside to take on nothing more.
    stop: CancellationToken,
    progress: &'a P,
    permits: Arc<Semaphore>,
    running: JoinSet<Ended>,
    /// Lanes that have to be read again before they are sent.
    held: Vec<LaneJob>,
    sending: Sending,
}

type Ended = (RowNumber, Result<LaneEnd, JournalError>);

impl<'a, P: SendProgress> Executor<'a, P> {
    pub fn new(
        context: Arc<LaneContext>,
        refresher: &'a Refresher,
        settings: ExecutorSettings,
        stop: CancellationToken,
        progress: &'a P,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(settings.concurrency.max(1)));
        let (running, held, sending) = (JoinSet::new(), Vec::new(), Sending::default());
        Self {
            context,
            refresher,
            settings,
            stop,
            progress,
            permits,
            running,
            held,
            sending,
        }
    }

    /// Runs all lanes.
    pub async fn run<E>(mut self, jobs: impl Iterator<Item = Result<LaneJob, E>>) -> Sending
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        for job in jobs {
            match job {
                Ok(job) => self.take(job).await,
                Err(error) => self.break_off(ExecutorError::Plan(Box::new(error))),
            }
            if self.stops() {
                break;
            }
        }
        if !self.stops() {
            self.refresh().await;
        }
        self.sending.pending += self.held.len() as u64;
        while let Some(ended) = self.running.join_next().await {
            self.ended(ended).await;
        }
        self.sending
    }

    fn stops(&self) -> bool {
        self.stop.is_cancelled() || self.sending.error.is_some() || self.sending.too_many_failures
    }

    async fn take(&mut self, job: LaneJob) {
        if self.needs_reread(&job) {
            self.held.push(job);
            if self.held.len() >= REREAD_BATCH {
                self.refresh().await;
            }
        } else {
            self.start(job).await;
        }
    }

    fn needs_reread(&self, job: &LaneJob) -> bool {
        let stale = self
            .settings
            .read_at
            .as_ref()
            .is_none_or(|read| read.age_of(job.lane.customer) >= self.settings.recheck_after);
        // A create in doubt is settled by looking for its customer; that it finds one does not make it stale.
        let begun = job.progress.open.is_some() || job.progress.customer_id.is_some();
        let merges = self.context.merges_custom_data;
        !begun
            && (self.refresher.freshness == Freshness::Exactly
                || stale
                || (!merges && patches_custom_data(&job.lane)))
    }

    async fn refresh(&mut self) {
        let jobs = std::mem::take(&mut self.held);
        if jobs.is_empty() {
            return;
        }
        let count = jobs.len() as u64;
        match self.refresher.refresh(&self.context.client, jobs).await {
            Ok(refreshed) => {
                for one in refreshed {
                    self.refreshed(one).await;
                }
            }
            Err(error) => {
                self.sending.pending += count;
                if !stops(&error) {
                    self.break_off(error.into());
                }
                self.stop.cancel();
            }
        }
    }

    async fn refreshed(&mut self, refreshed: Refreshed) {
        match refreshed {
            Refreshed::Same(job) => self.start(job).await,
            Refreshed::Anew(job) => {
                let payload = lane_to_json(&job.lane);
                let entry = Entry::Replanned(Replanned {
                    row: job.lane.row,
                    payload,
                });
                match self.context.journal.append(&entry).await {
                    Ok(()) => self.start(job).await,
                    Err(error) => self.break_off(error.into()),
                }
            }
            Refreshed::Failed(job, issue) => {
                let operations = not_sent(&job.lane.operations);
                self.finish_unsent(&job, RowStatus::Failed, operations, issue)
                    .await;
            }
        }
    }

    async fn finish_unsent(
        &mut self,
        job: &LaneJob,
        status: RowStatus,
        operations: Vec<crate::outcome::OperationResult>,
        issue: Issue,
    ) {
        let finished = FinishedRow {
            row: job.lane.row,
            status,
            customer_id: job.lane.customer,
            operations,
            error: Some(issue),
            warnings: Vec::new(),
        };
        match self
            .context
            .journal
            .append(&Entry::Row(finished.clone()))
            .await
        {
            Ok(()) => self.count(finished.status),
            Err(error) => self.break_off(error.into()),
        }
    }

    /// Starts a lane as soon as there is room; takes in what ends meanwhile.
    async fn start(&mut self, job: LaneJob) {
        let permit = loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    self.sending.pending += 1;
                    return;
                }
                Some(ended) = self.running.join_next(), if !self.running.is_empty() => self.ended(ended).await,
                permit = Arc::clone(&self.permits).acquire_owned() => break permit,
            }
            if self.stops() {
                self.sending.pending += 1;
                return;
            }
        };
        let Ok(permit) = permit else { return };
        self.spawn(job, permit);
    }

    fn spawn(&mut self, job: LaneJob, permit: OwnedSemaphorePermit) {
        let context = Arc::clone(&self.context);
        let row = job.lane.row;
        self.running.spawn(async move {
            // A lane that panics becomes an outcome of its row, not the end of the run.
            let lane = tokio::spawn(async move { lane::run(&context, job, permit).await });
            let end = lane.await.unwrap_or_else(|panic| {
                tracing::error!(%row, %panic, "a lane ended by a fault of this program");
                Ok(LaneEnd::Pending)
            });
            (row, end)
        });
    }

    async fn ended(&mut self, ended: Result<Ended, tokio::task::JoinError>) {
        let Ok((row, end)) = ended else { return };
        match end {
            Ok(LaneEnd::Finished(finished)) => self.count(finished.status),
            Ok(LaneEnd::Pending)
                if self.context.client.gate().stop_reason().is_some()
                    || self.stop.is_cancelled() =>
            {
                self.sending.pending += 1;
                self.stop.cancel();
            }
            Ok(LaneEnd::Pending) => self.fault(row).await,
            Err(error) => self.break_off(error.into()),
        }
    }

    /// A lane that ended by a fault of this program: what it sent is not known.
    async fn fault(&mut self, row: RowNumber) {
        let issue = Issue::new(
            IssueKind::Safety,
            "internal",
            "a fault of hcsync ended this row; what was sent for it is not known",
        )
        .hint("look at the customer in HelpCrunch, and report this as a bug of hcsync");
        let status = RowStatus::InDoubt;
        let finished = FinishedRow {
            row,
            status,
            customer_id: None,
            operations: vec![],
            error: Some(issue),
            warnings: vec![],
        };
        match self.context.journal.append(&Entry::Row(finished)).await {
            Ok(()) => self.count(status),
            Err(error) => self.break_off(error.into()),
        }
    }

    fn count(&mut self, status: RowStatus) {
        self.progress.row_done(status);
        if matches!(status, RowStatus::Failed | RowStatus::InDoubt) {
            self.sending.failed += 1;
            let most = self.settings.max_failures;
            if most > 0 && self.sending.failed >= most {
                self.sending.too_many_failures = true;
                self.stop.cancel();
            }
        }
    }

    fn break_off(&mut self, error: ExecutorError) {
        tracing::error!(%error, "the run cannot go on");
        self.sending.error.get_or_insert(error);
        self.stop.cancel();
    }
}
