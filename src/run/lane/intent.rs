//! The intent of an operation before it is sent, and the check of its customer after a failure that leaves open whether
//! it took effect.

use crate::domain::{CustomerId, RemoteCustomer};
use crate::helpcrunch::{CallError, CallReport};
use crate::journal::JournalError;
use crate::plan::{Operation, OperationKind};

use super::LaneRun;
use crate::run::cause::{self, CallFate};
use crate::run::in_doubt::{Effect, effect};

impl LaneRun<'_> {
    /// Writes an operation's intent to the journal before it is sent.
    pub(super) async fn record_intent(&mut self, op: OperationKind) -> Result<(), JournalError> {
        let row = self.lane.row;
        self.context
            .record_intent(row, op, &mut self.progress)
            .await
    }

    /// Reads the customer after a write that failed and may have taken effect. The write succeeded if the customer holds
    /// what it wants, and stays in doubt if the customer cannot be read or does not show it clearly.
    pub(super) async fn check_effect(
        &self,
        id: CustomerId,
        operation: &Operation,
        sent: &mut CallReport<RemoteCustomer>,
    ) {
        let is_failure =
            |error: &CallError| cause::fate(error) == CallFate::Failed && !error.is_not_found();
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
            // The run stops; a resume reads the customer.
            Err(error) if error.stop().is_some() => sent.result = Err(CallError::Interrupted),
            Err(error) => {
                tracing::debug!(row = %self.lane.row, %error, "cannot read whether the write took effect");
            }
        }
    }
}
