//! Sends a plan: lanes in, results into the journal, so many at a time. It owns what is running; lanes own
//! themselves.

mod running;

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::domain::{Issue, IssueKind, RemoteCustomer, RowNumber};
use crate::journal::{Entry, FinishedRow, JournalError, Replanned};
use crate::outcome::{OperationResult, OperationStatus, RowStatus};
use crate::plan::codec::lane_to_json;
use crate::plan::writes::{BATCH_MOST, Together, WriteRules};
use crate::plan::{Operation, OperationKind};
use crate::remote::ReadTimes;

use super::batch::Notices;
use super::freshness::{Freshness, RefreshError, Refreshed, Refresher, left_unsent, stops};
use super::in_doubt::has_doubts;
use super::lane::{LaneContext, LaneEnd, LaneJob, Place};
use running::{BatchOfLanes, Ended, run_lane};

/// Creates that may be settling at one time.
pub const MOST_SETTLING: usize = 256;

/// How a plan is sent.
#[derive(Debug, Clone)]
pub struct ExecutorSettings {
    pub concurrency: usize,
    /// How many customers are read again at a time.
    pub together: Together,
    /// When the customers were read that the plan stands on; nothing where it is not known: everything is read again.
    pub read_at: Option<ReadTimes>,
    /// So many failed rows stop the run; 0: none do.
    pub max_failures: u64,
    /// What is to be told of rows because of what happened before an interruption.
    pub notices: Notices,
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
    Refresh(#[from] RefreshError),
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
    /// As they are known, as long as batches are not turned off.
    rules: WriteRules,
    running: JoinSet<()>,
    /// How lanes ended, from those that run.
    told: mpsc::Receiver<Ended>,
    tell: mpsc::Sender<Ended>,
    /// Lanes that have to be read again before they are sent.
    held: Vec<LaneJob>,
    together: Together,
    /// Lanes that wait for a batch to be full.
    forming: Vec<LaneJob>,
    sending: Sending,
}

/// Ends that wait to be counted; a lane that has ended holds no place meanwhile.
const MOST_TOLD: usize = 64;

impl<'a, P: SendProgress> Executor<'a, P> {
    pub fn new(
        context: Arc<LaneContext>,
        refresher: &'a Refresher,
        settings: ExecutorSettings,
        stop: CancellationToken,
        progress: &'a P,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(settings.concurrency.max(1)));
        let (tell, told) = mpsc::channel(MOST_TOLD);
        Self {
            rules: context.rules.clone(),
            context,
            refresher,
            stop,
            progress,
            permits,
            running: JoinSet::new(),
            told,
            tell,
            held: Vec::new(),
            together: settings.together,
            forming: Vec::new(),
            sending: Sending::default(),
            settings,
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
        loop {
            if !self.stops() {
                self.refresh().await;
                self.send_forming().await;
            }
            let Some(ended) = self.next_ended().await else {
                if self.held.is_empty() || self.stops() {
                    break;
                }
                continue;
            };
            self.ended(ended).await;
            // Of lanes whose readings grew old together as many as there are are read in one request.
            while let Ok(ended) = self.told.try_recv() {
                self.ended(ended).await;
            }
        }
        self.sending.pending += (self.held.len() + self.forming.len()) as u64;
        self.sending
    }

    fn stops(&self) -> bool {
        self.stop.is_cancelled() || self.sending.error.is_some() || self.sending.too_many_failures
    }

    async fn take(&mut self, mut job: LaneJob) {
        job.notice = self.settings.notices.remove(&job.lane.row);
        if self.context.batches.are_off() {
            self.rules.batch = None;
        }
        if self.context.batches.have_lost() {
            self.rules = WriteRules {
                search_lags: self.rules.search_lags,
                ..WriteRules::default()
            };
        }
        if self.needs_reread(&job) {
            self.hold(job);
        } else {
            // What an earlier process did in part stands on nothing that was read for the plan.
            if !job.progress.has_applied(job.lane.customer.is_none())
                && let Some(read) = &self.settings.read_at
            {
                job.standing.read_at = read.read_at(job.lane.customer);
            }
            self.dispatch(job).await;
        }
        if self.together.is_full() {
            self.refresh().await;
        }
    }

    /// Keeps a lane until it is read again, with others.
    fn hold(&mut self, job: LaneJob) {
        self.together.add(self.rules.cost(&job.lane.operations));
        self.held.push(job);
    }

    fn needs_reread(&self, job: &LaneJob) -> bool {
        let stale = self
            .settings
            .read_at
            .as_ref()
            .is_none_or(|read| read.age_of(job.lane.customer) >= self.context.recheck_after);
        // A create in doubt is settled by looking for its customer; that it finds one does not make it stale.
        let creates = job.lane.customer.is_none();
        has_doubts(&job.lane, &job.progress)
            || !job.progress.has_applied(creates)
                && (self.refresher.freshness == Freshness::Exactly
                    || stale
                    || self.rules.needs_reading(&job.lane.operations))
    }

    /// Starts a lane, or keeps it until there is a batch for it to go in.
    async fn dispatch(&mut self, job: LaneJob) {
        if !self.goes_in_batch(&job) {
            return self.start(job).await;
        }
        self.forming.push(job);
        if self.forming.len() >= BATCH_MOST {
            self.send_forming().await;
        }
    }

    fn goes_in_batch(&self, job: &LaneJob) -> bool {
        let operations = &job.lane.operations;
        let is_done = |result: &OperationResult| result.status == OperationStatus::Done;
        let knows = |customer: &RemoteCustomer| customer.custom_data.is_known();
        let whole = match (operations.first(), self.rules.batch) {
            (Some(Operation::Patch(patch)), Some(batch)) => {
                batch.merges
                    || patch.custom_data.is_empty()
                    || job.before.as_ref().is_some_and(knows)
            }
            _ => false,
        };
        whole
            && self.rules.goes_in_batch(operations)
            && job.lane.customer.is_some()
            && !job
                .progress
                .result(OperationKind::Patch)
                .is_some_and(is_done)
    }

    /// Sends what waits for a batch, full or not; one alone goes as a patch.
    async fn send_forming(&mut self) {
        let jobs = std::mem::take(&mut self.forming);
        if jobs.is_empty() {
            return;
        }
        let Some(permit) = self.place().await else {
            self.sending.pending += jobs.len() as u64;
            return;
        };
        self.spawn_batch(jobs, permit);
    }

    async fn refresh(&mut self) {
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
                for one in refreshed {
                    self.refreshed(one).await;
                }
                // What was just read does not wait for others to be read.
                self.send_forming().await;
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
            Refreshed::Same(job) => self.dispatch(job).await,
            Refreshed::Anew(job) => {
                let payload = lane_to_json(&job.lane);
                let entry = Entry::Replanned(Replanned {
                    row: job.lane.row,
                    payload,
                });
                match self.context.journal.append(&entry).await {
                    Ok(()) => self.dispatch(job).await,
                    Err(error) => self.break_off(error.into()),
                }
            }
            Refreshed::Skipped(job) => {
                self.finish_unsent(&job, RowStatus::Skipped, Vec::new(), None)
                    .await;
            }
            Refreshed::Failed(job, issue) => {
                let operations = left_unsent(&job);
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
        let finished = FinishedRow {
            row: job.lane.row,
            status,
            customer_id: job.lane.customer,
            operations,
            error,
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

    /// Starts a lane as soon as there is room.
    async fn start(&mut self, job: LaneJob) {
        let Some(permit) = self.place().await else {
            self.sending.pending += 1;
            return;
        };
        let (context, tell) = (Arc::clone(&self.context), self.tell.clone());
        self.running.spawn(async move {
            let (ended, place) = run_lane(context, job, Place::Held(permit)).await;
            // Only a run that was given up has nobody left to tell.
            let _ = tell.send(ended).await;
            drop(place);
        });
    }

    /// Waits for room, and takes in what ends meanwhile. Nothing where the run stops.
    async fn place(&mut self) -> Option<OwnedSemaphorePermit> {
        loop {
            if self.stops() {
                return None;
            }
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return None,
                Some(ended) = self.told.recv() => self.ended(ended).await,
                _ = self.running.join_next(), if !self.running.is_empty() => {}
                permit = Arc::clone(&self.permits).acquire_owned() => return permit.ok(),
            }
        }
    }

    /// Sends these patches together; each lane then goes on by itself.
    fn spawn_batch(&mut self, jobs: Vec<LaneJob>, permit: OwnedSemaphorePermit) {
        let together = BatchOfLanes {
            context: Arc::clone(&self.context),
            permits: Arc::clone(&self.permits),
            stop: self.stop.clone(),
            tell: self.tell.clone(),
        };
        self.running.spawn(together.run(jobs, permit));
    }

    /// How the next of the running lanes ended; nothing where none runs.
    async fn next_ended(&mut self) -> Option<Ended> {
        loop {
            if let Ok(ended) = self.told.try_recv() {
                return Some(ended);
            }
            if self.running.is_empty() {
                return None;
            }
            tokio::select! {
                biased;
                ended = self.told.recv() => return ended,
                _ = self.running.join_next() => {}
            }
        }
    }

    async fn ended(&mut self, (row, end): Ended) {
        match end {
            Ok(LaneEnd::Finished(finished)) => self.count(finished.status),
            Ok(LaneEnd::Outdated(job)) => {
                // Read with fewer others the next time, if it was read again already.
                if job.standing.rereads > 1 {
                    self.together.shrink();
                }
                self.hold(*job);
            }
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
