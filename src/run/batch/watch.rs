//! The watch on a run's first updates: their customers are read before and after, what it did not name is compared, and
//! what it lost is written back. What there was before is in the journal, so that a crash in between loses nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::domain::{CustomerId, Field, Issue, IssueKind, RemoteCustomer, RowNumber};
use crate::helpcrunch::{CallError, WriteClient};
use crate::journal::{Entry, Fact, JournalError, Recovered};
use crate::plan::writes::Carried;
use crate::plan::{Operation, Patch};
use crate::run::lane::{LaneContext, LaneJob};
use crate::run::verify::shortfall;

use super::loss::{Loss, LostKinds};
use super::reading::{Read, read};
use super::restoring::restore;
use super::sending::{Answered, carried, customer_of, exchange, patch_of};
use super::{Notice, Proven};

/// The journal's name for a batch whose effect was not looked at yet.
const FACT: &str = "update_watch";

/// A customer before an update, and what that names of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    pub row: RowNumber,
    pub before: RemoteCustomer,
    pub fields: Vec<Field>,
    /// Properties that are changed; others may be sent along as they are.
    pub properties: Vec<String>,
    /// Tags that the row itself takes away, by a request of its own afterwards.
    #[serde(default)]
    pub untagged: Vec<String>,
}

/// What is to be told of rows.
pub type Notices = BTreeMap<RowNumber, Notice>;

/// What a look at the customers of an update showed.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) notices: Notices,
    lost: LostKinds,
    /// Customers as they are after something was written back.
    pub(super) restored: Vec<RemoteCustomer>,
    /// Of some customer it cannot be told whether it lost anything.
    pub(super) is_unclear: bool,
    /// Some customer could not be read.
    pub(super) is_unread: bool,
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
    /// Nothing of it is left to be looked at or written back.
    pub is_whole: bool,
}

