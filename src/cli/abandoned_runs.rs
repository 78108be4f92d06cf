//! Interrupted runs of an account, what closing them needs, and how long to wait for what they may have written.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::helpcrunch::ReadClient;
use crate::journal::{AccountId, StateDir};
use crate::platform::defer_flush;

use super::account_findings::AccountLessons;
use super::exit::{Exit, Failure};
use super::known_failures::database_failure;
use super::session::Session;

/// The interrupted runs of an account.
pub(super) struct AbandonedRuns<'a> {
    pub(super) session: &'a Session,
    pub(super) state: &'a StateDir,
    pub(super) account: &'a AccountId,
    pub(super) client: &'a ReadClient,
    pub(super) settle: Duration,
    pub(super) lessons: &'a AccountLessons,
}

/// Runs a closure that writes files. If `is_many`, it leaves flushing them to a later `platform::flush_disk`.
pub(super) fn with_flushing<T>(is_many: bool, work: impl FnOnce() -> T) -> T {
    match is_many {
        true => defer_flush(work),
        false => work(),
    }
}

/// Why a run could not be closed.
pub(super) enum CloseError {
    /// The new run cannot continue either.
    Stop(Failure),
    /// The run's files do not show what it did, or cannot be written.
    Damaged(String),
}

impl From<Failure> for CloseError {
    fn from(failure: Failure) -> Self {
        Self::Stop(failure)
    }
}

/// A state database that fails, and a full or failing disk, affect the new run too; any other error is damage of the old one.
impl<E: Error + 'static> From<E> for CloseError {
    fn from(error: E) -> Self {
        if let Some(failure) = database_failure(&error) {
            return Self::Stop(failure);
        }
        let failure = Failure::from_error(Exit::NotFinished, "state", &error);
        match failure.hint {
            Some(_) => Self::Stop(failure),
            None => Self::Damaged(failure.message),
        }
    }
}

impl AbandonedRuns<'_> {
    pub(super) fn say(&self, message: &str) {
        self.session.console.say(message);
    }
}

/// How long search may still not show what was written before this file was last modified.
pub(super) fn unsearchable_for(file: &Path, settle: Duration) -> Duration {
    let modified = fs::metadata(file).and_then(|meta| meta.modified());
    let age = modified.ok().map(|at| at.elapsed().unwrap_or_default());
    age.map_or(Duration::ZERO, |age| settle.saturating_sub(age))
}

/// Waits until search shows what a run may have created before it last wrote this file. A signal ends the wait.
pub(super) async fn wait_until_searchable(
    session: &Session,
    file: &Path,
    settle: Duration,
) -> Result<(), Failure> {
    let time = unsearchable_for(file, settle);
    if time.is_zero() {
        return Ok(());
    }
    session.console.say(&format!(
        "waiting {} s, until search shows customers that it may have created",
        time.as_secs().max(1)
    ));
    wait(session, time).await
}

/// Waits for this time. A signal ends the wait.
pub(super) async fn wait(session: &Session, time: Duration) -> Result<(), Failure> {
    tokio::select! {
        biased;
        () = session.stopping.stops.soft.cancelled() => Err(session.signal_failure()),
        () = tokio::time::sleep(time) => Ok(()),
    }
}
