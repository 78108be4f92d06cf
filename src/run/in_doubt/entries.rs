//! The journal entries of operations that were settled.

use crate::domain::{CustomerId, RemoteCustomer};
use crate::journal::{FinishedRow, JournalRecord, Outcome, RowProgress};
use crate::outcome::{OperationResult, OperationStatus, RowStatus};
use crate::plan::{Lane, Operation, OperationKind};
use crate::run::verify::shortfall;

/// Returns the entries of a create whose customer was found: the row's end, or its outcome and the repairs that were not
/// sent.
pub fn created(lane: &Lane, customer: &RemoteCustomer) -> Vec<JournalRecord> {
    let create = |op: &&Operation| op.kind() == OperationKind::Create;
    let Some(operation) = lane.operations.iter().find(create) else {
        return Vec::new();
    };
    let done = OperationResult::planned(operation).with_status(OperationStatus::Done);
    let missing = shortfall(operation, None, customer);
    if missing.is_empty() {
        return vec![row_end(lane, RowStatus::Created, customer.id, vec![done])];
    }
    let repairs = missing
        .repairs()
        .into_iter()
        .map(|repair| OperationResult::planned(&repair).with_status(OperationStatus::NotSent));
    let results = std::iter::once(done).chain(repairs);
    results
        .map(|result| outcome(lane, customer.id, result))
        .collect()
}

/// Returns the outcomes of the judged operations, or the row's end if all of the lane is done.
pub(super) fn changed(
    lane: &Lane,
    progress: &RowProgress,
    judged: &[OperationKind],
) -> Vec<JournalRecord> {
    let Some(id) = lane.customer else {
        return Vec::new();
    };
    let results = lane.operations.iter();
    let results: Option<Vec<OperationResult>> = results
        .map(|op| progress.result(op.kind()).cloned())
        .collect();
    if let Some(operations) = results.filter(|all| all.iter().all(OperationResult::is_done)) {
        return vec![row_end(lane, RowStatus::Updated, id, operations)];
    }
    let results = progress.operations.iter();
    results
        .filter(|result| judged.contains(&result.op))
        .map(|result| outcome(lane, id, result.clone()))
        .collect()
}

fn row_end(
    lane: &Lane,
    status: RowStatus,
    customer: CustomerId,
    operations: Vec<OperationResult>,
) -> JournalRecord {
    JournalRecord::Row(FinishedRow {
        row: lane.row,
        status,
        customer_id: Some(customer),
        operations,
        error: None,
        warnings: Vec::new(),
    })
}

fn outcome(lane: &Lane, customer: CustomerId, operation: OperationResult) -> JournalRecord {
    JournalRecord::Outcome(Outcome {
        row: lane.row,
        customer_id: Some(customer),
        operation,
        error: None,
    })
}
