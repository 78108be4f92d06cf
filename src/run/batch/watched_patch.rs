//! The watch on a run's first PATCH that relies on what the probe found: that the properties it does not name stay, or
//! that its tags are added to the existing ones.

use crate::domain::RemoteCustomer;
use crate::helpcrunch::{CallError, CallReport, PatchBody, WriteClient};
use crate::journal::JournalError;
use crate::plan::writes::UpdateScope;
use crate::run::lane::LaneContext;

use super::reading::CustomerReads;
use super::watch::{WatchedUpdate, record_closed, record_open, repair_losses};
use super::{RowAlert, VerifiedScopes};

/// A PATCH that is to be watched.
pub(in crate::run) struct WatchedPatch {
    pub(in crate::run) update: WatchedUpdate,
    pub(in crate::run) body: PatchBody,
    pub(in crate::run) client: WriteClient,
    /// What the PATCH leaves unchanged only if the probe found right.
    pub(in crate::run) scope: UpdateScope,
    /// The customer was read only for the watch.
    pub(in crate::run) costs_reading: bool,
}

impl WatchedPatch {
    /// Sends the PATCH and compares the customer with what it was before. What it lost is written back, and nothing that
    /// was probed counts any more; otherwise the scope is verified. Returns the customer as it is after that.
    ///
    /// # Errors
    /// When the journal cannot be written: then nothing more may be sent.
    pub(in crate::run) async fn send(
        self,
        context: &LaneContext,
        verified: &mut VerifiedScopes,
    ) -> Result<(CallReport<RemoteCustomer>, Option<RowAlert>), JournalError> {
        let updates = std::slice::from_ref(&self.update);
        let id = self.update.before.id;
        record_open(context, updates).await?;
        let mut sent = self.client.patch(id, &self.body).await;
        if sent.result.as_ref().is_err_and(CallError::is_unsent) {
            record_closed(context).await?;
            return Ok((sent, None));
        }
        let after = match &sent.result {
            Ok(customer) if customer.is_complete() => Ok(customer.clone()),
            _ => context.client.get(id).await.result,
        };
        let after = CustomerReads::from([(id, after)]);
        let on_loss = |lost| context.batches.record_loss(lost);
        let mut report = repair_losses(&context.client, updates, &after, &on_loss).await;
        if report.is_unclear {
            let why = "the answers do not show what a PATCH leaves unchanged";
            context.batches.distrust_probe(why);
        }
        if !report.is_unread {
            record_closed(context).await?;
        }
        if sent.result.is_ok() && report.is_harmless() {
            let at_stake = self.update.at_stake();
            let evidence = &mut verified.patches;
            evidence.record_harmless(self.scope, at_stake, self.costs_reading);
        }
        if let (Ok(answer), Some(restored)) = (&mut sent.result, report.restored.pop()) {
            *answer = restored;
        }
        let alert = report.alerts.remove(&self.update.row);
        Ok((sent, alert))
    }
}
