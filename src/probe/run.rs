//! One probe from the first request to the last: what an earlier one left is deleted, the questions are asked, and
//! the customer is deleted whatever came of them.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::helpcrunch::{StopKind, WriteClient};
use crate::pace::Clock;

use super::asking::{Asking, Halt};
use super::clean::{Cleaned, Left, clean};
use super::findings::Findings;
use super::store::{ProbeStore, StoreError};
use super::throwaway::Throwaway;

/// Requests that a probe sends to an API which answers everything.
pub const USUAL_REQUESTS: u32 = 22;
/// Requests that a probe sends at most, but for those that have to be repeated.
pub const MOST_REQUESTS: u32 = 60;

/// What a probe works with.
#[derive(Debug)]
pub struct Probe<'a> {
    /// A signal must not close its gate, since the customer has to be deleted after one.
    pub client: &'a WriteClient,
    pub store: &'a ProbeStore,
    pub clock: Clock,
    /// How long a customer that was just created is looked for.
    pub settle: Duration,
    /// Cancelled to ask nothing more.
    pub stop: CancellationToken,
}

/// How a probe ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// All questions were asked.
    Through,
    /// The user stopped it.
    Stopped,
    /// The API is gone, or wants none of it.
    Closed(StopKind, String),
    /// No customer was made to ask with.
    NotMade(String),
}

/// What came of a probe.
#[derive(Debug)]
pub struct Report {
    pub findings: Findings,
    /// Tags and properties that were made for the whole account.
    pub made: Vec<String>,
    pub end: End,
    /// The customer, where it is or may be still there.
    pub left: Option<Left>,
    /// A customer of an earlier probe, deleted or found gone before this one began.
    pub earlier: Option<Throwaway>,
}

/// Why a probe did not begin, or lost its notes.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{} of an earlier probe could not be deleted: {}", .0.throwaway, .0.why)]
    LeftOver(Left),
}

impl Probe<'_> {
    /// Asks everything. `token`: a dozen random lower-case letters and digits.
    ///
    /// # Errors
    /// When an earlier probe's customer cannot be deleted, or the account's folder cannot be written; whoever is
    /// still there then is remembered by it.
    pub async fn run(&self, token: String) -> Result<Report, ProbeError> {
        let earlier = match self.clean().await? {
            Cleaned::Nothing => None,
            Cleaned::Gone(throwaway) => Some(throwaway),
            Cleaned::Left(left) => return Err(ProbeError::LeftOver(left)),
        };
        let ours = Throwaway::new(token, self.clock.rfc3339());
        let mut asking = Asking::new(self, ours);
        let asked = Box::pin(asking.ask_all()).await;
        asking.tell_headers();
        let Asking { findings, made, .. } = asking;
        let left = match self.clean().await? {
            Cleaned::Left(left) => Some(left),
            Cleaned::Nothing | Cleaned::Gone(_) => None,
        };
        let end = match asked {
            Ok(()) => End::Through,
            Err(Halt::Stopped) => End::Stopped,
            Err(Halt::Closed(kind, why)) => End::Closed(kind, why),
            Err(Halt::NotMade(why)) => End::NotMade(why),
            Err(Halt::Store(error)) => return Err(error.into()),
        };
        Ok(Report {
            findings,
            made,
            end,
            left,
            earlier,
        })
    }

    async fn clean(&self) -> Result<Cleaned, StoreError> {
        clean(self.client, self.store, self.clock, self.settle).await
    }
}

impl Asking<'_> {
    async fn ask_all(&mut self) -> Result<(), Halt> {
        self.look_around().await?;
        self.ours.at = self.probe.clock.rfc3339();
        let begun = self.probe.clock.now();
        self.make().await?;
        let answered = self.probe.clock.now();
        self.ask_search(begun, answered).await?;
        self.ask_patch().await?;
        self.ask_undefined().await?;
        self.ask_batch().await?;
        self.ask_put().await
    }

    /// Every answer of the probe was looked at for them.
    fn tell_headers(&mut self) {
        let told = self.probe.client.gate().stats().told_rate;
        let answer = (told > 0 || self.seen.is_some()).then_some(told > 0);
        let evidence = format!("{told} answers had such a header");
        self.findings.rate_limit_headers = self.found(answer, evidence);
    }
}
