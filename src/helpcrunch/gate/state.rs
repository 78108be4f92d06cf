use std::time::Duration;

use tokio::time::Instant;

use super::health::Health;
use super::{GateStats, StopKind, StopReason};
use crate::helpcrunch::{Endpoint, LimitSettings};
use crate::pace::{Asked, Backoff, Limiter, RetryBudget};

/// Waits between the attempts of one operation.
const RETRIES: Backoff = Backoff {
    base: Duration::from_millis(500),
    cap: Duration::from_secs(30),
};

/// The shared pause after a 429 that does not say how long. A minute is the longest window that the documented
/// limit can have.
const PAUSES: Backoff = Backoff {
    base: Duration::from_secs(2),
    cap: Duration::from_secs(60),
};

/// A shorter sleep ages no reading by more than a slow request does.
const MIN_SUSPEND: Duration = Duration::from_secs(5);

/// What the head of the queue is to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Its request is counted and may go.
    Go,
    /// The server is out: see with one harmless request, counted already, whether it is back.
    Knock,
    WaitUntil(Instant),
    Closed(StopKind),
}

/// Everything that the gate knows, without any waiting: the queue's head asks it for the next step, and every
/// exchange reports to it.
#[derive(Debug)]
pub(super) struct State {
    limits: LimitSettings,
    limiter: Limiter,
    budget: RetryBudget,
    health: Health,
    rng: fastrand::Rng,
    pub(super) stats: GateStats,
    paused_until: Option<Instant>,
    /// Why the last exchange without a usable answer had none.
    last_trouble: Option<String>,
    /// When the last outage ended.
    outage_ended: Option<Instant>,
    /// 429s in a row, counting as one those to requests that were in flight together.
    pauses: u32,
    last_429: Option<Instant>,
    /// Calls that are under way, and since when there was none.
    calls: usize,
    idle_since: Option<Instant>,
    /// For how long the machine was suspended when that was last looked at, and when it was found to have been.
    suspended: Duration,
    woke_at: Option<Instant>,
    closed: Option<StopReason>,
}

