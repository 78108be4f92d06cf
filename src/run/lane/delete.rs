//! Deletes a customer.

use crate::domain::{CustomerId, RemoteCustomer};
use crate::helpcrunch::{CallError, CallReport};
use crate::journal::JournalError;
use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::Operation;

use super::LaneRun;
use super::operation::Flush;
use crate::run::cause::{self, CallFate};

impl LaneRun<'_> {
    /// Deletes the lane's customer. A customer that is gone counts as deleted: an earlier attempt may have done it.
    pub(super) async fn delete(
        &mut self,
        operation: &Operation,
        id: CustomerId,
    ) -> Result<(), JournalError> {
        let mut result = OperationResult::planned(operation);
        if let Some(earlier) = self.progress.result(result.op) {
            result.attempts = earlier.attempts;
            result.http_status = earlier.http_status;
        }
        let status_if_stopped = self.status_of_unsent(result.op);
        if !self.acquire_slot(&result, status_if_stopped).await? {
            return Ok(());
        }
        self.record_intent(result.op).await?;
        // The customer was compared with the plan when it was read, so the delete stands on that reading.
        let mut sent = self.guarded_client(true).delete(id).await;
        self.check_deleted(id, &mut sent).await;
        self.add_attempts(&mut result, &sent);
        match sent.result {
            Err(error) if !error.is_not_found() => {
                self.handle_error(operation, result, &error, sent.in_doubt)
                    .await
            }
            Ok(()) | Err(_) => {
                self.has_written = true;
                let done = result.with_status(OperationStatus::Done);
                self.record(done.clone(), None, Flush::Yes).await?;
                self.results.push(done);
                Ok(())
            }
        }
    }

    /// Reads the customer after a delete that failed and may have taken effect.
    async fn check_deleted(&self, id: CustomerId, sent: &mut CallReport<()>) {
        let is_failure =
            |error: &CallError| cause::fate(error) == CallFate::Failed && !error.is_not_found();
        if !sent.in_doubt || !sent.result.as_ref().is_err_and(is_failure) {
            return;
        }
        let read: Result<RemoteCustomer, CallError> = self.context.client.get(id).await.result;
        match read {
            Ok(_) => sent.in_doubt = false,
            Err(error) if error.is_not_found() => {
                sent.result = Ok(());
                sent.in_doubt = false;
            }
            Err(error) if error.stop().is_some() => sent.result = Err(CallError::Interrupted),
            Err(_) => {}
        }
    }
}
