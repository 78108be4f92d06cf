//! Overlays what the journal says of a row on its planned result.

use crate::domain::{Issue, IssueKind, RowNumber};
use crate::journal::{FinishedRow, RowProgress};
use crate::outcome::{OperationStatus, RowResult, RowStatus};
use crate::plan::OperationKind;

/// Overlays the end of the row that this one was merged into.
pub(super) fn overlay_merged(result: &mut RowResult, first: RowNumber, row: FinishedRow) {
    result.customer_id = row.customer_id.or(result.customer_id);
    result.status = match row.status {
        RowStatus::Created | RowStatus::Updated | RowStatus::Unchanged => RowStatus::Skipped,
        other => other,
    };
    result.error = row.error.map(|error| Issue {
        message: format!("row {first}, into which it was merged: {}", error.message),
        ..error
    });
}

pub(super) fn overlay_finished(result: &mut RowResult, row: FinishedRow) {
    result.status = row.status;
    result.customer_id = row.customer_id.or(result.customer_id);
    result.operations = row.operations;
    result.error = row.error;
    result.warnings.extend(row.warnings);
}

/// Overlays a row that was begun and not finished: in doubt if its create was being sent, otherwise pending. A create whose
/// customer is known is done, though it may still need a repair.
pub(super) fn overlay_progress(result: &mut RowResult, progress: &RowProgress) {
    result.customer_id = progress.customer_id.or(result.customer_id);
    for operation in &mut result.operations {
        if let Some(recorded) = progress.result(operation.op) {
            *operation = recorded.clone();
        }
        let is_open = progress.open(operation.op).is_some();
        if operation.status == OperationStatus::Planned {
            let is_create = operation.op == OperationKind::Create;
            operation.status = match (is_open, is_create && progress.customer_id.is_some()) {
                (true, _) => OperationStatus::InDoubt,
                (false, true) => OperationStatus::Done,
                (false, false) => OperationStatus::Planned,
            };
        }
    }
    if progress.create_in_doubt() {
        result.status = RowStatus::InDoubt;
        result.error = Some(create_in_doubt_issue());
    }
}

pub(super) fn create_in_doubt_issue() -> Issue {
    let message =
        "the create was being sent when the run ended, so it is not known whether it took effect";
    Issue::new(IssueKind::Network, "in_doubt", message)
        .hint("resume the run or sync again to find out")
}