impl State {
    pub(super) fn new(limits: LimitSettings, seed: u64, now: Instant) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        Self {
            limiter: Limiter::new(limits.requests_per_minute, limits.reserve),
            budget: RetryBudget::new(now),
            health: Health::new(limits.max_attempts, rng.fork()),
            rng,
            limits,
            stats: GateStats::default(),
            last_trouble: None,
            paused_until: None,
            outage_ended: None,
            pauses: 0,
            last_429: None,
            calls: 0,
            idle_since: None,
            suspended: Duration::ZERO,
            woke_at: None,
            closed: None,
        }
    }

    pub(super) fn follow(&mut self, ago: Duration) {
        self.limiter.follow(ago);
    }

    /// The next step of a request that is at the head of the queue.
    pub(super) fn step(&mut self, endpoint: Endpoint, is_retry: bool, now: Instant) -> Step {
        self.check_bounds(now);
        if let Some(kind) = self.stopped() {
            return Step::Closed(kind);
        }
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return self.wait(until);
        }
        let knock = self.health.next_knock(self.limits.max_outage);
        if let Some(at) = knock.filter(|at| *at > now) {
            return Step::WaitUntil(self.limits.deadline.map_or(at, |deadline| at.min(deadline)));
        }
        if let Err(wait) = self.limiter.try_acquire() {
            return self.wait(now + wait);
        }
        if knock.is_some() {
            self.stats.count(Endpoint::List, false, now);
            return Step::Knock;
        }
        self.stats.count(endpoint, is_retry, now);
        Step::Go
    }

    /// Closes where the next request would be one too many or too late.
    fn check_bounds(&mut self, now: Instant) {
        if self.limits.deadline.is_some_and(|deadline| deadline <= now) {
            self.out_of_time();
        }
        if let Some(most) = self
            .limits
            .max_requests
            .filter(|most| self.stats.total >= *most)
        {
            self.close(
                StopKind::MaxRequests,
                format!("all {most} requests of the run were used"),
            );
        }
    }

    /// A wait that nothing shortens; one beyond the run's end is not begun.
    fn wait(&mut self, until: Instant) -> Step {
        if self
            .limits
            .deadline
            .is_some_and(|deadline| deadline <= until)
        {
            return Step::Closed(self.out_of_time());
        }
        Step::WaitUntil(until)
    }

    fn out_of_time(&mut self) -> StopKind {
        self.close(
            StopKind::MaxDuration,
            "no request can be begun within the run's time any more".to_owned(),
        )
    }

    /// The server gave an answer that can be used. Whether that ended an outage.
    pub(super) fn answered(&mut self, now: Instant) -> bool {
        self.pauses = 0;
        self.limiter.recover();
        self.budget.success(now);
        let ends_outage = self.health.answered();
        if ends_outage {
            self.outage_ended = Some(now);
        }
        ends_outage
    }

    /// Until when a pause or an outage last kept everybody waiting.
    pub(super) fn held_up_until(&self) -> Option<Instant> {
        self.paused_until.max(self.outage_ended)
    }

    /// When the machine was last found to have been suspended: what was read before is as old as that sleep was long,
    /// whatever the monotonic clock says. `suspended` is the total so far.
    pub(super) fn woke_at(&mut self, suspended: Duration, now: Instant) -> Option<Instant> {
        if suspended.saturating_sub(self.suspended) >= MIN_SUSPEND {
            tracing::info!("the machine was suspended: what was read before is read again");
            self.suspended = suspended;
            self.woke_at = Some(now);
        }
        self.woke_at
    }

    /// An exchange brought no usable answer; `asked` is what its `Retry-After` said.
    pub(super) fn failed(&mut self, why: String, asked: Asked, now: Instant) {
        self.last_trouble = Some(why);
        let began = self.health.failed(now);
        if began {
            tracing::warn!(
                "the API does not answer usably; waiting for it with one request at a time"
            );
        }
        if let Some(wait) = self.accepted(asked) {
            self.pause(now + wait);
        }
        let failures = self.health.failures();
        let most = self.limits.max_consecutive_errors;
        if most > 0 && failures >= most {
            self.close(
                StopKind::ConsecutiveErrors,
                format!(
                    "{failures} requests in a row got no usable answer (max_consecutive_errors = {most}){}",
                    self.last_trouble()
                ),
            );
        }
        if self.health.is_out() {
            self.check_patience(now);
        }
    }

    pub(super) fn knocked_in_vain(&mut self, now: Instant) {
        self.health.knocked_in_vain(now);
    }

    /// An exchange that began at `begun` was answered with 429: everybody waits, and the pace eases back, once for
    /// all that were in flight together.
    pub(super) fn rate_limited(&mut self, asked: Asked, begun: Instant, now: Instant) {
        self.stats.rate_limited += 1;
        self.last_trouble = Some("the server answered 429".to_owned());
        let is_new = self.last_429.is_none_or(|last| begun >= last);
        self.last_429 = Some(now);
        let wait = self.accepted(asked);
        self.health.put_off(now);
        if let Some(wait) = wait {
            self.pause(now + wait);
        } else if is_new {
            let wait = PAUSES.late_delay(self.pauses, &mut self.rng);
            self.pause(now + wait);
        }
        if is_new {
            self.pauses = self.pauses.saturating_add(1);
            self.limiter.ease_back();
            self.check_patience(now);
        }
    }

    /// The wait that is asked for; one that is too long closes the gate.
    fn accepted(&mut self, asked: Asked) -> Option<Duration> {
        match asked {
            Asked::Nothing => None,
            Asked::Wait(wait) => Some(wait),
            Asked::TooLong(wait) => {
                let (asked, most) = (wait.as_secs(), self.limits.max_retry_wait.as_secs());
                let message = format!("the API asks to wait {asked} s; max_retry_wait is {most} s");
                self.close(StopKind::RetryAfterTooLong, message);
                None
            }
        }
    }

    fn pause(&mut self, until: Instant) {
        self.paused_until = self.paused_until.max(Some(until));
    }

    fn last_trouble(&self) -> String {
        let why = self.last_trouble.as_deref();
        why.map_or_else(String::new, |why| format!("; the last time: {why}"))
    }

    fn check_patience(&mut self, now: Instant) {
        let silent = self.health.silent_for(now);
        if silent >= self.limits.max_outage {
            let (silent, most) = (silent.as_secs(), self.limits.max_outage.as_secs());
            self.close(
                StopKind::Outage,
                format!(
                    "the API gave no usable answer for {silent} s (max_outage is {most} s){}",
                    self.last_trouble()
                ),
            );
        }
    }

    /// When an operation may queue again after so many attempts that failed. It pays for the retry.
    pub(super) fn retry_at(&mut self, failed: u32, now: Instant) -> Instant {
        let delay = RETRIES.delay(failed.saturating_sub(1), &mut self.rng);
        let at = now + delay.max(self.budget.pay(now));
        self.limits.deadline.map_or(at, |deadline| at.min(deadline))
    }

    pub(super) fn enter(&mut self, now: Instant) {
        self.calls += 1;
        if let Some(idle) = self.idle_since.take() {
            self.health.was_idle(now.saturating_duration_since(idle));
        }
    }

    pub(super) fn leave(&mut self, now: Instant) {
        self.calls = self.calls.saturating_sub(1);
        if self.calls == 0 {
            self.idle_since = Some(now);
        }
    }

    /// Closes the gate, if it is not closed, and says what closed it.
    pub(super) fn close(&mut self, kind: StopKind, message: String) -> StopKind {
        self.closed.get_or_insert(StopReason { kind, message }).kind
    }

    pub(super) fn stopped(&self) -> Option<StopKind> {
        self.closed.as_ref().map(|reason| reason.kind)
    }

    pub(super) fn stop_reason(&self) -> Option<&StopReason> {
        self.closed.as_ref()
    }
}
