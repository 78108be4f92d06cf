use tokio::time::Instant;

use super::staleness::StalenessGuard;
use crate::helpcrunch::classify::FailureCause;
use crate::helpcrunch::{CallError, CallReport, StopKind};

/// The attempts of one call so far.
#[derive(Debug, Default)]
pub(super) struct CallAttempts {
    /// Exchanges begun.
    pub(super) begun: u32,
    /// Exchanges that failed, also on earlier readings: what `max_attempts` limits.
    pub(super) failed: u32,
    pub(super) http_status: Option<u16>,
    /// Whether the next exchange repeats a failed one (and not one that was answered with 429).
    pub(super) is_retry: bool,
    guard: Option<StalenessGuard>,
    /// The last failure after which the request may have taken effect.
    in_doubt: Option<FailureCause>,
}

impl CallAttempts {
    pub(super) fn guarded_by(guard: Option<StalenessGuard>) -> Self {
        Self {
            failed: guard.map_or(0, |guard| guard.failed),
            guard,
            ..Self::default()
        }
    }

    /// Whether the reading behind the write is too old by now. All requests were last held up until `held_up_until`;
    /// `woke_at` is when the machine was last found to have been suspended.
    pub(super) fn is_outdated(
        &self,
        held_up_until: Option<Instant>,
        woke_at: Option<Instant>,
        now: Instant,
    ) -> bool {
        self.guard.is_some_and(|guard| {
            let is_after_reading = |at: Instant| at > guard.read_at;
            let waited = held_up_until.is_some_and(is_after_reading);
            let slept = woke_at.is_some_and(is_after_reading);
            slept || guard.is_outdated(waited || self.begun > 0, now)
        })
    }

    pub(super) fn add_failure(&mut self, why: &FailureCause) {
        self.failed += 1;
        self.is_retry = true;
        let is_unsent = matches!(why, FailureCause::Transport(error) if error.is_before_sending());
        if !is_unsent {
            self.in_doubt = Some(why.clone());
        }
    }

    /// Ends the call: the gate closed before the next attempt.
    pub(super) fn stop<T>(self, stop: StopKind) -> CallReport<T> {
        let error = match self.in_doubt.clone() {
            None => CallError::NotSent(stop),
            Some(why) => CallError::CutShort { stop, why },
        };
        self.end(Err(error))
    }

    /// Ends the call: the reading became too old before the next attempt.
    pub(super) fn expire<T>(self) -> CallReport<T> {
        let error = CallError::Outdated {
            failed: self.failed,
            why: self.in_doubt.clone(),
        };
        self.end(Err(error))
    }

    pub(super) fn end<T>(self, result: Result<T, CallError>) -> CallReport<T> {
        let is_interrupted = matches!(result, Err(CallError::Interrupted));
        CallReport {
            in_doubt: result.is_err() && (self.in_doubt.is_some() || is_interrupted),
            result,
            attempts: self.begun,
            http_status: self.http_status,
        }
    }
}
