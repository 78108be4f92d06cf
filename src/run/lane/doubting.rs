//! The intent of an operation before it is sent, and the look at its customer after a failure that leaves open whether it
//! took effect.

use crate::domain::{CustomerId, Issue, RemoteCustomer};
use crate::helpcrunch::{CallError, Sent};
use crate::journal::JournalError;
use crate::plan::{Operation, OperationKind};

use super::Run;
use crate::run::cause::{self, Verdict};
use crate::run::in_doubt::{Effect, effect};

impl Run<'_> {
    /// Hands an operation's intent to the system before it is sent.
    pub(super) async fn note_intent(&mut self, op: OperationKind) -> Result<(), JournalError> {
        let row = self.lane.row;
        self.context.note_intent(row, op, &mut self.progress).await
    }

    /// A write that fails after an attempt that may have taken effect is looked at once: if its customer holds what it
    /// wants, it is done. If that cannot be seen, it stays in doubt.
    pub(super) async fn look_once(
        &self,
        id: CustomerId,
        operation: &Operation,
        sent: &mut Sent<RemoteCustomer>,
    ) {
        let is_failure =
            |error: &CallError| cause::verdict(error) == Verdict::Failed && !error.is_not_found();
        if !sent.in_doubt || !sent.result.as_ref().is_err_and(is_failure) {
            return;
        }
        match self.context.client.get(id).await.result {
            Ok(customer) => match effect(operation, &customer) {
                Effect::InPlace => {
                    sent.result = Ok(customer);
                    sent.http_status = None;
                    sent.in_doubt = false;
                }
                Effect::NotApplied => sent.in_doubt = false,
                Effect::Unclear => {}
            },
            // The run stops, and a resume looks.
            Err(error) if error.stop().is_some() => sent.result = Err(CallError::Interrupted),
            Err(error) => {
                tracing::debug!(row = %self.lane.row, %error, "what became of the write cannot be read");
            }
        }
    }
}

/// What failed after an attempt that may have taken effect, which could not be seen.
pub(super) fn may_be_applied(issue: Issue) -> Issue {
    let message = format!("{}; it may have been applied", issue.message);
    Issue { message, ..issue }
}
