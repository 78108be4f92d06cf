use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::call::CallAttempts;
use super::exchange::AttemptOutcome;
use super::staleness::StalenessGuard;
use super::state::{GateState, GateStep};
use super::{GateStats, StopKind, StopReason, StopTokens};
use crate::helpcrunch::{
    CallError, CallReport, DecodeError, Endpoint, LimitSettings, Scrubber, Transport, WireRequest,
};
use crate::pace::{Clock, SharedPace, WritePermit};

/// The parts of a [`Gate`].
#[derive(Debug)]
pub struct GateParts {
    pub transport: Arc<dyn Transport>,
    pub limits: LimitSettings,
    pub clock: Clock,
    pub stops: StopTokens,
    /// Keeps the key out of every text that comes from the server.
    pub scrubber: Scrubber,
    /// Seed of all jitter.
    pub seed: u64,
}

/// Requests queue here for their turn, in the order in which they arrive.
#[derive(Debug)]
pub struct Gate {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Clock,
    pub(super) stops: StopTokens,
    pub(super) scrubber: Scrubber,
    max_attempts: u32,
    pub(super) max_retry_wait: Duration,
    state: Mutex<GateState>,
    in_flight: Semaphore,
    /// Held by the head of the queue until its request may go. Fair: first come, first served.
    turn: tokio::sync::Mutex<()>,
    /// Cancelled when the gate closes, which ends every wait.
    closed: CancellationToken,
    /// Bumped when a wait at the head of the queue may have become shorter.
    pub(super) news: watch::Sender<()>,
}

/// Why a request is not sent.
pub(super) enum NotAdmitted {
    Stopped(StopKind),
    Outdated,
}

impl From<StopKind> for NotAdmitted {
    fn from(stop: StopKind) -> Self {
        Self::Stopped(stop)
    }
}

/// Counts a call as under way until it ends or its future is dropped.
struct CallGuard<'a>(&'a Gate);

impl Drop for CallGuard<'_> {
    fn drop(&mut self) {
        let now = self.0.clock.now();
        self.0.state().leave(now);
    }
}

impl Gate {
    #[must_use]
    pub fn new(parts: GateParts) -> Self {
        let limits = parts.limits;
        let now = parts.clock.now();
        Self {
            transport: parts.transport,
            clock: parts.clock,
            stops: parts.stops,
            scrubber: parts.scrubber,
            max_attempts: limits.max_attempts.max(1),
            max_retry_wait: limits.max_retry_wait,
            in_flight: Semaphore::new(usize::try_from(limits.concurrency.max(1)).unwrap_or(1)),
            state: Mutex::new(GateState::new(limits, parts.seed, now)),
            turn: tokio::sync::Mutex::new(()),
            closed: CancellationToken::new(),
            news: watch::Sender::new(()),
        }
    }

    /// Keeps the limit together with other processes.
    pub fn share_pace(&self, pace: Box<dyn SharedPace>) {
        self.state().share_pace(pace);
    }

    /// Asks for permission before each write.
    pub fn require_permit(&self, permit: Arc<dyn WritePermit>) {
        self.state().require_permit(permit);
    }

    /// What closed the gate, if it is closed.
    #[must_use]
    pub fn stop_reason(&self) -> Option<StopReason> {
        if self.is_stopped() {
            self.close_by_signal();
        }
        self.state().stop_reason().cloned()
    }

