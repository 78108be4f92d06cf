//! The watch on a run's first batch: its customers are read before and after, what it did not name is compared, and
//! what it lost is written back. What there was before is in the journal, so that a crash in between loses nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{CustomerId, Field, Issue, IssueKind, Known, RemoteCustomer, RowNumber};
use crate::helpcrunch::{CallError, PatchBody, PropertyWrite, WriteClient};
use crate::journal::{Entry, Fact, JournalError, Recovered};
use crate::run::lane::{LaneContext, LaneJob};
use crate::run::verify::shortfall;

use super::Notice;
use super::loss::{Loss, LostKinds};
use super::reading::{Read, read};
use super::sending::{Answered, customer_of, exchange, patch_of};

/// The journal's name for a batch whose effect was not looked at yet.
const FACT: &str = "batch_watch";

/// A customer before a batch, and what the batch names of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    pub row: RowNumber,
    pub before: RemoteCustomer,
    pub fields: Vec<Field>,
    /// Properties that are changed; others may be sent along as they are.
    pub properties: Vec<String>,
}

/// What is to be told of rows.
pub type Notices = BTreeMap<RowNumber, Notice>;

/// What a look at the customers of a batch showed.
#[derive(Debug, Default)]
struct Looked {
    notices: Notices,
    lost: LostKinds,
    /// Of some customer it cannot be told whether it lost anything.
    is_unclear: bool,
    /// Some customer could not be read.
    is_unread: bool,
}

/// The batch that was sent and not looked at when the run was interrupted.
#[must_use]
pub fn open_watch(recovered: &Recovered) -> Vec<Watched> {
    let fact = recovered.facts.get(FACT).cloned();
    fact.and_then(|value| serde_json::from_value(value).ok())
        .unwrap_or_default()
}

/// What came of looking at the customers of a batch that an interrupted run sent.
#[derive(Debug, Default)]
pub struct WatchSettled {
    pub notices: Notices,
    pub lost: LostKinds,
    /// Nothing of it is left to be looked at or written back.
    pub is_whole: bool,
}

/// Looks at the customers of a batch that an interrupted run sent, and writes back what it lost.
pub async fn settle_watch(client: &WriteClient, merges: bool, open: &[Watched]) -> WatchSettled {
    let mut after = Read::new();
    for watched in open {
        let id = watched.before.id;
        after.insert(id, client.get(id).await.result);
    }
    let looked = look(client, merges, open, &after).await;
    WatchSettled {
        notices: looked.notices,
        lost: looked.lost,
        is_whole: !looked.is_unread,
    }
}

/// Takes up an interrupted run's batches: the one that was watched is looked at before anything else is sent. Gives
/// what is to be told of its rows.
///
/// # Errors
/// When the journal cannot be written.
pub async fn take_up(
    context: &LaneContext,
    recovered: &Recovered,
) -> Result<Notices, JournalError> {
    let open = open_watch(recovered);
    if open.is_empty() {
        return Ok(Notices::new());
    }
    let settled = settle_watch(&context.client, context.rules.patch_merges, &open).await;
    if settled.lost.any() {
        context.batches.lost(settled.lost);
    }
    if settled.is_whole {
        note(context, serde_json::Value::Null).await?;
    }
    Ok(settled.notices)
}

/// What ends an open watch in a run's journal.
#[must_use]
pub fn watch_closed() -> Entry {
    Entry::Fact(Fact {
        name: FACT.to_owned(),
        value: serde_json::Value::Null,
    })
}

