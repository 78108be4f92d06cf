//! Sends a plan: lanes in, results into the journal, up to `concurrency` lanes at a time.

mod dispatch;
mod ended;
mod rereads;
mod tasks;

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::journal::JournalError;
use crate::outcome::RowStatus;
use crate::plan::RereadWindow;
use crate::plan::scheduler::{Scheduler, Step};
use crate::plan::writes::WriteRules;
use crate::remote::ReadTimes;

use super::batch::RowAlerts;
use super::freshness::{RefreshError, Refreshed, Refresher};
use super::lane::{LaneContext, LaneJob};
use tasks::{LaneEnded, LaneTasks};

/// Creates that may be settling at one time.
pub const MAX_SETTLING: usize = 256;

/// Ended lanes that wait to be counted; such a lane holds no slot meanwhile.
const MAX_ENDED: usize = 64;

/// How a plan is sent.
#[derive(Debug, Clone)]
pub struct ExecutorSettings {
    pub concurrency: usize,
    /// How many customers are read again at a time.
    pub together: RereadWindow,
    /// When the customers were read that the plan relies on; `None` if not known: then everything is read again.
    pub read_at: Option<ReadTimes>,
    /// The run stops after this many failed rows; 0: never.
    pub max_failures: u64,
    /// Rows that failed in an earlier part of the run.
    pub failed: u64,
    /// What is to be reported of rows because of what happened before an interruption.
    pub alerts: RowAlerts,
}

/// Receives progress updates while operations are sent.
pub trait SendProgress: Send + Sync {
    fn row_done(&self, status: RowStatus);
}

/// Why sending ended before the plan did.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Refresh(#[from] RefreshError),
    #[error("the plan cannot be read")]
    Plan(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The outcome of sending a plan.
#[derive(Debug, Default)]
pub struct SendOutcome {
    pub failed: u64,
    pub pending: u64,
    /// The run was stopped because too many rows failed.
    pub too_many_failures: bool,
    pub error: Option<ExecutorError>,
}

/// Sends lanes until they end, the run is stopped, or an error makes it impossible to continue. Carries out what the
/// [`Scheduler`] decides.
#[derive(Debug)]
pub struct Executor<'a, P> {
    refresher: &'a Refresher,
    settings: ExecutorSettings,
    progress: &'a P,
    /// How the account takes writes, as long as batches are not disabled.
    rules: WriteRules,
    scheduler: Scheduler<LaneJob>,
    /// Lanes that were read again and are not placed yet.
    reread: VecDeque<Refreshed>,
    /// What running lanes share with the executor. Their stop is cancelled from outside, or here, to accept no more lanes.
    lanes: LaneTasks,
    tasks: JoinSet<()>,
    /// Receives how lanes ended.
    ended: mpsc::Receiver<LaneEnded>,
    error: Option<ExecutorError>,
}

impl<'a, P: SendProgress> Executor<'a, P> {
    pub fn new(
        context: Arc<LaneContext>,
        refresher: &'a Refresher,
        settings: ExecutorSettings,
        stop: CancellationToken,
        progress: &'a P,
    ) -> Self {
        let (ended_sender, ended) = mpsc::channel(MAX_ENDED);
        Self {
            rules: context.rules.clone(),
            refresher,
            progress,
            scheduler: Scheduler::new(settings.together, settings.max_failures)
                .with_failed(settings.failed),
            reread: VecDeque::new(),
            lanes: LaneTasks {
                context,
                permits: Arc::new(Semaphore::new(settings.concurrency.max(1))),
                stop,
                ended: ended_sender,
            },
            tasks: JoinSet::new(),
            ended,
            error: None,
            settings,
        }
    }

    /// Runs all lanes.
    pub async fn run<E>(mut self, mut jobs: impl Iterator<Item = Result<LaneJob, E>>) -> SendOutcome
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        loop {
            self.check_stop();
            match self.scheduler.next_step() {
                Step::TakePlanned => match jobs.next() {
                    Some(Ok(job)) => self.accept(job),
                    Some(Err(error)) => self.abort(ExecutorError::Plan(Box::new(error))),
                    None => self.scheduler.end_plan(),
                },
                Step::TakeReread => self.take_reread().await,
                Step::Reread(jobs) => self.reread(jobs).await,
                Step::Send(job) => self.send(job).await,
                Step::SendBatch(jobs) => self.send_batch(jobs).await,
                Step::AwaitLane => {
                    if let Some(ended) = self.ended.recv().await {
                        self.handle_ended(ended).await;
                    }
                    // Lanes whose readings became stale at the same time are read again in one request.
                    while let Ok(ended) = self.ended.try_recv() {
                        self.handle_ended(ended).await;
                    }
                }
                Step::Done => break,
            }
        }
        SendOutcome {
            failed: self.scheduler.failed(),
            pending: self.scheduler.unsent(),
            too_many_failures: self.scheduler.has_too_many_failures(),
            error: self.error,
        }
    }

    /// Passes a stop on, from outside to the scheduler or from the scheduler to the lanes. Returns whether the run stops.
    fn check_stop(&mut self) -> bool {
        if self.lanes.stop.is_cancelled() {
            self.scheduler.stop();
        } else if self.scheduler.is_stopped() {
            self.lanes.stop.cancel();
        }
        self.scheduler.is_stopped()
    }

    /// Takes a lane of the plan.
    fn accept(&mut self, mut job: LaneJob) {
        job.alert = self.settings.alerts.remove(&job.lane.row);
        if self.lanes.context.batches.is_disabled() {
            self.rules.batch = None;
        }
        if self.lanes.context.batches.have_lost() {
            self.rules = WriteRules {
                search_lags: self.rules.search_lags,
                ..WriteRules::default()
            };
        }
        if self.needs_reread(&job) {
            let cost = self.rules.cost(&job.lane.operations);
            return self.scheduler.hold(job, cost);
        }
        // A lane that an earlier process sent in part does not rely on what was read for the plan.
        if !job.progress.has_applied(job.lane.customer.is_none())
            && let Some(read) = &self.settings.read_at
        {
            job.freshness.read_at = read.read_at(job.lane.customer);
        }
        self.place(job);
    }

    /// Waits for a permit, and handles lanes that end meanwhile. Returns `None` if the run stops.
    async fn acquire_permit(&mut self) -> Option<OwnedSemaphorePermit> {
        loop {
            // What ended may stop the run, so it is handled before the permit is used that it gave back.
            while let Ok(ended) = self.ended.try_recv() {
                self.handle_ended(ended).await;
            }
            if self.check_stop() {
                return None;
            }
            if let Ok(permit) = Arc::clone(&self.lanes.permits).try_acquire_owned() {
                return Some(permit);
            }
            tokio::select! {
                biased;
                () = self.lanes.stop.cancelled() => return None,
                Some(ended) = self.ended.recv() => self.handle_ended(ended).await,
                permit = Arc::clone(&self.lanes.permits).acquire_owned() => return permit.ok(),
            }
        }
    }
}
