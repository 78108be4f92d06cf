use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::basis::Basis;
use super::call::Course;
use super::exchange::Judged;
use super::state::{State, Step};
use super::{GateStats, StopKind, StopReason};
use crate::helpcrunch::{
    CallError, DecodeError, Endpoint, LimitSettings, Scrubber, Sent, Transport, WireRequest,
};
use crate::pace::Clock;

/// The two stages of a stop.
#[derive(Debug, Clone, Default)]
pub struct Stops {
    /// No request is begun any more, and nobody waits; what is in flight ends.
    pub soft: CancellationToken,
    /// What is in flight is dropped too.
    pub hard: CancellationToken,
}

/// What a gate is made of.
#[derive(Debug)]
pub struct GateParts {
    pub transport: Arc<dyn Transport>,
    pub limits: LimitSettings,
    pub clock: Clock,
    pub stops: Stops,
    /// Keeps the key out of every text that comes from the server.
    pub scrubber: Scrubber,
    /// Of all jitter.
    pub seed: u64,
}

/// Requests queue here, in the order in which they come, for their turn.
#[derive(Debug)]
pub struct Gate {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Clock,
    pub(super) stops: Stops,
    pub(super) scrubber: Scrubber,
    max_attempts: u32,
    pub(super) max_retry_wait: Duration,
    state: Mutex<State>,
    in_flight: Semaphore,
    /// Held by the head of the queue until its request may go. Fair: first come, first served.
    turn: tokio::sync::Mutex<()>,
    /// Cancelled when the gate closes, which ends every wait.
    closed: CancellationToken,
    /// Bumped when a wait at the head of the queue may have become shorter.
    pub(super) news: watch::Sender<()>,
}

/// Why a request does not go.
enum Unsent {
    Stopped(StopKind),
    Outdated,
}

impl From<StopKind> for Unsent {
    fn from(stop: StopKind) -> Self {
        Self::Stopped(stop)
    }
}

/// Keeps account of a call that is under way, also when its future is dropped.
struct UnderWay<'a>(&'a Gate);

impl Drop for UnderWay<'_> {
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
            state: Mutex::new(State::new(limits, parts.seed, now)),
            turn: tokio::sync::Mutex::new(()),
            closed: CancellationToken::new(),
            news: watch::Sender::new(()),
        }
    }

    /// Another process sent the account's last request so long ago.
    pub fn follow(&self, ago: Duration) {
        self.state().follow(ago);
    }

    /// What closed the gate, if it is closed.
    #[must_use]
    pub fn stop_reason(&self) -> Option<StopReason> {
        if self.is_stopped() {
            self.close_by_signal();
        }
        self.state().stop_reason().cloned()
    }

    /// Ends when the gate closes, at once where it is closed.
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }

    #[must_use]
    pub fn stats(&self) -> GateStats {
        self.state().stats.clone()
    }

    /// The first moment since `asked` from which on no pause and no outage kept anybody waiting: what was asked then
    /// and is answered by now was read no earlier.
    #[must_use]
    pub fn calm_since(&self, asked: Instant) -> Instant {
        let now = self.clock.now();
        let held_up = self.state().held_up_until();
        held_up
            .filter(|until| *until <= now)
            .map_or(asked, |until| until.max(asked))
    }

    /// Sends a request, as often as its safety allows, until `read` can make something of an answer.
    ///
    /// A dropped future drops its request; a write is then in doubt.
    pub(in crate::helpcrunch) async fn send<T>(
        &self,
        request: &WireRequest,
        read: impl Fn(&[u8]) -> Result<T, DecodeError>,
    ) -> Sent<T> {
        self.send_on(None, request, read).await
    }

    /// The same for a write that stands on a reading: it is not begun, nor repeated, once that is
    /// [outdated](CallError::Outdated).
    pub(in crate::helpcrunch) async fn send_on<T>(
        &self,
        basis: Option<Basis>,
        request: &WireRequest,
        read: impl Fn(&[u8]) -> Result<T, DecodeError>,
    ) -> Sent<T> {
        self.state().enter(self.clock.now());
        let _under_way = UnderWay(self);
        let mut course = Course::on(basis);
        loop {
            match self.attempt(request, &mut course, &read).await {
                Ok(Some(result)) => return course.end(result),
                Ok(None) => {}
                Err(Unsent::Stopped(stop)) => return course.stopped(stop),
                Err(Unsent::Outdated) => return course.outdated(),
            }
        }
    }

    /// One exchange, and the wait after it where there is to be another: then it returns nothing.
    async fn attempt<T>(
        &self,
        request: &WireRequest,
        course: &mut Course,
        read: &impl Fn(&[u8]) -> Result<T, DecodeError>,
    ) -> Result<Option<Result<T, CallError>>, Unsent> {
        let permit = self.admit(request, course).await?;
        course.begun += 1;
        let exchange = self.exchange(request, course.begun).await;
        drop(permit);
        let Some(answer) = exchange.answer else {
            return Ok(Some(Err(CallError::Interrupted)));
        };
        course.http_status = answer.as_ref().ok().map(|response| response.status);
        let (why, is_hopeless) = match self.judge(request.endpoint, answer, exchange.begun, read) {
            Judged::Done(result) => return Ok(Some(result)),
            Judged::PutOff => {
                course.put_off();
                return Ok(None);
            }
            Judged::Failed(why) => (why, false),
            Judged::Hopeless(why) => (why, true),
        };
        course.failed(&why);
        let attempts = course.failed;
        if is_hopeless || attempts >= self.max_attempts {
            return Ok(Some(Err(CallError::GaveUp { attempts, why })));
        }
        self.back_off(attempts).await?;
        Ok(None)
    }

    /// Waits until the request may go; it is counted then.
    async fn admit(
        &self,
        request: &WireRequest,
        course: &Course,
    ) -> Result<SemaphorePermit<'_>, Unsent> {
        let permit = self.unless_closed(self.in_flight.acquire()).await?;
        let _turn = self.unless_closed(self.turn.lock()).await?;
        let mut news = self.news.subscribe();
        loop {
            news.mark_unchanged();
            if self.is_outdated(course) {
                return Err(Unsent::Outdated);
            }
            match self.step(request.endpoint, course.is_retry) {
                // The semaphore is never closed; were it, its permit would only bound the concurrency.
                Step::Go => return permit.map_err(|_| Unsent::Stopped(StopKind::Signal)),
                Step::Closed(kind) => return Err(kind.into()),
                Step::Knock => self.knock().await,
                Step::WaitUntil(until) => {
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

    fn is_outdated(&self, course: &Course) -> bool {
        let (suspended, now) = (self.clock.suspended(), self.clock.now());
        let mut state = self.state();
        let woke_at = state.woke_at(suspended, now);
        course.is_outdated(state.held_up_until(), woke_at, now)
    }

    fn step(&self, endpoint: Endpoint, is_retry: bool) -> Step {
        if self.is_stopped() {
            return Step::Closed(self.close_by_signal());
        }
        let now = self.clock.now();
        self.with_state(|state| state.step(endpoint, is_retry, now))
    }

    async fn back_off(&self, failed: u32) -> Result<(), StopKind> {
        let now = self.clock.now();
        let at = self.state().retry_at(failed, now);
        self.unless_closed(sleep_until(at)).await
    }

    /// The future's output, unless the gate closes or a stop is asked for first.
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

    /// Closes the gate as by a signal; what closed it before stays the reason.
    fn close_by_signal(&self) -> StopKind {
        self.with_state(|state| {
            state.close(StopKind::Signal, "the run was asked to stop".to_owned())
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and ends all waits where that closed the gate.
    pub(super) fn with_state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
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
