//! The watch on a run's first updates: their customers are read before and after, what an update did not name is compared,
//! and what it removed is written back. The state before is in the journal, so that a crash in between loses nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{Field, Issue, IssueKind, RemoteCustomer, RowNumber};
use crate::helpcrunch::{CallError, WriteClient};
use crate::journal::{Fact, JournalError, JournalRecord, Recovered};
use crate::plan::writes::UpdateScope;
use crate::plan::{Operation, Patch};
use crate::run::lane::LaneContext;

use super::RowAlert;
use super::loss::Loss;
use super::reading::CustomerReads;
use super::restore::restore;

/// The journal's name for a watched update whose effect was not checked yet.
const FACT: &str = "update_watch";

/// A customer before an update, and what the update names of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedUpdate {
    pub row: RowNumber,
    pub before: RemoteCustomer,
    pub fields: Vec<Field>,
    /// Properties that are changed; others may be sent along as they are.
    pub properties: Vec<String>,
    /// Tags that the row itself removes, by a request of its own afterwards.
    #[serde(default)]
    pub untagged: Vec<String>,
    /// The update names all that the customer had, so that a loss says nothing about what was probed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_whole: bool,
}

/// What is to be reported of rows besides their operations.
pub type RowAlerts = BTreeMap<RowNumber, RowAlert>;

/// What reading the customers of an update again showed.
#[derive(Debug, Default)]
pub(super) struct WatchReport {
    pub(super) alerts: RowAlerts,
    lost: UpdateScope,
    /// Customers as they are after something was written back.
    pub(super) restored: Vec<RemoteCustomer>,
    /// For some customer it is not clear whether it lost anything.
    pub(super) is_unclear: bool,
    /// Some customer could not be read.
    pub(super) is_unread: bool,
}

/// The result of settling the watch of an interrupted run.
#[derive(Debug, Default)]
pub struct WatchSettled {
    pub alerts: RowAlerts,
    /// Nothing of it is left to be checked or written back.
    pub is_complete: bool,
}

/// Returns the watched updates that were sent and not checked when the run was interrupted.
pub fn open_watch(recovered: &Recovered) -> Vec<WatchedUpdate> {
    let fact = recovered.facts.get(FACT).cloned();
    fact.and_then(|value| serde_json::from_value(value).ok())
        .unwrap_or_default()
}

/// Reads the customers of watched updates that an interrupted run sent, and writes back what they lost. Calls `on_loss`
/// before it writes.
pub async fn settle_watch(
    client: &WriteClient,
    open: &[WatchedUpdate],
    on_loss: &(dyn Fn(UpdateScope) + Sync),
) -> WatchSettled {
    let mut after = CustomerReads::new();
    for update in open {
        let id = update.before.id;
        after.insert(id, client.get(id).await.result);
    }
    let report = repair_losses(client, open, &after, on_loss).await;
    WatchSettled {
        alerts: report.alerts,
        is_complete: !report.is_unread,
    }
}

/// Settles the watch of an interrupted run, before anything else is sent. Returns what is to be reported of its rows.
///
/// # Errors
/// When the journal cannot be written.
pub async fn resume_watch(
    context: &LaneContext,
    recovered: &Recovered,
) -> Result<RowAlerts, JournalError> {
    let open = open_watch(recovered);
    if open.is_empty() {
        return Ok(RowAlerts::new());
    }
    let on_loss = |lost| context.batches.record_loss(lost);
    let settled = settle_watch(&context.client, &open, &on_loss).await;
    if settled.is_complete {
        record_closed(context).await?;
    }
    Ok(settled.alerts)
}

/// Returns the entry that ends an open watch in a run's journal.
pub fn watch_closed() -> JournalRecord {
    JournalRecord::Fact(Fact {
        name: FACT.to_owned(),
        value: serde_json::Value::Null,
    })
}

impl WatchedUpdate {
    pub(in crate::run) fn new(
        row: RowNumber,
        before: &RemoteCustomer,
        patch: Option<&Patch>,
        operations: &[Operation],
    ) -> Self {
        let untagged = operations.iter().flat_map(|operation| match operation {
            Operation::Untag(tags) => tags.as_slice(),
            _ => &[],
        });
        let set = patch.iter().flat_map(|p| &p.set);
        let custom_data = patch.iter().flat_map(|p| &p.custom_data);
        Self {
            row,
            before: before.clone(),
            fields: set.map(|change| change.field).collect(),
            properties: custom_data.map(|change| change.name.clone()).collect(),
            untagged: untagged.map(|tag| tag.name.clone()).collect(),
            is_whole: false,
        }
    }
}

/// Brings the state before an update to disk, before the update is sent.
pub(super) async fn record_open(
    context: &LaneContext,
    updates: &[WatchedUpdate],
) -> Result<(), JournalError> {
    let fact = Fact {
        name: FACT.to_owned(),
        value: serde_json::to_value(updates).unwrap_or_default(),
    };
    context.journal.append(&JournalRecord::Fact(fact)).await
}

pub(super) async fn record_closed(context: &LaneContext) -> Result<(), JournalError> {
    context.journal.append(&watch_closed()).await
}

/// Compares the customers with what they were, and writes back what they lost. Calls `on_loss` before it writes, so that
/// no crash makes a loss forgotten.
pub(super) async fn repair_losses(
    client: &WriteClient,
    updates: &[WatchedUpdate],
    after: &CustomerReads,
    on_loss: &(dyn Fn(UpdateScope) + Sync),
) -> WatchReport {
    let mut report = WatchReport::default();
    let mut losses = Vec::new();
    for update in updates {
        match after.get(&update.before.id) {
            Some(Ok(customer)) => match Loss::between(update, customer) {
                None => report.is_unclear = true,
                Some(loss) if loss.is_empty() => {}
                Some(loss) => losses.push((update, customer, loss)),
            },
            Some(Err(error)) if error.is_not_found() => {}
            Some(Err(error)) => report.add_unread(update, error),
            None => report.is_unread = true,
        }
    }
    let unnamed = losses.iter().filter(|(update, ..)| !update.is_whole);
    let kinds = unnamed.map(|(_, _, loss)| loss.kinds());
    report.lost = kinds.fold(UpdateScope::default(), UpdateScope::union);
    if report.lost != UpdateScope::default() {
        on_loss(report.lost);
    }
    for (update, customer, loss) in losses {
        match restore(client, update, customer, &loss).await {
            Some((alert, customer)) => {
                report.alerts.insert(update.row, alert);
                report.restored.push(customer);
            }
            None => report.is_unread = true,
        }
    }
    report
}

impl WatchReport {
    pub(super) fn is_harmless(&self) -> bool {
        self.lost == UpdateScope::default() && !self.is_unclear && !self.is_unread
    }

    fn add_unread(&mut self, update: &WatchedUpdate, error: &CallError) {
        self.is_unread = true;
        if error.stop().is_some() {
            return;
        }
        self.is_unclear = true;
        let message = format!(
            "the customer was updated but could not be read afterwards, so it is not known whether it lost other data: {error}"
        );
        let issue = Issue::new(IssueKind::Network, "update_unseen", message)
            .hint("compare the customer with the run's journal, which holds it as it was under `update_watch`");
        self.alerts.insert(update.row, RowAlert::Warning(issue));
    }
}
