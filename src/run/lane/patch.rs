//! Sending a PATCH. What it leaves unchanged depends on what the probe found of the account, and the first PATCH that
//! relies on that is watched.

use crate::domain::{CustomerId, Issue, IssueKind, RemoteCustomer};
use crate::helpcrunch::{CallError, CallReport, PatchBody};
use crate::journal::JournalError;
use crate::plan::writes::UpdateScope;
use crate::plan::{Operation, OperationKind, Patch};

use super::LaneRun;
use crate::run::batch::{WatchedPatch, WatchedUpdate};
use crate::run::cause;
use crate::run::merge::patch_body;

/// Why a write was not sent.
pub(super) enum Unsent {
    /// The operation fails with this issue.
    Failed(Issue),
    /// The journal cannot be written: nothing more may be sent.
    Journal(JournalError),
}

impl From<JournalError> for Unsent {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl LaneRun<'_> {
    /// Sends a patch with the attached tags.
    pub(super) async fn patch(
        &mut self,
        id: CustomerId,
        patch: &Patch,
    ) -> Result<CallReport<RemoteCustomer>, Unsent> {
        if self.assumed_scope(patch) == UpdateScope::default() {
            return self.patch_unwatched(id, patch).await;
        }
        let context = self.context;
        let mut verified = context.batches.verified().await;
        // While this one waited, the watch on another one may have shown a loss.
        if !context.patch_adds_tags() {
            self.attached_tags = None;
        }
        let scope = self.assumed_scope(patch);
        if verified.patches.covers(scope) {
            drop(verified);
            return self.patch_unwatched(id, patch).await;
        }
        let costs_reading = !self.seen.as_ref().is_some_and(RemoteCustomer::is_complete);
        if costs_reading {
            let sent = context.client.get(id).await;
            match sent.result {
                Ok(customer) => self.accept_read(customer),
                Err(error) => {
                    return Ok(CallReport {
                        attempts: 0,
                        http_status: sent.http_status,
                        result: Err(error),
                        in_doubt: false,
                    });
                }
            }
        }
        let Some(before) = &self.seen else {
            return self.patch_unwatched(id, patch).await;
        };
        let update = WatchedUpdate::new(self.lane.row, before, Some(patch), &self.lane.operations);
        let body = self.with_attached_tags(patch_body(patch, Some(before), context.patch_merges()));
        self.record_patch_intents().await?;
        let watched = WatchedPatch {
            update,
            body,
            client: self.guarded_client(self.is_whole(patch)),
            scope,
            costs_reading,
        };
        let (sent, alert) = watched.send(context, &mut verified).await?;
        drop(verified);
        self.alert = alert.or(self.alert.take());
        Ok(self.retry_without_tags(id, patch, sent).await)
    }

    /// Returns which kinds of members this patch leaves unchanged only if the probe found right.
    fn assumed_scope(&self, patch: &Patch) -> UpdateScope {
        UpdateScope {
            fields: false,
            properties: self.context.patch_merges() && !patch.custom_data.is_empty(),
            tags: self.attached_tags.is_some(),
        }
    }

    async fn patch_unwatched(
        &mut self,
        id: CustomerId,
        patch: &Patch,
    ) -> Result<CallReport<RemoteCustomer>, Unsent> {
        let merges = self.context.patch_merges();
        if !patch.custom_data.is_empty() && !merges {
            self.ensure_properties_known(id)
                .await
                .map_err(Unsent::Failed)?;
        }
        let body = self.with_attached_tags(patch_body(patch, self.seen.as_ref(), merges));
        self.record_patch_intents().await?;
        let client = self.guarded_client(self.is_whole(patch));
        let sent = client.patch(id, &body).await;
        Ok(self.retry_without_tags(id, patch, sent).await)
    }

    /// Records the intents of a patch and of the attached tags.
    async fn record_patch_intents(&mut self) -> Result<(), JournalError> {
        self.record_intent(OperationKind::Patch).await?;
        if self.attached_tags.is_some() {
            self.record_intent(OperationKind::Tag).await?;
        }
        Ok(())
    }

    /// Whether the patch sends all properties, also those that were only read.
    fn is_whole(&self, patch: &Patch) -> bool {
        !patch.custom_data.is_empty() && !self.context.patch_merges()
    }

    fn with_attached_tags(&self, body: PatchBody) -> PatchBody {
        let tags = match &self.attached_tags {
            Some(Operation::Tag(tags)) => Some(tags.clone()),
            _ => None,
        };
        PatchBody { tags, ..body }
    }

    /// Sends the patch again without the attached tags if they are what it was refused for. The tags then get a request
    /// and a result of their own.
    async fn retry_without_tags(
        &mut self,
        id: CustomerId,
        patch: &Patch,
        sent: CallReport<RemoteCustomer>,
    ) -> CallReport<RemoteCustomer> {
        let has_tags = self.attached_tags.is_some();
        if !has_tags || !sent.result.as_ref().is_err_and(is_about_tags) {
            return sent;
        }
        self.attached_tags = None;
        let body = patch_body(patch, self.seen.as_ref(), self.context.patch_merges());
        let client = self.guarded_client(self.is_whole(patch));
        let retry = client.patch(id, &body).await;
        CallReport {
            attempts: sent.attempts + retry.attempts,
            http_status: retry.http_status.or(sent.http_status),
            in_doubt: sent.in_doubt || retry.in_doubt,
            result: retry.result,
        }
    }

    /// Reads the customer unless its properties are known: the whole set can only be sent if all of it is known.
    async fn ensure_properties_known(&mut self, id: CustomerId) -> Result<(), Issue> {
        let has_properties = |customer: &RemoteCustomer| customer.custom_data.is_reported();
        if self.seen.as_ref().is_some_and(has_properties) {
            return Ok(());
        }
        match self.context.client.get(id).await.result {
            Ok(customer) if has_properties(&customer) => {
                self.accept_read(customer);
                Ok(())
            }
            Ok(_) => Err(Issue::new(
                IssueKind::Api,
                "untold",
                "HelpCrunch did not report the custom data of this customer",
            )
            .hint("`hcsync probe` finds out what HelpCrunch leaves out")),
            Err(error) => Err(cause::issue(&error, &self.context.columns, &[])),
        }
    }
}

fn is_about_tags(error: &CallError) -> bool {
    match error {
        CallError::Refused { errors, .. } => errors.iter().any(|e| e.code.starts_with("tags")),
        _ => false,
    }
}
