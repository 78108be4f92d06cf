//! Operations in doubt: sent, outcome unknown. Each leaves its intent in the journal before its request is sent, and is
//! judged by its customer as it is read afterwards.

mod entries;

use std::collections::BTreeMap;

use crate::domain::{CustomerId, RemoteCustomer, RowNumber};
use crate::helpcrunch::{CallError, ReadClient};
use crate::journal::{Intent, JournalError, JournalRecord, RowProgress};
use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::diff::{field_matches, property_matches};
use crate::plan::{Lane, Operation, OperationKind};

use super::batch::read_customers;
use super::lane::LaneContext;
use super::verify::shortfall;
use entries::changed;
pub use entries::created;

/// What a customer shows of an operation that may have been applied to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// The customer holds what the operation wants.
    InPlace,
    /// The customer is as it was before.
    NotApplied,
    /// Neither: it was changed since, or HelpCrunch kept only a part.
    Unclear,
}

impl LaneContext {
    /// Writes the intent of an operation to the journal before its request is sent. Attempts at a patch, tag or untag
    /// share one intent; each create has its own. The intents of creates and deletes are brought to disk.
    pub(super) async fn record_intent(
        &self,
        row: RowNumber,
        op: OperationKind,
        progress: &mut RowProgress,
    ) -> Result<(), JournalError> {
        let creates = op == OperationKind::Create;
        if !creates && progress.open(op).is_some() {
            return Ok(());
        }
        let at = self.clock.rfc3339();
        let intent = Intent { row, op, at };
        let entry = JournalRecord::Intent(intent.clone());
        if creates || op == OperationKind::Delete {
            self.journal.append(&entry).await?;
        } else {
            self.journal.append_for_successor(&entry).await?;
        }
        progress.begin(intent);
        Ok(())
    }
}

/// Returns what the customer shows of an operation. A create is not judged here: its customer has to be found first.
pub(super) fn effect(operation: &Operation, customer: &RemoteCustomer) -> Effect {
    if let Operation::Delete(_) = operation {
        return Effect::NotApplied;
    }
    let missing = shortfall(operation, None, customer);
    if missing.is_empty() {
        return Effect::InPlace;
    }
    let is_as_before = match operation {
        Operation::Create(_) | Operation::Delete(_) => false,
        Operation::Patch(patch) => {
            let mut fields = patch.set.iter();
            let mut properties = patch.custom_data.iter();
            fields.all(|c| field_matches(c.field, c.from.as_ref(), customer.value(c.field)))
                && properties.all(|c| property_matches(c.from.as_ref(), customer.property(&c.name)))
        }
        Operation::Tag(tags) => missing.tags.len() == tags.len(),
        Operation::Untag(tags) => missing.untags.len() == tags.len(),
    };
    match is_as_before && !missing.unknown {
        true => Effect::NotApplied,
        false => Effect::Unclear,
    }
}

/// Whether a patch, tag or untag of the lane is in doubt.
pub fn has_doubts(lane: &Lane, progress: &RowProgress) -> bool {
    doubts(lane, progress).next().is_some()
}

fn doubts<'a>(lane: &'a Lane, progress: &'a RowProgress) -> impl Iterator<Item = &'a Operation> {
    let operations = lane.operations.iter();
    operations.filter(|operation| {
        let op = operation.kind();
        op != OperationKind::Create && progress.is_in_doubt(op)
    })
}

/// Gives each patch, tag and untag in doubt its result, by the customer as it was read: done if it is in place, planned if
/// it was not applied. An operation after one that is not done counts as not applied, since a lane is sent in order.
pub(super) fn judge(lane: &Lane, progress: &mut RowProgress, customer: &RemoteCustomer) {
    let mut all_done = true;
    for operation in &lane.operations {
        let op = operation.kind();
        if op != OperationKind::Create && progress.is_in_doubt(op) {
            let status = match effect(operation, customer) {
                Effect::InPlace if all_done => OperationStatus::Done,
                Effect::Unclear => OperationStatus::InDoubt,
                Effect::InPlace | Effect::NotApplied => OperationStatus::Planned,
            };
            tracing::info!(row = %lane.row, op = op.as_str(), ?status, "an operation in doubt was judged by its customer");
            progress.put(result_of(operation, progress, status));
            progress.close(op);
        }
        let result = progress.result(op);
        all_done &= result.is_some_and(OperationResult::is_done);
    }
}

/// Gives a delete in doubt its result: done, since its customer is gone.
pub(super) fn judge_gone(lane: &Lane, progress: &mut RowProgress) {
    if let [operation @ Operation::Delete(_)] = lane.operations.as_slice()
        && progress.is_in_doubt(OperationKind::Delete)
    {
        progress.put(result_of(operation, progress, OperationStatus::Done));
        progress.close(OperationKind::Delete);
    }
}

