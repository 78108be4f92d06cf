//! What all questions share: the customer as it was last read, and how a request is sent and judged.

use tokio_util::sync::CancellationToken;

use crate::domain::{CustomValue, CustomerId, Field, RemoteCustomer, Tag, Value};
use crate::helpcrunch::{ApiError, CallError, PatchBody, PropertyWrite, Sent, StopKind};

use super::account::Surroundings;
use super::finding::{Finding, Tagging};
use super::findings::Findings;
use super::run::Probe;
use super::store::StoreError;
use super::throwaway::Throwaway;
use super::verdict::{agreed, merges, tagging, took};

/// The page of a search that has to find one customer: no API refuses so few.
pub(super) const FEW: u32 = 10;

/// Why the questions end before the last one.
#[derive(Debug)]
pub(super) enum Halt {
    /// The user asked for it.
    Stopped,
    /// The gate closed.
    Closed(StopKind, String),
    /// There is no customer to ask with.
    NotMade(String),
    Store(StoreError),
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A probe that is under way.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    pub(super) probe: &'a Probe<'a>,
    pub(super) ours: Throwaway,
    pub(super) account: Surroundings,
    pub(super) findings: Findings,
    /// The customer as it was last read; nothing where that is not certain.
    pub(super) seen: Option<RemoteCustomer>,
    /// What was made for the whole account.
    pub(super) made: Vec<String>,
    marks: u32,
}

/// A write that the API took.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) before: RemoteCustomer,
    /// As the answer showed the customer, and as it was read after that.
    pub(super) after: Vec<RemoteCustomer>,
}

/// What became of a write.
#[derive(Debug)]
pub(super) enum Wrote {
    Took(Written),
    /// With this status, because of these members.
    Refused(u16, Vec<String>),
    /// Nobody knows, or there was nothing to compare with.
    Unclear(String),
}

impl<'a> Asking<'a> {
    pub(super) fn new(probe: &'a Probe<'a>, ours: Throwaway) -> Self {
        Self {
            probe,
            ours,
            account: Surroundings::default(),
            findings: Findings::default(),
            seen: None,
            made: Vec::new(),
            marks: 0,
        }
    }

    pub(super) fn found<T>(&self, answer: Option<T>, evidence: String) -> Option<Finding<T>> {
        Some(Finding {
            answer,
            evidence,
            at: self.probe.clock.rfc3339(),
        })
    }

    /// Sends a request, unless the user asks to stop: then it is dropped. Not for a create.
    pub(super) async fn call<T>(
        &self,
        call: impl Future<Output = Sent<T>>,
    ) -> Result<Result<T, CallError>, Halt> {
        let stop: &CancellationToken = &self.probe.stop;
        let sent = tokio::select! {
            biased;
            () = stop.cancelled() => return Err(Halt::Stopped),
            sent = call => sent,
        };
        judge(sent.result)
    }

    pub(super) fn id(&self) -> Result<CustomerId, Halt> {
        let missing = || Halt::NotMade("its id is not known".to_owned());
        self.ours.id.ok_or_else(missing)
    }

    /// Reads the customer.
    pub(super) async fn read_back(&mut self) -> Result<Option<RemoteCustomer>, Halt> {
        let id = self.id()?;
        self.seen = self.call(self.probe.client.get(id)).await?.ok();
        Ok(self.seen.clone())
    }

    /// The customer as it is before a write.
    pub(super) async fn before(&mut self) -> Result<Option<RemoteCustomer>, Halt> {
        match &self.seen {
            Some(seen) => Ok(Some(seen.clone())),
            None => self.read_back().await,
        }
    }

    /// Sends a write of the one customer, and reads it back.
    pub(super) async fn update(
        &mut self,
        write: impl Future<Output = Sent<RemoteCustomer>>,
    ) -> Result<Wrote, Halt> {
        let Some(before) = self.before().await? else {
            return Ok(Wrote::Unclear(
                "the customer could not be read before".to_owned(),
            ));
        };
        let answer = self.call(write).await?;
        let answer = match answer {
            Err(error) if let Some((status, members)) = refusal(&error) => {
                return Ok(Wrote::Refused(status, members));
            }
            answer => answer,
        };
        let after = self.read_back().await?;
        Ok(match answer {
            Ok(answer) => Wrote::Took(Written {
                before,
                after: std::iter::once(answer).chain(after).collect(),
            }),
            Err(error) => Wrote::Unclear(format!("it got no usable answer: {error}")),
        })
    }

    /// A text for a field, never the same twice.
    pub(super) fn next_mark(&mut self) -> Value {
        self.marks += 1;
        Value::Text(self.ours.mark(self.marks))
    }

    /// What every write of a probe sets: the marks by which the customer is known as ours, which a write that
    /// resets what it does not name must not take off, and a text that was not there.
    pub(super) fn marking(&mut self) -> Vec<(Field, Value)> {
        let text = |text: String| Value::Text(text);
        vec![
            (Field::UserId, text(self.ours.user_id())),
            (Field::Name, text(self.ours.name())),
            (Field::Company, self.next_mark()),
        ]
    }

