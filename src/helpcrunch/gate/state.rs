use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::health::Health;
use super::{GateStats, StopKind, StopReason};
use crate::helpcrunch::{Endpoint, LimitSettings};
use crate::pace::{
    Backoff, Limiter, RetryAfter, RetryBudget, SharedPace, WritePermission, WritePermit,
};

/// Waits between the attempts of one operation.
const RETRIES: Backoff = Backoff {
    base: Duration::from_millis(500),
    cap: Duration::from_secs(30),
};

/// The shared pause after a 429 without `Retry-After`. A minute is the longest window that the documented limit can
/// have.
const PAUSES: Backoff = Backoff {
    base: Duration::from_secs(2),
    cap: Duration::from_secs(60),
};

/// A shorter sleep ages no reading by more than a slow request does.
const MIN_SUSPEND: Duration = Duration::from_secs(5);

/// This many rows in a row that a firewall refuses are not about the rows.
const MAX_BLOCKED_ROWS: u32 = 3;

/// A lease that could not be renewed in time is asked for again after this long.
const BETWEEN_CHECKS: Duration = Duration::from_millis(200);
/// Another process takes its place in the shared line within this time.
const BUSY: Duration = Duration::from_millis(1);

/// What the head of the queue has to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum GateStep {
    /// Its request is counted and may be sent.
    Go,
    /// The API is down: check with one harmless request, counted already, whether it is back.
    HealthCheck,
    WaitUntil(Instant),
    Closed(StopKind),
}

/// Everything that the gate knows; nothing in here waits. The head of the queue asks it for the next step, and every
/// exchange reports to it.
#[derive(Debug)]
pub(super) struct GateState {
    limits: LimitSettings,
    limiter: Limiter,
    shared: Option<Box<dyn SharedPace>>,
    /// Asked before each write.
    permit: Option<Arc<dyn WritePermit>>,
    /// Since when it has not been known whether this process may write.
    unpermitted_since: Option<Instant>,
    /// When the next request may be sent, as the processes agreed that share the pace.
    place: Option<Instant>,
    budget: RetryBudget,
    health: Health,
    rng: fastrand::Rng,
    pub(super) stats: GateStats,
    paused_until: Option<Instant>,
    /// Why the last exchange without a usable answer had none.
    last_cause: Option<String>,
    /// When the last outage ended.
    outage_ended: Option<Instant>,
    /// The server has answered at least once, whatever it answered.
    pub(super) has_contact: bool,
    /// Rows in a row whose write something in front of the API refused.
    blocked_rows: u32,
    /// 429s in a row, counting as one those to requests that were in flight together.
    pauses: u32,
    last_429: Option<Instant>,
    /// Calls that are under way.
    calls: usize,
    /// `Some` while there is none.
    idle_since: Option<Instant>,
    /// For how long the machine had been suspended in all when that was last checked.
    suspended: Duration,
    /// When a suspend was last noticed.
    woke_at: Option<Instant>,
    closed: Option<StopReason>,
}

