use std::time::Duration;

use jiff::Timestamp;

use crate::report::Summary;

/// What the account's earlier runs say. Runs that only planned do not count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PastRuns {
    /// Whether the newest run before this one was no success.
    pub has_failed_before: bool,
    /// When the newest success ended, RFC 3339 in UTC; likewise when the oldest run that is kept began.
    pub last_success: Option<String>,
    pub first_run: Option<String>,
}

/// A run that has ended.
#[derive(Debug, Clone, Copy)]
pub struct RunFacts<'a> {
    pub summary: &'a Summary,
    pub past: &'a PastRuns,
    /// The user's name for it, or its id.
    pub account: Option<&'a str>,
    /// The config file, as it was named.
    pub config: Option<&'a str>,
    /// The computer that ran it.
    pub host: &'a str,
}

impl RunFacts<'_> {
    /// Whether it ended with exit code 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.summary.exit_code == 0
    }

    /// Whether it did not finish, or has failed rows that the config does not tolerate. A refusal by a safety limit and an end
    /// that the user chose are no failures.
    pub(super) fn has_failed(&self) -> bool {
        let stop = self.summary.stop.as_ref();
        let is_chosen = stop.is_some_and(|stop| matches!(&*stop.reason, "declined" | "saved"));
        match self.summary.exit_code {
            0 | 4 | 6 | 7 => false,
            3 => self.summary.results.failed > 0,
            _ => !is_chosen,
        }
    }

    /// Whether the last success, or else the first run, is longer ago than this.
    pub(super) fn is_without_success_for(&self, length: Duration) -> bool {
        let since = self.past.last_success.as_ref();
        let since = since.or(self.past.first_run.as_ref());
        let since: Option<Timestamp> = since.and_then(|at| at.parse().ok());
        let now: Option<Timestamp> = self.summary.finished_at.parse().ok();
        let (Some(since), Some(now)) = (since, now) else {
            return false;
        };
        Duration::try_from(now.duration_since(since)).is_ok_and(|age| age >= length)
    }
}
