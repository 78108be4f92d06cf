use super::{Intent, Outcome, Settled};
use crate::domain::{CustomerId, Issue};
use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::OperationKind;

/// How far an unfinished row came.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RowProgress {
    /// The operation that was about to be sent when the records end: it may have been taken or not.
    pub open: Option<Intent>,
    /// Creates that may have reached the server, those included that were settled as not made.
    pub creates_sent: u32,
    pub customer_id: Option<CustomerId>,
    /// The last result of each kind of operation, in the order in which they were first tried.
    pub operations: Vec<OperationResult>,
    pub error: Option<Issue>,
    /// The last plan of the row, where it was planned anew.
    pub replanned: Option<serde_json::Value>,
}

impl RowProgress {
    /// Whether a customer may exist that nobody knows of.
    #[must_use]
    pub fn create_in_doubt(&self) -> bool {
        let open = self.open.as_ref();
        open.is_some_and(|intent| intent.op == OperationKind::Create)
    }

    /// Whether something of the row may have taken, so that its customer need not be as its plan knows them. `creates`:
    /// the row makes its customer. An operation that was begun and not sent changed nothing.
    #[must_use]
    pub fn may_have_taken(&self, creates: bool) -> bool {
        let unsent = [OperationStatus::Planned, OperationStatus::NotSent];
        let mut results = self.operations.iter();
        self.open.is_some()
            || match creates {
                true => self.customer_id.is_some(),
                false => results.any(|result| !unsent.contains(&result.status)),
            }
    }

    /// The last result of an operation.
    #[must_use]
    pub fn result(&self, op: OperationKind) -> Option<&OperationResult> {
        self.operations.iter().find(|result| result.op == op)
    }

    pub(super) fn begin(&mut self, intent: Intent) {
        if intent.op == OperationKind::Create {
            self.creates_sent += 1;
        }
        self.open = Some(intent);
    }

    pub(super) fn end(&mut self, outcome: Outcome) {
        let result = outcome.operation;
        if outcome.customer_id.is_some() {
            self.customer_id = outcome.customer_id;
        }
        self.error = outcome.error;
        let is_open = self.open.as_ref().is_some_and(|open| open.op == result.op);
        match result.status {
            OperationStatus::InDoubt => {}
            OperationStatus::Planned if is_open => {
                if result.op == OperationKind::Create {
                    self.creates_sent = self.creates_sent.saturating_sub(1);
                }
                self.open = None;
            }
            _ if is_open => self.open = None,
            _ => {}
        }
        self.put(result);
    }

    /// Takes note of the last result of an operation.
    pub fn put(&mut self, result: OperationResult) {
        match self.operations.iter_mut().find(|old| old.op == result.op) {
            Some(old) => *old = result,
            None => self.operations.push(result),
        }
    }

    pub(super) fn settle(&mut self, settled: &Settled) {
        if self.create_in_doubt() {
            self.open = None;
        }
        if settled.found.is_some() {
            self.customer_id = settled.found;
        }
    }
}
