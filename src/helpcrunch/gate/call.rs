use tokio::time::Instant;

use super::basis::Basis;
use crate::helpcrunch::classify::Trouble;
use crate::helpcrunch::{CallError, Sent, StopKind};

/// The course of one call so far.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// Exchanges begun.
    pub(super) begun: u32,
    /// Of these, those that failed: what `max_attempts` counts.
    pub(super) failed: u32,
    pub(super) http_status: Option<u16>,
    /// Whether the next exchange repeats one that failed (and not one that was put off by a 429).
    pub(super) is_retry: bool,
    basis: Option<Basis>,
    /// The last failure after which the request may have been done all the same.
    in_doubt: Option<Trouble>,
}

impl Course {
    pub(super) fn on(basis: Option<Basis>) -> Self {
        Self {
            failed: basis.map_or(0, |basis| basis.failed),
            basis,
            ..Self::default()
        }
    }

    /// Whether the reading that it stands on is too old by now. All requests were last kept waiting until
    /// `held_up_until`; `woke_at` is when the machine was last found to have been suspended.
    pub(super) fn is_outdated(
        &self,
        held_up_until: Option<Instant>,
        woke_at: Option<Instant>,
        now: Instant,
    ) -> bool {
        self.basis.is_some_and(|basis| {
            let is_after_reading = |at: Instant| at > basis.read_at;
            let waited = held_up_until.is_some_and(is_after_reading);
            let slept = woke_at.is_some_and(is_after_reading);
            slept || basis.is_outdated(waited || self.begun > 0, now)
        })
    }

    pub(super) fn failed(&mut self, why: &Trouble) {
        self.failed += 1;
        self.is_retry = true;
        let reached = !matches!(why, Trouble::Transport(error) if error.is_before_sending());
        if reached {
            self.in_doubt = Some(why.clone());
        }
    }

    pub(super) fn put_off(&mut self) {
        self.is_retry = false;
    }

    /// The gate closed before the next attempt.
    pub(super) fn stopped<T>(self, stop: StopKind) -> Sent<T> {
        let error = match self.in_doubt.clone() {
            None => CallError::NotSent(stop),
            Some(why) => CallError::CutShort { stop, why },
        };
        self.end(Err(error))
    }

    /// What it stands on grew old before the next attempt.
    pub(super) fn outdated<T>(self) -> Sent<T> {
        let error = CallError::Outdated {
            failed: self.failed,
            why: self.in_doubt.clone(),
        };
        self.end(Err(error))
    }

    pub(super) fn end<T>(self, result: Result<T, CallError>) -> Sent<T> {
        let is_interrupted = matches!(result, Err(CallError::Interrupted));
        Sent {
            in_doubt: result.is_err() && (self.in_doubt.is_some() || is_interrupted),
            result,
            attempts: self.begun,
            http_status: self.http_status,
        }
    }
}
