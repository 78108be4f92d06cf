//! A run tells of each row what the server saw of it: what it applied is told as done, and what is told as not sent it
//! never applied. Holds as long as the machine keeps what a dead process handed to it.

use hcsync::outcome::{OperationResult, OperationStatus, RowResult};
use hcsync::plan::OperationKind;
use hcsync::sandbox::quirks::BatchBadEntry;
use hcsync::sandbox::{Endpoint, LoggedRequest};
use serde_json::{Value, json};

use crate::case::Case;
use crate::world::Told;

const CHANGES: [OperationKind; 3] = [
    OperationKind::Patch,
    OperationKind::Tag,
    OperationKind::Untag,
];

/// `has_lost`: something was taken away by updates and written back, which are no operations of rows.
pub(crate) fn told_as_it_was(
    case: &Case,
    told: &Told,
    requests: &[LoggedRequest],
    has_lost: bool,
) -> Result<(), String> {
    if has_lost || !case.options.has_power {
        return Ok(());
    }
    let (first, last) = told.requests;
    let of_run = requests
        .iter()
        .filter(|r| (first..=last).contains(&r.number));
    let log = Log {
        case,
        requests: of_run.collect(),
    };
    for result in &told.results {
        for op in CHANGES {
            log.check(result, op)
                .map_err(|what| format!("row {}: {what}: {result:?}", result.row.0))?;
        }
    }
    Ok(())
}

struct Log<'a> {
    case: &'a Case,
    requests: Vec<&'a LoggedRequest>,
}

impl Log<'_> {
    fn check(&self, result: &RowResult, op: OperationKind) -> Result<(), String> {
        let Some(id) = result.customer_id.map(|id| id.0) else {
            return Ok(());
        };
        // A create that is completed by further writes tells of itself; so does what was written back.
        let creates = |o: &OperationResult| o.op == OperationKind::Create;
        let is_completed = result.operations.iter().any(creates);
        let is_edited = self.requests.iter().any(|r| r.agent_edits.contains(&id));
        let told = result.operations.iter().find(|o| o.op == op);
        let applied: Vec<_> = self.applied(id, op).collect();
        // Such a batch leaves out bad entries, and the log does not say which.
        let passes = self.case.options.quirks.batch_bad_entry == BatchBadEntry::PassGood;
        let is_certain =
            |r: &&&LoggedRequest| !(is_late(r) || passes && r.endpoint == Endpoint::Batch);
        if let (Some(request), false) = (applied.iter().find(is_certain), is_completed)
            && !tells_of(result, told.map(|o| o.status))
        {
            let number = request.number;
            return Err(format!(
                "request {number} applied a {op:?}, which is not told"
            ));
        }
        let is_done = told.is_some_and(|o| o.status == OperationStatus::Done);
        if is_done && applied.is_empty() && !is_edited && !self.rode_along(id, op) {
            return Err(format!("a {op:?} is told as done that no request applied"));
        }
        Ok(())
    }

    /// Requests that applied such an operation to the customer.
    fn applied(&self, id: u64, op: OperationKind) -> impl Iterator<Item = &LoggedRequest> {
        let requests = self.requests.iter().copied();
        requests.filter(move |request| {
            let is_of_customer = match (op, request.endpoint) {
                (OperationKind::Patch, Endpoint::Patch)
                | (OperationKind::Tag, Endpoint::Tag)
                | (OperationKind::Untag, Endpoint::Untag) => request.customer == Some(id),
                (OperationKind::Patch, Endpoint::Batch) => entry(request, id).is_some(),
                _ => false,
            };
            request.applied && is_of_customer
        })
    }

    /// Whether tags went along with a patch.
    fn rode_along(&self, id: u64, op: OperationKind) -> bool {
        let has_tags = |body: &Value| body.get("tags").is_some();
        op == OperationKind::Tag
            && self.requests.iter().any(|r| match r.endpoint {
                Endpoint::Patch => r.applied && r.customer == Some(id) && has_tags(&r.body),
                Endpoint::Batch => r.applied && entry(r, id).is_some_and(has_tags),
                _ => false,
            })
    }
}

fn entry(request: &LoggedRequest, id: u64) -> Option<&Value> {
    let entries = request.body.as_array()?;
    entries.iter().find(|entry| entry["customer"] == json!(id))
}

/// It may have taken effect after it was looked for.
fn is_late(request: &LoggedRequest) -> bool {
    request.fault == Some("delay")
}

/// Whether a result does not deny that the operation was applied.
fn tells_of(result: &RowResult, status: Option<OperationStatus>) -> bool {
    let Some(error) = &result.error else {
        return matches!(
            status,
            Some(OperationStatus::Done | OperationStatus::InDoubt | OperationStatus::Failed)
        );
    };
    let is_denied = ["gave_up", "stale", "no_answer"].contains(&error.code.as_str())
        && !error.message.contains("may have been applied");
    match status {
        Some(OperationStatus::Done | OperationStatus::InDoubt) => true,
        Some(OperationStatus::Failed) => !is_denied,
        _ => error.message.contains("may have been applied"),
    }
}