    /// Makes ready to see what tags in a write do: the customer needs one, and another one has to be left. Costs
    /// a request only where that is not so.
    pub(super) async fn spare_tag(&mut self) -> Result<Option<String>, Halt> {
        let id = self.id()?;
        let client = self.probe.client;
        let has_none =
            |c: &RemoteCustomer| matches!(c.tags.as_ref().ok(), Some(tags) if tags.is_empty());
        if self.before().await?.as_ref().is_some_and(has_none)
            && let Some(tag) = self.account.tags.first().cloned()
        {
            self.update(client.tag(id, &[Tag::named(tag.name.clone())]))
                .await?;
            self.note_tag(&tag.name);
        }
        if let Some(spare) = self.absent_tag() {
            return Ok(Some(spare));
        }
        let Some(tag) = self.account.tags.last().cloned() else {
            return Ok(None);
        };
        self.update(client.untag(id, &[Tag::named(tag.name)]))
            .await?;
        Ok(self.absent_tag())
    }

    /// A tag that the customer does not have, where it has one.
    fn absent_tag(&self) -> Option<String> {
        let tags = self.seen.as_ref()?.tags.as_ref().ok()?;
        let has = |name: &str| {
            tags.iter()
                .any(|t| t.name.to_lowercase() == name.to_lowercase())
        };
        let mut pool = self.account.tags.iter().map(|tag| &tag.name);
        if tags.is_empty() {
            return None;
        }
        pool.find(|name| !has(name)).cloned()
    }

    /// Takes note that a tag was sent, which the account may not have had.
    pub(super) fn note_tag(&mut self, name: &str) {
        if self.account.tags.iter().any(|t| t.is_new && t.name == name) {
            self.made.push(format!("tag `{name}`"));
        }
    }

    pub(super) fn note_property(&mut self, name: &str) {
        self.made.push(format!("custom property `{name}`"));
    }

    /// Two properties that the customer has: one to send with another value, one to leave out.
    pub(super) fn pair(&self) -> Option<Pair> {
        let seen = self.seen.as_ref()?;
        let mut held = self
            .account
            .properties
            .iter()
            .filter(|p| seen.property(&p.name).is_some());
        let (sent, other) = (held.next()?, held.next()?);
        let now = seen.property(&sent.name)?;
        let value = sent.values.iter().find(|value| !value.means(now))?;
        Some(Pair {
            sent: sent.name.clone(),
            value: value.clone(),
            other: other.name.clone(),
        })
    }
}

/// One property to send, one to leave out.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) sent: String,
    pub(super) value: CustomValue,
    pub(super) other: String,
}

/// A write that shows what becomes of properties and tags beside those that it names.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    pub(super) set: Vec<(Field, Value)>,
    pub(super) pair: Option<Pair>,
    pub(super) tag: Option<String>,
}

impl Trial {
    pub(super) fn body(&self) -> PatchBody {
        let property =
            |pair: &Pair| vec![(pair.sent.clone(), PropertyWrite::Set(pair.value.clone()))];
        PatchBody {
            set: self
                .set
                .iter()
                .map(|(f, v)| (*f, Some(v.clone())))
                .collect(),
            custom_data: self.pair.as_ref().map(property),
            tags: self.tag.as_ref().map(|tag| vec![Tag::named(tag.clone())]),
        }
    }

    /// Whether the write changed anything that it named: without that it tells nothing.
    pub(super) fn took(&self, written: &Written) -> bool {
        let new: Vec<(Field, Value)> = self
            .set
            .iter()
            .filter(|(f, v)| !written.before.value(*f).is_some_and(|old| old.means(v)))
            .cloned()
            .collect();
        !written.after.is_empty() && written.after.iter().all(|after| took(after, &new))
    }

    pub(super) fn merges(&self, written: &Written) -> Option<bool> {
        let Pair { sent, value, other } = self.pair.as_ref()?;
        agreed(
            written
                .after
                .iter()
                .map(|after| merges(&written.before, after, sent, value, other)),
        )
    }

    pub(super) fn tagging(&self, written: &Written) -> Option<Tagging> {
        let tag = self.tag.as_ref()?;
        let told = agreed(
            written
                .after
                .iter()
                .map(|after| tagging(&written.before, after, tag)),
        );
        told.filter(|told| *told != Tagging::Ignored || self.took(written))
    }
}

/// What a call came to, or why nothing more can be sent.
pub(super) fn judge<T>(result: Result<T, CallError>) -> Result<Result<T, CallError>, Halt> {
    match result {
        Err(error) => match error.stop() {
            Some(stop) => Err(Halt::Closed(stop, error.to_string())),
            None => Ok(Err(error)),
        },
        ok => Ok(ok),
    }
}

/// Status and members that the API complains of, where it refused: then nothing was done (documented).
pub(super) fn refusal(error: &CallError) -> Option<(u16, Vec<String>)> {
    let CallError::Refused { status, errors } = error else {
        return None;
    };
    let codes = errors.iter().map(|ApiError { code, .. }| code.clone());
    Some((*status, codes.collect()))
}
