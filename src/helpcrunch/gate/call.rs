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
    /// The last failure after which the request may have been done all the same.
    in_doubt: Option<Trouble>,
}

impl Course {
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
    pub(super) fn stopped<T>(mut self, stop: StopKind) -> Sent<T> {
        let error = match self.in_doubt.take() {
            None => CallError::NotSent(stop),
            Some(why) => CallError::CutShort { stop, why },
        };
        self.end(Err(error))
    }

    pub(super) fn end<T>(self, result: Result<T, CallError>) -> Sent<T> {
        Sent {
            result,
            attempts: self.begun,
            http_status: self.http_status,
        }
    }
}