    /// Waits until the gate closes; returns immediately if it is closed.
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }

    #[must_use]
    pub fn stats(&self) -> GateStats {
        self.state().stats.clone()
    }

    /// The first moment since `asked` after which no pause and no outage held requests up: an answer that is here by now
    /// was read at that moment or later.
    #[must_use]
    pub fn calm_since(&self, asked: Instant) -> Instant {
        let now = self.clock.now();
        let held_up = self.state().held_up_until();
        held_up
            .filter(|until| *until <= now)
            .map_or(asked, |until| until.max(asked))
    }

    /// Sends a request, as often as its safety allows, until `read` can decode an answer.
    ///
    /// Dropping the future drops the request; a write is then in doubt.
    pub(in crate::helpcrunch) async fn send<T>(
        &self,
        request: &WireRequest,
        read: impl Fn(&[u8]) -> Result<T, DecodeError>,
    ) -> CallReport<T> {
        self.send_guarded(None, request, read).await
    }

    /// Like [`send`](Self::send), for a write that relies on a reading: it is not begun, nor repeated, once the reading is
    /// [outdated](CallError::Outdated).
    pub(in crate::helpcrunch) async fn send_guarded<T>(
        &self,
        guard: Option<StalenessGuard>,
        request: &WireRequest,
        read: impl Fn(&[u8]) -> Result<T, DecodeError>,
    ) -> CallReport<T> {
        self.state().enter(self.clock.now());
        let _under_way = CallGuard(self);
        let mut attempts = CallAttempts::guarded_by(guard);
        loop {
            match self.attempt(request, &mut attempts, &read).await {
                Ok(Some(result)) => return attempts.end(result),
                Ok(None) => {}
                Err(NotAdmitted::Stopped(stop)) => return attempts.stop(stop),
                Err(NotAdmitted::Outdated) => return attempts.expire(),
            }
        }
    }

    /// One exchange. Returns `None`, after the wait, if another is to follow.
    async fn attempt<T>(
        &self,
        request: &WireRequest,
        attempts: &mut CallAttempts,
        read: &impl Fn(&[u8]) -> Result<T, DecodeError>,
    ) -> Result<Option<Result<T, CallError>>, NotAdmitted> {
        let permit = self.admit(request, attempts).await?;
        attempts.begun += 1;
        let exchange = self.exchange(request, attempts.begun).await;
        drop(permit);
        let Some(answer) = exchange.answer else {
            return Ok(Some(Err(CallError::Interrupted)));
        };
        attempts.http_status = answer.as_ref().ok().map(|response| response.status);
        let (why, is_permanent) = match self.judge(request.endpoint, answer, exchange.begun, read) {
            AttemptOutcome::Done(result) => return Ok(Some(result)),
            AttemptOutcome::RateLimited => {
                attempts.is_retry = false;
                return Ok(None);
            }
            AttemptOutcome::Failed(why) => (why, false),
            AttemptOutcome::Permanent(why) => (why, true),
        };
        attempts.add_failure(&why);
        let failed = attempts.failed;
        if is_permanent || failed >= self.max_attempts {
            let error = CallError::GaveUp {
                attempts: failed,
                why,
            };
            return Ok(Some(Err(error)));
        }
        self.back_off(failed).await?;
        Ok(None)
    }

    /// Waits until the request may be sent, and counts it then.
    pub(super) async fn admit(
        &self,
        request: &WireRequest,
        attempts: &CallAttempts,
    ) -> Result<SemaphorePermit<'_>, NotAdmitted> {
        // First a place among the concurrent requests, then the head of the queue: only the head asks the state what to
        // do, so that requests go in the order in which they came.
        let permit = match self.in_flight.try_acquire() {
            Ok(permit) => Ok(permit),
            Err(_) => self.unless_closed(self.in_flight.acquire()).await?,
        };
        let _turn = match self.turn.try_lock() {
            Ok(turn) => turn,
            Err(_) => self.unless_closed(self.turn.lock()).await?,
        };
        // Made before the first wait; then the state is asked once more, so that no news is missed.
        let mut news = None;
        loop {
            news.iter_mut().for_each(watch::Receiver::mark_unchanged);
            if self.is_outdated(attempts) {
                return Err(NotAdmitted::Outdated);
            }
            match self.step(request.endpoint, attempts.is_retry) {
                // The semaphore is never closed; were it, its permit would only bound the concurrency.
                GateStep::Go => return permit.map_err(|_| NotAdmitted::Stopped(StopKind::Signal)),
                GateStep::Closed(kind) => return Err(kind.into()),
                GateStep::HealthCheck => self.check_health().await,
                GateStep::WaitUntil(until) => {
                    let Some(news) = &mut news else {
                        news = Some(self.news.subscribe());
                        continue;
                    };
                    let wait = async {
                        tokio::select! {
                            () = sleep_until(until) => {}
                            _ = news.changed() => {}
                        }
                    };
                    self.unless_closed(wait).await?;
                }
            }
        }
    }

    fn is_outdated(&self, attempts: &CallAttempts) -> bool {
        let (suspended, now) = (self.clock.suspended(), self.clock.now());
        let mut state = self.state();
        let woke_at = state.woke_at(suspended, now);
        attempts.is_outdated(state.held_up_until(), woke_at, now)
    }

    fn step(&self, endpoint: Endpoint, is_retry: bool) -> GateStep {
        if self.is_stopped() {
            return GateStep::Closed(self.close_by_signal());
        }
        let now = self.clock.now();
        self.with_state(|state| state.step(endpoint, is_retry, now))
    }

    async fn back_off(&self, failed: u32) -> Result<(), StopKind> {
        let now = self.clock.now();
        let at = self.state().retry_at(failed, now);
        self.unless_closed(sleep_until(at)).await
    }

    /// Returns the future's output, unless the gate closes or a stop is requested first.
    async fn unless_closed<F: Future>(&self, future: F) -> Result<F::Output, StopKind> {
        tokio::select! {
            biased;
            () = self.closed.cancelled() => Err(self.close_by_signal()),
            () = self.stops.soft.cancelled() => Err(self.close_by_signal()),
            () = self.stops.hard.cancelled() => Err(self.close_by_signal()),
            output = future => Ok(output),
        }
    }

    fn is_stopped(&self) -> bool {
        self.stops.soft.is_cancelled() || self.stops.hard.is_cancelled()
    }

    /// Closes the gate because of a stop; if it was closed before, that reason stays.
    fn close_by_signal(&self) -> StopKind {
        self.with_state(|state| {
            state.close(StopKind::Signal, "the run was asked to stop".to_owned())
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and ends all waits if that closed the gate.
    pub(super) fn with_state<T>(&self, change: impl FnOnce(&mut GateState) -> T) -> T {
        let mut state = self.state();
        let output = change(&mut state);
        let is_closed = state.stopped().is_some();
        drop(state);
        if is_closed {
            self.closed.cancel();
        }
        output
    }
}
