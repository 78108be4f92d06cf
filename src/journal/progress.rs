use super::{Intent, Outcome, Settled};
use crate::domain::{CustomerId, Issue};
use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::OperationKind;

/// How far an unfinished row got.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RowProgress {
    /// Operations with an intent and no outcome, at most one of a kind: each may or may not have been applied.
    pub open: Vec<Intent>,
    /// Creates that may have reached the server, including those that are settled as not made.
    pub creates_sent: u32,
    pub customer_id: Option<CustomerId>,
    /// The last result of each kind of operation, in the order in which they were first tried.
    pub operations: Vec<OperationResult>,
    pub error: Option<Issue>,
    /// The latest plan of the row, if it was replanned.
    pub replanned: Option<serde_json::Value>,
}

impl RowProgress {
    /// The intent of an operation of this kind that has no outcome.
    #[must_use]
    pub fn open(&self, op: OperationKind) -> Option<&Intent> {
        self.open.iter().find(|intent| intent.op == op)
    }

    /// Whether the create may have made a customer whose id is not known.
    #[must_use]
    pub fn create_in_doubt(&self) -> bool {
        self.open(OperationKind::Create).is_some()
    }

    /// Whether an operation of this kind was sent, or was about to be, and its outcome is not known.
    #[must_use]
    pub fn is_in_doubt(&self, op: OperationKind) -> bool {
        let result = self.result(op);
        self.open(op).is_some() || result.is_some_and(|r| r.status == OperationStatus::InDoubt)
    }

    /// Whether a part of the row was applied, so that its customer differs from what the plan assumes. `creates`: the row
    /// creates its customer. Operations in doubt count only if they create: that customer has to be read first.
    #[must_use]
    pub fn has_applied(&self, creates: bool) -> bool {
        let applied = [OperationStatus::Done, OperationStatus::Failed];
        let mut results = self.operations.iter();
        self.create_in_doubt()
            || match creates {
                true => self.customer_id.is_some(),
                false => results.any(|result| applied.contains(&result.status)),
            }
    }

    /// The last result of an operation.
    #[must_use]
    pub fn result(&self, op: OperationKind) -> Option<&OperationResult> {
        self.operations.iter().find(|result| result.op == op)
    }

    /// Records that an operation is about to be sent.
    pub fn begin(&mut self, intent: Intent) {
        if intent.op == OperationKind::Create {
            self.creates_sent += 1;
        }
        self.close(intent.op);
        self.open.push(intent);
    }

    /// Removes the open intent of this kind.
    pub fn close(&mut self, op: OperationKind) {
        self.open.retain(|intent| intent.op != op);
    }

    pub(super) fn end(&mut self, outcome: Outcome) {
        let result = outcome.operation;
        if outcome.customer_id.is_some() {
            self.customer_id = outcome.customer_id;
        }
        self.error = outcome.error;
        if result.status != OperationStatus::InDoubt {
            let is_unsent = result.status == OperationStatus::Planned;
            if is_unsent && result.op == OperationKind::Create && self.create_in_doubt() {
                self.creates_sent = self.creates_sent.saturating_sub(1);
            }
            self.close(result.op);
        }
        self.put(result);
    }

    /// Records the latest result of an operation.
    pub fn put(&mut self, result: OperationResult) {
        match self.operations.iter_mut().find(|old| old.op == result.op) {
            Some(old) => *old = result,
            None => self.operations.push(result),
        }
    }

    pub(super) fn settle(&mut self, settled: &Settled) {
        self.close(OperationKind::Create);
        let mut results = self.operations.iter_mut();
        if let Some(create) = results.find(|r| r.op == OperationKind::Create)
            && create.status == OperationStatus::InDoubt
        {
            // It is known by now whether it was applied, but not yet how the operation ends.
            create.status = OperationStatus::Planned;
        }
        if settled.found.is_some() {
            self.customer_id = settled.found;
        }
    }
}