/// Looks at the customers of a batch that an interrupted run sent, and writes back what it lost; `on_loss` is told
/// before.
pub async fn settle_watch(
    client: &WriteClient,
    open: &[Watched],
    on_loss: &(dyn Fn(LostKinds) + Sync),
) -> WatchSettled {
    let mut after = Read::new();
    for watched in open {
        let id = watched.before.id;
        after.insert(id, client.get(id).await.result);
    }
    let looked = look(client, open, &after, on_loss).await;
    WatchSettled {
        notices: looked.notices,
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
    let on_loss = |lost| context.batches.lost(lost);
    let settled = settle_watch(&context.client, &open, &on_loss).await;
    if settled.is_whole {
        note_closed(context).await?;
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

/// Sends a batch under watch.
pub(super) async fn exchange_watched(
    context: &LaneContext,
    jobs: Vec<LaneJob>,
    proven: &mut Proven,
) -> Result<Answered, JournalError> {
    let (mut before, read_at) = before(context, &jobs).await;
    if let Some(stop) = stop_of(&before) {
        return Ok(Answered::stopped(jobs, stop));
    }
    // Whoever cannot be read is patched alone, and fails there. All others stand on what was just read.
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for mut job in jobs {
        match before.remove(&customer_of(&job)) {
            Some(Ok(customer)) => {
                job.before = Some(customer);
                if let Some(read_at) = read_at {
                    job.standing.renew(read_at);
                }
                known.push(job);
            }
            _ => unknown.push(job),
        }
    }
    if known.len() < 2 {
        known.append(&mut unknown);
        return Ok(Answered::unsent(known));
    }
    let watched = known
        .iter()
        .filter_map(|job| Some(Watched::of(job, job.before.as_ref()?)));
    let watched: Vec<Watched> = watched.collect();
    let jobs = known;
    note_open(context, &watched).await?;
    let mut answered = exchange(context, jobs).await?;
    answered.done.extend(unknown);
    if answered.result.as_ref().is_err_and(CallError::is_unsent) {
        note_closed(context).await?;
        return Ok(answered);
    }
    look_afterwards(context, &watched, &mut answered, proven).await?;
    Ok(answered)
}

/// Reads the customers again and gives back what they lost. Where nobody lost anything, that which was carried to those
/// who took it is proven; a batch whose entries were all passed over proves nothing.
async fn look_afterwards(
    context: &LaneContext,
    watched: &[Watched],
    answered: &mut Answered,
    proven: &mut Proven,
) -> Result<(), JournalError> {
    let is_taken = answered.result.is_ok();
    let ids: Vec<_> = watched.iter().map(|w| w.before.id).collect();
    let is_current = |customer: &RemoteCustomer| !is_taken || shows(&answered.jobs, customer);
    let after = read(&context.client, &ids, is_current).await;
    let on_loss = |lost| context.batches.lost(lost);
    let looked = look(&context.client, watched, &after, &on_loss).await;
    if looked.is_unclear {
        let why = "what a batch update leaves alone cannot be told from the answers";
        context.batches.turn_off(why);
    }
    if !looked.is_unread {
        note_closed(context).await?;
    }
    for job in &mut answered.jobs {
        job.notice = looked.notices.get(&job.lane.row).cloned();
    }
    let took = |id: CustomerId| matches!(after.get(&id), Some(Ok(customer)) if shows(&answered.jobs, customer));
    if is_taken && looked.is_harmless() {
        let jobs = answered.jobs.iter().filter(|job| took(customer_of(job)));
        let stakes = watched.iter().filter(|one| took(one.before.id));
        let stakes = stakes.map(Watched::at_stake);
        let at_stake = stakes.fold(Carried::default(), Carried::and);
        proven
            .batches
            .lost_nothing(carried(context, jobs), at_stake, true);
    }
    answered.read = after;
    answered.took_over(looked.restored);
    Ok(())
}

impl Watched {
    /// The customer of a row whose patch is this one, and whose operations are those.
    pub(in crate::run) fn new(
        row: RowNumber,
        before: &RemoteCustomer,
        patch: Option<&Patch>,
        operations: &[Operation],
    ) -> Self {
        Self {
            row,
            before: before.clone(),
            fields: patch.iter().flat_map(|p| &p.set).map(|c| c.field).collect(),
            properties: patch
                .iter()
                .flat_map(|p| &p.custom_data)
                .map(|c| c.name.clone())
                .collect(),
            untagged: untagged(operations),
        }
    }

    fn of(job: &LaneJob, before: &RemoteCustomer) -> Self {
        Self::new(job.lane.row, before, patch_of(job), &job.lane.operations)
    }
}

fn untagged(operations: &[Operation]) -> Vec<String> {
    let tags = operations.iter().flat_map(|operation| match operation {
        Operation::Untag(tags) => tags.as_slice(),
        _ => &[],
    });
    tags.map(|tag| tag.name.clone()).collect()
}

/// The customers as they are: as they were read directly before, if all of them were. Else they are read, and when.
async fn before(context: &LaneContext, jobs: &[LaneJob]) -> (Read, Option<Instant>) {
    let known = |job: &LaneJob| Some((customer_of(job), Ok(job.before.clone()?)));
    match jobs.iter().map(known).collect::<Option<Read>>() {
        Some(read) => (read, None),
        None => {
            let ids: Vec<CustomerId> = jobs.iter().map(customer_of).collect();
            let asked = context.clock.now();
            let read = read(&context.client, &ids, |_| true).await;
            (read, Some(context.client.gate().calm_since(asked)))
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

/// What there was before is on disk before the update leaves.
pub(super) async fn note_open(
    context: &LaneContext,
    watched: &[Watched],
) -> Result<(), JournalError> {
    let fact = Fact {
        name: FACT.to_owned(),
        value: serde_json::to_value(watched).unwrap_or_default(),
    };
    context.journal.append(&Entry::Fact(fact)).await
}

pub(super) async fn note_closed(context: &LaneContext) -> Result<(), JournalError> {
    context.journal.append(&watch_closed()).await
}

/// Compares, and writes back what was lost. That anything was is told before, so that no crash makes it forgotten.
pub(super) async fn look(
    client: &WriteClient,
    watched: &[Watched],
    after: &Read,
    on_loss: &(dyn Fn(LostKinds) + Sync),
) -> Looked {
    let mut looked = Looked::default();
    let mut losses = Vec::new();
    for one in watched {
        match after.get(&one.before.id) {
            Some(Ok(customer)) => match Loss::between(one, customer) {
                None => looked.is_unclear = true,
                Some(loss) if loss.is_empty() => {}
                Some(loss) => losses.push((one, customer, loss)),
            },
            Some(Err(error)) if error.is_not_found() => {}
            Some(Err(error)) => looked.could_not_read(one, error),
            None => looked.is_unread = true,
        }
    }
    let kinds = losses.iter().map(|(_, _, loss)| loss.kinds());
    looked.lost = kinds.fold(LostKinds::default(), LostKinds::and);
    if looked.lost.any() {
        on_loss(looked.lost);
    }
    for (one, customer, loss) in losses {
        match restore(client, one, customer, &loss).await {
            Some((notice, customer)) => {
                looked.notices.insert(one.row, notice);
                looked.restored.push(customer);
            }
            None => looked.is_unread = true,
        }
    }
    looked
}

impl Looked {
    pub(super) fn is_harmless(&self) -> bool {
        !self.lost.any() && !self.is_unclear && !self.is_unread
    }

    fn could_not_read(&mut self, watched: &Watched, error: &CallError) {
        self.is_unread = true;
        if error.stop().is_some() {
            return;
        }
        self.is_unclear = true;
        let message = format!(
            "its update was sent, and whether that took away what it did not name could not be seen: {error}"
        );
        let issue = Issue::new(IssueKind::Network, "update_unseen", message)
            .hint("compare the customer with the run's journal, which holds it as it was under `update_watch`");
        self.notices.insert(watched.row, Notice::Warning(issue));
    }
}

impl Answered {
    /// What follows stands on the customers as they are now.
    fn took_over(&mut self, restored: Vec<RemoteCustomer>) {
        for customer in restored {
            if let Ok(customers) = &mut self.result {
                customers.insert(customer.id, customer.clone());
            }
            self.read.insert(customer.id, Ok(customer));
        }
    }

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
            in_doubt: false,
            result: Ok(BTreeMap::new()),
            read: Read::new(),
        }
    }
}
