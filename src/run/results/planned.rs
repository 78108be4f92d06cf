//! The result of a row before anything is sent.

use crate::outcome::{OperationResult, RowResult, RowStatus};
use crate::plan::codec::PlannedLane;
use crate::run::rows::{RowRecord, Verdict};

/// Returns the row's result as if nothing had been sent. `sources`: the inputs as the user named them.
pub(super) fn planned_result(
    record: &RowRecord,
    lane: Option<&PlannedLane>,
    sources: &[String],
    is_dry_run: bool,
) -> RowResult {
    let status = match (record.verdict, is_dry_run) {
        (Verdict::Create, true) => RowStatus::WouldCreate,
        (Verdict::Update, true) => RowStatus::WouldUpdate,
        (Verdict::Create | Verdict::Update | Verdict::Read, _) => RowStatus::Pending,
        (Verdict::Merged, true) => RowStatus::Skipped,
        (Verdict::Merged, false) => RowStatus::Pending,
        (Verdict::Unchanged, _) => RowStatus::Unchanged,
        (Verdict::Rejected, _) => RowStatus::Rejected,
        (Verdict::Skipped, _) => RowStatus::Skipped,
    };
    let operations = lane.map(|lane| {
        lane.lane
            .operations
            .iter()
            .map(OperationResult::planned)
            .collect()
    });
    RowResult {
        row: record.row,
        line: record.line,
        source: sources
            .get(usize::from(record.source))
            .filter(|_| !record.is_missing)
            .cloned()
            .unwrap_or_default(),
        key: record.key.clone(),
        customer_id: record.customer_id,
        status,
        is_missing: record.is_missing,
        merged_into: record.merged_into,
        operations: operations.unwrap_or_default(),
        error: record.error.clone(),
        errors: record.errors.clone(),
        warnings: record.warnings.clone(),
    }
}
