//! What all questions of a probe share: the customer as it was last read, and how a request is sent and judged.

use tokio_util::sync::CancellationToken;

use crate::domain::{CustomerId, Field, RemoteCustomer, Tag, Value};
use crate::helpcrunch::{ApiError, CallError, CallReport, StopKind};

use super::account::AccountSample;
use super::finding::Finding;
use super::findings::Findings;
use super::run::Probe;
use super::store::StoreError;
use super::throwaway::Throwaway;
use super::trial::{AcceptedWrite, PropertyPair, WriteOutcome};

/// `limit` of a search that looks for one customer. Every API version accepts it.
pub(super) const SMALL_PAGE: u32 = 10;

/// Why a probe ends before its last question.
#[derive(Debug)]
pub(super) enum Halt {
    /// The user stopped it.
    Stopped,
    /// The gate closed.
    Closed(StopKind, String),
    /// There is no customer to test with.
    NotCreated(String),
    Store(StoreError),
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A probe in progress.
#[derive(Debug)]
pub(super) struct ProbeSession<'a> {
    pub(super) probe: &'a Probe<'a>,
    pub(super) ours: Throwaway,
    pub(super) account: AccountSample,
    pub(super) findings: Findings,
    /// The customer as it was last read. `None` if its state is uncertain.
    pub(super) seen: Option<RemoteCustomer>,
    /// Tags and properties that the probe may have added to the account.
    pub(super) made: Vec<String>,
    marks: u32,
}

impl<'a> ProbeSession<'a> {
    pub(super) fn new(probe: &'a Probe<'a>, ours: Throwaway) -> Self {
        Self {
            probe,
            ours,
            account: AccountSample::default(),
            findings: Findings::default(),
            seen: None,
            made: Vec::new(),
            marks: 0,
        }
    }

    pub(super) fn finding<T>(
        &self,
        answer: Option<T>,
        evidence: impl Into<String>,
    ) -> Option<Finding<T>> {
        Some(Finding {
            answer,
            evidence: evidence.into(),
            at: self.probe.clock.rfc3339(),
        })
    }

    /// Sends a request. A stop by the user drops it, so creates must not go through here.
    pub(super) async fn call<T>(
        &self,
        call: impl Future<Output = CallReport<T>>,
    ) -> Result<Result<T, CallError>, Halt> {
        let stop: &CancellationToken = &self.probe.stop;
        let sent = tokio::select! {
            biased;
            () = stop.cancelled() => return Err(Halt::Stopped),
            sent = call => sent,
        };
        halt_if_closed(sent.result)
    }

    pub(super) fn id(&self) -> Result<CustomerId, Halt> {
        let missing = || Halt::NotCreated("its id is not known".to_owned());
        self.ours.id.ok_or_else(missing)
    }

    /// Reads the customer. `None` if the answer is unusable.
    pub(super) async fn read_back(&mut self) -> Result<Option<RemoteCustomer>, Halt> {
        let id = self.id()?;
        self.seen = self.call(self.probe.client.get(id)).await?.ok();
        Ok(self.seen.clone())
    }

    /// Returns the customer as it is now, reading it only if its state is uncertain.
    pub(super) async fn current(&mut self) -> Result<Option<RemoteCustomer>, Halt> {
        match &self.seen {
            Some(seen) => Ok(Some(seen.clone())),
            None => self.read_back().await,
        }
    }

    /// Sends a write to the customer and reads the customer back.
    pub(super) async fn update(
        &mut self,
        write: impl Future<Output = CallReport<RemoteCustomer>>,
    ) -> Result<WriteOutcome, Halt> {
        let Some(before) = self.current().await? else {
            return Ok(WriteOutcome::unreadable_before());
        };
        let answer = self.call(write).await?;
        let answer = match answer {
            Err(error) if let Some((status, members)) = refusal(&error) => {
                return Ok(WriteOutcome::Refused(status, members));
            }
            answer => answer,
        };
        let after = self.read_back().await?;
        Ok(match answer {
            Ok(answer) => WriteOutcome::Accepted(AcceptedWrite {
                before,
                after: std::iter::once(answer).chain(after).collect(),
            }),
            Err(error) => WriteOutcome::unusable_answer(&error),
        })
    }

