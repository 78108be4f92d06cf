//! One probe from start to end: deletes what an earlier one left behind, asks the questions, and deletes the customer
//! however they ended.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::helpcrunch::{StopKind, WriteClient};
use crate::pace::Clock;

use super::cleanup::{Cleanup, Leftover, clean_up};
use super::findings::Findings;
use super::session::{Halt, ProbeSession};
use super::store::{ProbeStore, StoreError};
use super::throwaway::Throwaway;

/// Requests of a probe if the API answers all of them.
pub const TYPICAL_REQUESTS: u32 = 29;
/// Maximum number of requests of a probe, not counting retries.
pub const MAX_REQUESTS: u32 = 60;

/// The parameters of a probe.
#[derive(Debug)]
pub struct Probe<'a> {
    /// A signal must not close its gate, since the customer has to be deleted after one.
    pub client: &'a WriteClient,
    pub store: &'a ProbeStore,
    pub clock: Clock,
    /// How long to search for the customer after its create.
    pub settle: Duration,
    /// Cancelled to stop asking.
    pub stop: CancellationToken,
}

/// How a probe ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeEnd {
    /// All questions were asked.
    Completed,
    /// The user stopped it.
    Stopped,
    /// The gate closed: the API is not responding or refuses everything.
    Closed(StopKind, String),
    /// There was no customer to test with.
    NotCreated(String),
}

/// The results of a probe.
#[derive(Debug)]
pub struct ProbeReport {
    pub findings: Findings,
    /// Tags and properties that were added to the account.
    pub made: Vec<String>,
    pub end: ProbeEnd,
    /// The customer, if it still exists or may exist.
    pub leftover: Option<Leftover>,
    /// A customer of an earlier probe, which this one deleted or found gone at its start.
    pub earlier: Option<Throwaway>,
}

#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{} of an earlier probe could not be deleted: {}", .0.throwaway, .0.why)]
    Leftover(Leftover),
}

impl Probe<'_> {
    /// Asks all questions. `token` is a dozen random lower-case letters and digits.
    ///
    /// # Errors
    /// If the customer of an earlier probe cannot be deleted, or the account's folder cannot be written. The folder
    /// remembers a customer that still exists then.
    pub async fn run(&self, token: String) -> Result<ProbeReport, ProbeError> {
        let earlier = match self.clean_up().await? {
            Cleanup::NothingToDo => None,
            Cleanup::Deleted(throwaway) => Some(throwaway),
            Cleanup::Failed(leftover) => return Err(ProbeError::Leftover(leftover)),
        };
        let ours = Throwaway::new(token, self.clock.rfc3339());
        let mut session = ProbeSession::new(self, ours);
        let result = Box::pin(session.ask_all()).await;
        session.record_rate_limit_headers();
        let ProbeSession { findings, made, .. } = session;
        let leftover = match self.clean_up().await? {
            Cleanup::Failed(leftover) => Some(leftover),
            Cleanup::NothingToDo | Cleanup::Deleted(_) => None,
        };
        let end = match result {
            Ok(()) => ProbeEnd::Completed,
            Err(Halt::Stopped) => ProbeEnd::Stopped,
            Err(Halt::Closed(kind, why)) => ProbeEnd::Closed(kind, why),
            Err(Halt::NotCreated(why)) => ProbeEnd::NotCreated(why),
            Err(Halt::Store(error)) => return Err(error.into()),
        };
        Ok(ProbeReport {
            findings,
            made,
            end,
            leftover,
            earlier,
        })
    }

    async fn clean_up(&self) -> Result<Cleanup, StoreError> {
        clean_up(self.client, self.store, self.clock, self.settle).await
    }
}

impl ProbeSession<'_> {
    async fn ask_all(&mut self) -> Result<(), Halt> {
        self.sample_account().await?;
        self.ours.at = self.probe.clock.rfc3339();
        let begun = self.probe.clock.now();
        self.create().await?;
        let answered = self.probe.clock.now();
        self.ask_search(begun, answered).await?;
        self.ask_patch().await?;
        self.ask_undefined().await?;
        self.ask_lengths().await?;
        self.ask_batch().await?;
        self.ask_put().await?;
        self.ask_user_id().await
    }

    /// The gate counts the answers with such headers.
    fn record_rate_limit_headers(&mut self) {
        let answers = self.probe.client.gate().stats().with_rate_headers;
        let answer = (answers > 0 || self.seen.is_some()).then_some(answers > 0);
        let evidence = format!("{answers} answers had such a header");
        self.findings.rate_limit_headers = self.finding(answer, evidence);
    }
}