fn result_of(
    operation: &Operation,
    progress: &RowProgress,
    status: OperationStatus,
) -> OperationResult {
    let sent_at = progress
        .open(operation.kind())
        .map(|intent| intent.at.clone());
    let earlier = progress.result(operation.kind()).cloned();
    let earlier = earlier.unwrap_or_else(|| OperationResult::planned(operation));
    let min_attempts = u32::from(status == OperationStatus::Done);
    OperationResult {
        status,
        attempts: earlier.attempts.max(min_attempts),
        at: earlier.at.or(sent_at),
        ..earlier
    }
}

/// Whether a lane of an interrupted run has operations in doubt that reading its customer settles. A create whose customer
/// has to be found first is not among them.
pub fn is_unsettled(lane: &Lane, progress: &RowProgress) -> bool {
    has_doubts(lane, progress) || created_customer(lane, progress).is_some()
}

/// Whether a customer shows all that a lane's operations in doubt were to do. If one that a search found does not, search
/// may only lag.
pub(super) fn is_in_place(lane: &Lane, progress: &RowProgress, customer: &RemoteCustomer) -> bool {
    doubts(lane, progress).all(|op| effect(op, customer) == Effect::InPlace)
}

/// Whether a customer shows all that these operations were to do.
pub(super) fn is_applied(operations: &[Operation], customer: &RemoteCustomer) -> bool {
    let mut operations = operations.iter();
    operations.all(|operation| effect(operation, customer) == Effect::InPlace)
}

/// Returns the customer of a create that is known to have been applied and has no result yet, because its answer lacked
/// something.
fn created_customer(lane: &Lane, progress: &RowProgress) -> Option<CustomerId> {
    let result = progress.result(OperationKind::Create);
    let has_no_result = result.is_none_or(|r| r.status == OperationStatus::Planned);
    let is_settled = has_no_result && !progress.create_in_doubt();
    progress
        .customer_id
        .filter(|_| lane.customer.is_none() && is_settled)
}