impl GateState {
    pub(super) fn new(limits: LimitSettings, seed: u64, now: Instant) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        Self {
            limiter: Limiter::new(limits.requests_per_minute, limits.reserve),
            shared: None,
            permit: None,
            unpermitted_since: None,
            place: None,
            budget: RetryBudget::new(now),
            health: Health::new(limits.max_attempts, rng.fork()),
            rng,
            limits,
            stats: GateStats::default(),
            last_cause: None,
            paused_until: None,
            outage_ended: None,
            has_contact: false,
            blocked_rows: 0,
            pauses: 0,
            last_429: None,
            calls: 0,
            idle_since: None,
            suspended: Duration::ZERO,
            woke_at: None,
            closed: None,
        }
    }

    pub(super) fn require_permit(&mut self, permit: Arc<dyn WritePermit>) {
        self.permit = Some(permit);
    }

    pub(super) fn share_pace(&mut self, pace: Box<dyn SharedPace>) {
        self.shared = Some(pace);
    }

    /// Until when the next request waits for its place among those of all processes.
    fn wait_for_place(&mut self, now: Instant) -> Option<Instant> {
        let (gap, shared) = (self.limiter.gap()?, self.shared.as_mut()?);
        // A place that was not used in time may be somebody else's by now.
        let place = self.place.filter(|place| now <= *place + gap);
        let place = match place {
            Some(place) => place,
            None => match shared.take_place(gap) {
                Some(wait) => now + wait,
                None => return Some(now + BUSY),
            },
        };
        self.place = Some(place);
        Some(place).filter(|place| *place > now)
    }

    /// The next step of the request at the head of the queue.
    pub(super) fn step(&mut self, endpoint: Endpoint, is_retry: bool, now: Instant) -> GateStep {
        self.check_bounds(now);
        if let Some(kind) = self.stopped() {
            return GateStep::Closed(kind);
        }
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return self.wait(until);
        }
        let check = self.health.next_check(self.limits.max_outage);
        if let Some(at) = check.filter(|at| *at > now) {
            return GateStep::WaitUntil(
                self.limits.deadline.map_or(at, |deadline| at.min(deadline)),
            );
        }
        if let Some(until) = self.wait_for_place(now) {
            return self.wait(until);
        }
        if endpoint.is_write() {
            match self.permit.as_ref().map(|permit| permit.check()) {
                None | Some(WritePermission::Granted) => self.unpermitted_since = None,
                Some(WritePermission::Unknown) => {
                    let since = *self.unpermitted_since.get_or_insert(now);
                    if now.duration_since(since) >= self.limits.max_outage {
                        let why = "the state database cannot be reached, so that this run may no longer write";
                        return GateStep::Closed(self.close(StopKind::Outage, why.to_owned()));
                    }
                    return self.wait(now + BETWEEN_CHECKS);
                }
                Some(WritePermission::Lost(why)) => {
                    return GateStep::Closed(self.close(StopKind::LeaseLost, why));
                }
            }
        }
        if let Err(wait) = self.limiter.try_acquire() {
            return self.wait(now + wait);
        }
        self.place = None;
        if check.is_some() {
            self.stats.count(Endpoint::List, false, now);
            return GateStep::HealthCheck;
        }
        self.stats.count(endpoint, is_retry, now);
        GateStep::Go
    }

    /// Closes the gate if the next request would be one too many or too late.
    fn check_bounds(&mut self, now: Instant) {
        if self.limits.deadline.is_some_and(|deadline| deadline <= now) {
            self.close_at_deadline();
        }
        let max_requests = self.limits.max_requests;
        if let Some(max) = max_requests.filter(|max| self.stats.total >= *max) {
            let message = format!("all {max} requests of the run were used (--max-requests)");
            self.close(StopKind::MaxRequests, message);
        }
    }

    /// A wait that nothing shortens. If it would end after the deadline, it does not begin.
    fn wait(&mut self, until: Instant) -> GateStep {
        match self.limits.deadline {
            Some(deadline) if deadline <= until => GateStep::Closed(self.close_at_deadline()),
            _ => GateStep::WaitUntil(until),
        }
    }

    fn close_at_deadline(&mut self) -> StopKind {
        let message = "the run's time limit (--max-duration) is reached";
        self.close(StopKind::MaxDuration, message.to_owned())
    }

    /// Records a usable answer. Returns whether that ended an outage.
    pub(super) fn answered(&mut self, endpoint: Endpoint, now: Instant) -> bool {
        if endpoint.is_write() {
            self.blocked_rows = 0;
        }
        self.pauses = 0;
        self.limiter.record_success();
        self.budget.record_success(now);
        let ends_outage = self.health.answered();
        if ends_outage {
            self.outage_ended = Some(now);
        }
        ends_outage
    }

    /// Records a request that something in front of the API refused. Returns whether that closes the gate: on a read, or
    /// when it is the third row in a row. A batch is no row: its rows are sent again in smaller ones.
    pub(super) fn blocked(&mut self, endpoint: Endpoint, message: String) -> bool {
        self.blocked_rows += u32::from(endpoint.is_write() && endpoint != Endpoint::Batch);
        let closes = !endpoint.is_write() || self.blocked_rows >= MAX_BLOCKED_ROWS;
        if closes {
            self.close(StopKind::Blocked, message);
        }
        closes
    }

    /// Until when a pause or an outage last held all requests up.
    pub(super) fn held_up_until(&self) -> Option<Instant> {
        self.paused_until.max(self.outage_ended)
    }

    /// When a suspend of the machine was last noticed: what was read before is older than the monotonic clock says.
    /// `suspended` is the total so far.
    pub(super) fn woke_at(&mut self, suspended: Duration, now: Instant) -> Option<Instant> {
        if suspended.saturating_sub(self.suspended) >= MIN_SUSPEND {
            tracing::info!("the machine was suspended: reading again what was read before");
            self.suspended = suspended;
            self.woke_at = Some(now);
        }
        self.woke_at
    }

    /// Records that no connection can be made as things are. If none ever was, waiting does not help.
    pub(super) fn unreachable(&mut self, why: &str) {
        if !self.has_contact {
            self.close(StopKind::Unreachable, why.to_owned());
        }
    }

    /// Records an exchange without a usable answer; `asked` is what its `Retry-After` said.
    pub(super) fn failed(&mut self, why: String, asked: RetryAfter, now: Instant) {
        if self.health.failed(now) && self.closed.is_none() {
            tracing::warn!(
                "the API is not responding ({why}); retrying with one request at a time"
            );
        }
        self.last_cause = Some(why);
        if let Some(wait) = self.accepted(asked) {
            self.pause(now + wait);
        }
        let failures = self.health.failures();
        let max = self.limits.max_consecutive_errors;
        if max > 0 && failures >= max {
            let cause = self.last_cause();
            let message = format!(
                "{failures} requests in a row failed (max_consecutive_errors = {max}){cause}"
            );
            self.close(StopKind::ConsecutiveErrors, message);
        }
        if self.health.is_down() {
            self.check_outage(now);
        }
    }

    pub(super) fn check_failed(&mut self, now: Instant) {
        self.health.check_failed(now);
    }

    /// Records a 429 to an exchange that began at `begun`: all requests wait, and the rate is lowered, once for all that
    /// were in flight together.
    pub(super) fn rate_limited(&mut self, asked: RetryAfter, begun: Instant, now: Instant) {
        self.stats.count_rate_limited(now);
        self.last_cause = Some("the server answered 429".to_owned());
        let is_new = self.last_429.is_none_or(|last| begun >= last);
        self.last_429 = Some(now);
        let asked = self.accepted(asked);
        self.health.rate_limited(now);
        let own = |gate: &mut Self| PAUSES.late_delay(gate.pauses, &mut gate.rng);
        if let Some(wait) = asked.or_else(|| is_new.then(|| own(self))) {
            self.pause(now + wait);
            if let Some(shared) = &mut self.shared {
                shared.pause(wait);
            }
        }
        if is_new {
            self.pauses = self.pauses.saturating_add(1);
            self.limiter.slow_down();
            self.check_outage(now);
        }
    }

    /// The wait that `Retry-After` asks for. One that is too long closes the gate.
    fn accepted(&mut self, asked: RetryAfter) -> Option<Duration> {
        match asked {
            RetryAfter::Unspecified => None,
            RetryAfter::Wait(wait) => Some(wait),
            RetryAfter::TooLong(wait) => {
                let (asked, max) = (wait.as_secs(), self.limits.max_retry_wait.as_secs());
                let message = format!("the API asks to wait {asked} s; max_retry_wait is {max} s");
                self.close(StopKind::RetryAfterTooLong, message);
                None
            }
        }
    }

    fn pause(&mut self, until: Instant) {
        self.paused_until = self.paused_until.max(Some(until));
    }

    fn last_cause(&self) -> String {
        let cause = self.last_cause.as_deref();
        cause.map_or_else(String::new, |cause| format!("; the last time: {cause}"))
    }

    fn check_outage(&mut self, now: Instant) {
        let unanswered = self.health.unanswered_for(now);
        if unanswered >= self.limits.max_outage {
            let (seconds, max) = (unanswered.as_secs(), self.limits.max_outage.as_secs());
            let cause = self.last_cause();
            let message = format!(
                "the API gave no usable answer for {seconds} s (max_outage is {max} s){cause}"
            );
            self.close(StopKind::Outage, message);
        }
    }

    /// When an operation may queue again after its nth failed attempt. Takes the retry from the budget.
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

    /// Closes the gate, if it is open. Returns what closed it.
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