    /// Returns a text for a field, a different one each time.
    pub(super) fn next_mark(&mut self) -> Value {
        self.marks += 1;
        Value::Text(self.ours.mark(self.marks))
    }

    /// Returns the fields that PUT and batch trials set. A write that resets unnamed fields must not remove the
    /// texts by which the customer is recognized, so these are named; `company` gets a new text, which shows that
    /// the write took effect.
    pub(super) fn marker_fields(&mut self) -> Vec<(Field, Value)> {
        vec![
            (Field::UserId, Value::Text(self.ours.user_id())),
            (Field::Name, Value::Text(self.ours.name())),
            (Field::Company, self.next_mark()),
        ]
    }

    /// Prepares a test of tags in a write: the customer needs a tag, and there must be another one that it does
    /// not have. Returns the latter. Sends requests only if that is not the case yet.
    pub(super) async fn spare_tag(&mut self) -> Result<Option<String>, Halt> {
        let id = self.id()?;
        if let Some(current) = self.current().await? {
            self.ensure_tag(&current).await?;
        }
        if let Some(spare) = self.absent_tag() {
            return Ok(Some(spare));
        }
        let Some(tag) = self.account.tags.last().cloned() else {
            return Ok(None);
        };
        let client = self.probe.client;
        self.update(client.untag(id, &[Tag::named(tag.name)]))
            .await?;
        Ok(self.absent_tag())
    }

    /// Tags the customer if `current` has no tag.
    pub(super) async fn ensure_tag(&mut self, current: &RemoteCustomer) -> Result<(), Halt> {
        let has_none = current.tags.as_ref().ok().is_some_and(Vec::is_empty);
        if has_none && let Some(tag) = self.account.tags.first().cloned() {
            let (id, client) = (self.id()?, self.probe.client);
            self.update(client.tag(id, &[Tag::named(tag.name.clone())]))
                .await?;
            self.note_tag(&tag.name);
        }
        Ok(())
    }

    /// Returns a tag of the sample that the customer does not have, or `None` if the customer has no tags at all.
    fn absent_tag(&self) -> Option<String> {
        let tags = self.seen.as_ref()?.tags.as_ref().ok()?;
        if tags.is_empty() {
            return None;
        }
        let has = |name: &str| {
            tags.iter()
                .any(|t| t.name.to_lowercase() == name.to_lowercase())
        };
        let mut pool = self.account.tags.iter().map(|tag| &tag.name);
        pool.find(|name| !has(name)).cloned()
    }

    /// Records that a tag was sent that the account may not have had.
    pub(super) fn note_tag(&mut self, name: &str) {
        if self.account.tags.iter().any(|t| t.is_new && t.name == name) {
            self.made.push(format!("tag `{name}`"));
        }
    }

    pub(super) fn note_property(&mut self, name: &str) {
        self.made.push(format!("custom property `{name}`"));
    }

    /// Picks two properties that the customer has: one to send with another value, one to leave out.
    pub(super) fn property_pair(&self) -> Option<PropertyPair> {
        let seen = self.seen.as_ref()?;
        let mut held = self
            .account
            .properties
            .iter()
            .filter(|p| seen.property(&p.name).is_some());
        let (sent, other) = (held.next()?, held.next()?);
        let now = seen.property(&sent.name)?;
        let value = sent.values.iter().find(|value| !value.means(now))?;
        Some(PropertyPair {
            sent: sent.name.clone(),
            value: value.clone(),
            other: other.name.clone(),
        })
    }
}

/// Turns an error after which nothing more can be sent into a [`Halt`]; passes on everything else.
pub(super) fn halt_if_closed<T>(
    result: Result<T, CallError>,
) -> Result<Result<T, CallError>, Halt> {
    match result {
        Err(error) => match error.stop() {
            Some(stop) => Err(Halt::Closed(stop, error.to_string())),
            None => Ok(Err(error)),
        },
        ok => Ok(ok),
    }
}

/// Returns the status and the members that the API objects to, if it refused the request: then it did nothing
/// (documented).
pub(super) fn refusal(error: &CallError) -> Option<(u16, Vec<String>)> {
    let CallError::Refused { status, errors } = error else {
        return None;
    };
    let codes = errors.iter().map(|ApiError { code, .. }| code.clone());
    Some((*status, codes.collect()))
}