/// Sends a batch under watch. Gives what was answered, and whether batches have shown to leave alone what they do
/// not name.
pub(super) async fn exchange_watched(
    context: &LaneContext,
    jobs: Vec<LaneJob>,
) -> Result<(Answered, bool), JournalError> {
    let before = before(context, &jobs).await;
    if let Some(stop) = stop_of(&before) {
        return Ok((Answered::stopped(jobs, stop), false));
    }
    // Whoever cannot be read is patched alone, and fails there.
    let is_known = |job: &LaneJob| matches!(before.get(&customer_of(job)), Some(Ok(_)));
    let (jobs, unknown): (Vec<_>, Vec<_>) = jobs.into_iter().partition(is_known);
    if jobs.len() < 2 {
        let all = jobs.into_iter().chain(unknown).collect();
        return Ok((Answered::unsent(all), false));
    }
    let watched: Vec<Watched> = jobs
        .iter()
        .filter_map(|job| {
            Some(Watched::of(
                job,
                before.get(&customer_of(job))?.as_ref().ok()?,
            ))
        })
        .collect();
    let open = serde_json::to_value(&watched).unwrap_or_default();
    note(context, open).await?;
    let mut answered = exchange(context, jobs).await;
    answered.done.extend(unknown);
    if matches!(answered.result, Err(CallError::NotSent(_))) {
        note(context, serde_json::Value::Null).await?;
        return Ok((answered, false));
    }
    let is_taken = answered.result.is_ok();
    let after = {
        let ids: Vec<_> = watched.iter().map(|w| w.before.id).collect();
        let is_current = |customer: &RemoteCustomer| !is_taken || shows(&answered.jobs, customer);
        read(&context.client, &ids, is_current).await
    };
    let looked = look(
        &context.client,
        context.rules.patch_merges,
        &watched,
        &after,
    )
    .await;
    if looked.lost.any() {
        context.batches.lost(looked.lost);
    } else if looked.is_unclear {
        let why = "what a batch update leaves alone cannot be told from the answers";
        context.batches.turn_off(why);
    }
    if !looked.is_unread {
        note(context, serde_json::Value::Null).await?;
    }
    for job in &mut answered.jobs {
        job.notice = looked.notices.get(&job.lane.row).cloned();
    }
    let is_proven = is_taken && !looked.lost.any() && !looked.is_unclear && !looked.is_unread;
    answered.read = after;
    Ok((answered, is_proven))
}

impl Watched {
    fn of(job: &LaneJob, before: &RemoteCustomer) -> Self {
        let patch = patch_of(job);
        Self {
            row: job.lane.row,
            before: before.clone(),
            fields: patch.iter().flat_map(|p| &p.set).map(|c| c.field).collect(),
            properties: patch
                .iter()
                .flat_map(|p| &p.custom_data)
                .map(|c| c.name.clone())
                .collect(),
        }
    }
}

/// The customers as they are: as they were read directly before, if all of them were.
async fn before(context: &LaneContext, jobs: &[LaneJob]) -> Read {
    let known = |job: &LaneJob| Some((customer_of(job), Ok(job.before.clone()?)));
    match jobs.iter().map(known).collect::<Option<Read>>() {
        Some(read) => read,
        None => {
            let ids: Vec<CustomerId> = jobs.iter().map(customer_of).collect();
            read(&context.client, &ids, |_| true).await
        }
    }
}

/// Whether what was read shows what the batch wrote.
fn shows(jobs: &[LaneJob], customer: &RemoteCustomer) -> bool {
    let job = jobs.iter().find(|job| customer_of(job) == customer.id);
    let patch = job.and_then(|job| job.lane.operations.first());
    patch.is_some_and(|patch| shortfall(patch, None, customer).is_empty())
}

fn stop_of(read: &Read) -> Option<CallError> {
    let mut errors = read.values().filter_map(|one| one.as_ref().err());
    errors.find(|error| error.stop().is_some()).cloned()
}

async fn note(context: &LaneContext, value: serde_json::Value) -> Result<(), JournalError> {
    let name = FACT.to_owned();
    context
        .journal
        .append(&Entry::Fact(Fact { name, value }))
        .await
}

/// Compares, and writes back what was lost.
async fn look(client: &WriteClient, merges: bool, watched: &[Watched], after: &Read) -> Looked {
    let mut looked = Looked::default();
    for one in watched {
        match after.get(&one.before.id) {
            Some(Ok(customer)) => match Loss::between(one, customer) {
                None => looked.is_unclear = true,
                Some(loss) if loss.is_empty() => {}
                Some(loss) => {
                    looked.lost = looked.lost.and(loss.kinds());
                    let notice = restore(client, merges, one, customer, &loss).await;
                    looked.is_unread |= notice.is_none();
                    looked
                        .notices
                        .extend(notice.map(|notice| (one.row, notice)));
                }
            },
            Some(Err(error)) if error.is_not_found() => {}
            Some(Err(_)) | None => looked.is_unread = true,
        }
    }
    looked
}