/// Reads the customers of these lanes, many in one request, and judges their operations in doubt. Returns the entries for
/// the journal; operations whose customer cannot be read stay in doubt.
///
/// # Errors
/// When the run stops.
pub async fn settle_writes(
    client: &ReadClient,
    lanes: Vec<(Lane, RowProgress)>,
) -> Result<Vec<JournalRecord>, CallError> {
    let mut by_customer = BTreeMap::new();
    for (lane, progress) in lanes {
        if let Some(id) = lane.customer.or(created_customer(&lane, &progress)) {
            by_customer.insert(id, (lane, progress));
        }
    }
    let in_place = |customer: &RemoteCustomer| {
        let lane = by_customer.get(&customer.id);
        lane.is_some_and(|(lane, progress)| is_in_place(lane, progress, customer))
    };
    let ids: Vec<CustomerId> = by_customer.keys().copied().collect();
    let mut reads = read_customers(client, &ids, in_place).await;
    let mut errors = reads.values().filter_map(|read| read.as_ref().err());
    if let Some(stop) = errors.find(|error| error.stop().is_some()) {
        return Err(stop.clone());
    }
    let mut entries = Vec::new();
    for (id, (lane, mut progress)) in by_customer {
        match reads.remove(&id) {
            Some(Ok(customer)) if lane.customer.is_none() => {
                entries.extend(created(&lane, &customer));
            }
            Some(Ok(customer)) => {
                let kinds = doubts(&lane, &progress).map(Operation::kind);
                let judged: Vec<OperationKind> = kinds.collect();
                judge(&lane, &mut progress, &customer);
                entries.extend(changed(&lane, &progress, &judged));
            }
            Some(Err(error)) if error.is_not_found() => {
                judge_gone(&lane, &mut progress);
                entries.extend(changed(&lane, &progress, &[OperationKind::Delete]));
            }
            Some(Err(error)) => {
                tracing::warn!(row = %lane.row, %error, "cannot read the customer of a row in doubt");
            }
            None => {}
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Field, Reported, RowKey, Tag, Value};
    use crate::outcome::RowStatus;
    use crate::plan::{Create, FieldChange, Patch};

    fn text(t: &str) -> Option<Value> {
        Some(Value::Text(t.into()))
    }

    fn patch(changes: &[(Field, &str, &str)]) -> Operation {
        let change = |(field, from, to): &(Field, &str, &str)| FieldChange {
            field: *field,
            from: text(from),
            to: text(to),
        };
        Operation::Patch(Patch {
            set: changes.iter().map(change).collect(),
            custom_data: vec![],
        })
    }

    fn tags(names: &[&str]) -> Vec<Tag> {
        names.iter().map(|n| Tag::named(*n)).collect()
    }

    fn customer(name: &str, company: &str, has: &[&str]) -> RemoteCustomer {
        let mut customer = RemoteCustomer::unknown(CustomerId(1));
        customer.set_field(Field::Name, text(name));
        customer.set_field(Field::Company, text(company));
        customer.tags = Reported::Value(tags(has));
        customer
    }

    fn lane(customer: Option<u64>, operations: Vec<Operation>) -> Lane {
        Lane {
            row: RowNumber(1),
            key: RowKey::default(),
            customer: customer.map(CustomerId),
            operations,
        }
    }

    fn open(ops: &[OperationKind]) -> RowProgress {
        let mut progress = RowProgress::default();
        for op in ops {
            let (row, at) = (RowNumber(1), String::from("2026-11-20T03:12:44Z"));
            progress.begin(Intent { row, op: *op, at });
        }
        progress
    }

    #[test]
    fn an_operation_is_in_place_not_applied_or_neither() {
        let both = patch(&[(Field::Name, "A", "B"), (Field::Company, "X", "Y")]);
        for (name, company, expected) in [
            ("B", "Y", Effect::InPlace),
            ("A", "X", Effect::NotApplied),
            ("B", "X", Effect::Unclear),
            ("C", "X", Effect::Unclear),
        ] {
            let found = effect(&both, &customer(name, company, &[]));
            assert_eq!(found, expected, "{name} {company}");
        }
        let tag = Operation::Tag(tags(&["a", "b"]));
        let untag = Operation::Untag(tags(&["a", "b"]));
        for (has, of_tag, of_untag) in [
            (&["a", "b", "c"][..], Effect::InPlace, Effect::NotApplied),
            (&["a"], Effect::Unclear, Effect::Unclear),
            (&["c"], Effect::NotApplied, Effect::InPlace),
        ] {
            let found = customer("A", "X", has);
            assert_eq!(
                (effect(&tag, &found), effect(&untag, &found)),
                (of_tag, of_untag)
            );
        }
        let mut silent = customer("A", "X", &[]);
        silent.tags = Reported::Missing;
        assert_eq!(effect(&tag, &silent), Effect::Unclear);
    }

    #[test]
    fn what_follows_an_operation_that_was_not_applied_was_not_applied_either() {
        use OperationKind::{Patch, Tag};
        use OperationStatus::{Done, Planned};
        let lane = lane(
            Some(1),
            vec![
                patch(&[(Field::Name, "A", "B")]),
                Operation::Tag(tags(&["a"])),
            ],
        );
        let judged = |found: RemoteCustomer| {
            let mut progress = open(&[Patch, Tag]);
            judge(&lane, &mut progress, &found);
            assert!(progress.open.is_empty());
            [Patch, Tag].map(|op| progress.result(op).unwrap().status)
        };
        assert_eq!(judged(customer("B", "", &["a"])), [Done, Done]);
        assert_eq!(judged(customer("B", "", &[])), [Done, Planned]);
        assert_eq!(judged(customer("A", "", &["a"])), [Planned, Planned]);
    }

    #[test]
    fn what_was_not_in_doubt_keeps_its_result() {
        let lane = lane(Some(1), vec![patch(&[(Field::Name, "A", "B")])]);
        let mut progress = RowProgress::default();
        judge(&lane, &mut progress, &customer("B", "", &[]));
        assert_eq!(progress, RowProgress::default());
    }

    #[test]
    fn a_create_that_lacks_something_is_done_and_tells_what_is_missing() {
        let create = Operation::Create(Create {
            set: vec![(Field::Name, Value::Text("B".into()))],
            tags: tags(&["a"]),
            ..Create::default()
        });
        let lane = lane(None, vec![create]);
        let whole = created(&lane, &customer("B", "", &["a"]));
        assert!(
            matches!(&whole[..], [JournalRecord::Row(row)] if row.status == RowStatus::Created)
        );
        let short = created(&lane, &customer("B", "", &[]));
        let statuses = short.iter().map(|entry| match entry {
            JournalRecord::Outcome(outcome) => (outcome.operation.op, outcome.operation.status),
            other => panic!("{other:?}"),
        });
        assert_eq!(
            statuses.collect::<Vec<_>>(),
            [
                (OperationKind::Create, OperationStatus::Done),
                (OperationKind::Tag, OperationStatus::NotSent)
            ]
        );
    }
}