/// Writes back what a customer lost. Nothing where the run stops before that is done.
async fn restore(
    client: &WriteClient,
    merges: bool,
    watched: &Watched,
    after: &RemoteCustomer,
    loss: &Loss,
) -> Option<Notice> {
    let id = watched.before.id;
    let mut seen = after.clone();
    let mut trouble = None;
    let body = body(loss, after, merges);
    let calls: [Option<_>; 2] = [
        (!body.set.is_empty() || body.custom_data.is_some()).then_some(Some(body)),
        (!loss.tags.is_empty()).then_some(None),
    ];
    for call in calls.into_iter().flatten() {
        let sent = match call {
            Some(body) => client.patch(id, &body).await,
            None => client.tag(id, &loss.tags).await,
        };
        match sent.result {
            Ok(customer) => seen = customer,
            Err(error) if error.stop().is_some() => return None,
            Err(error) => trouble = Some(error),
        }
    }
    let left = Loss::between(watched, &seen);
    Some(match (trouble, left) {
        (None, Some(left)) if left.is_empty() => Notice::Warning(written_back(loss)),
        (trouble, _) => Notice::Failure(not_written_back(loss, trouble.as_ref())),
    })
}

/// A whole set of properties where PATCH is not known to merge them.
fn body(loss: &Loss, after: &RemoteCustomer, merges: bool) -> PatchBody {
    let set = |(name, value): &(String, _)| (name.clone(), PropertyWrite::Set(Clone::clone(value)));
    let resend = |name: &String, value: &crate::domain::OpaqueValue| {
        (name.clone(), PropertyWrite::Resend(value.clone()))
    };
    let mut properties: BTreeMap<String, PropertyWrite> = BTreeMap::new();
    if loss.kinds().properties {
        if let (Known::Is(has), false) = (&after.custom_data, merges) {
            let has = has.iter().filter(|(_, value)| !value.is_no_value());
            properties.extend(has.map(|(n, v)| (n.clone(), PropertyWrite::Set(v.clone()))));
            properties.extend(after.opaque.iter().map(|(n, v)| resend(n, v)));
        }
        properties.extend(loss.properties.iter().map(set));
        properties.extend(loss.opaque.iter().map(|(n, v)| resend(n, v)));
    }
    let fields = loss.fields.iter();
    PatchBody {
        set: fields.map(|(f, v)| (*f, Some(v.clone()))).collect(),
        custom_data: (!properties.is_empty()).then(|| properties.into_iter().collect()),
        tags: None,
    }
}

fn written_back(loss: &Loss) -> Issue {
    let message = format!(
        "a batch update took away what it did not name, and it was written back: {}",
        loss.names().join(", ")
    );
    Issue::new(IssueKind::Api, "batch_lost", message).hint(
        "batch update is off from here on; `hcsync probe` finds out anew how the account behaves",
    )
}

fn not_written_back(loss: &Loss, why: Option<&CallError>) -> Issue {
    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
    let message = format!(
        "a batch update took away what it did not name, and it could not all be written back{why}: {}",
        loss.names().join(", ")
    );
    Issue::new(IssueKind::Api, "batch_lost", message)
        .hint("the values from before are in the run's journal, under `batch_watch`; batch update is off from here on")
}

impl Answered {
    /// Nothing was sent, and nothing will be.
    fn stopped(jobs: Vec<LaneJob>, stop: CallError) -> Self {
        Self {
            jobs,
            result: Err(stop),
            ..Self::unsent(Vec::new())
        }
    }

    /// The jobs are sent alone.
    fn unsent(done: Vec<LaneJob>) -> Self {
        Self {
            jobs: Vec::new(),
            done,
            attempts: 0,
            http_status: None,
            result: Ok(BTreeMap::new()),
            read: Read::new(),
        }
    }
}
