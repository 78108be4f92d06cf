//! Sending a PATCH. What it leaves unchanged depends on what the probe found of the account, and the first PATCH that
//! relies on that is watched.

use tokio::sync::MutexGuard;

use crate::domain::{CustomerId, Issue, IssueKind, RemoteCustomer};
use crate::helpcrunch::{CallReport, PatchBody};
use crate::journal::JournalError;
use crate::plan::writes::UpdateScope;
use crate::plan::{Operation, OperationKind, Patch};

use super::LaneRun;
use crate::run::batch::{VerifiedScopes, WatchedPatch, WatchedUpdate};
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
        let verified = context.batches.verified().await;
        // While this one waited, the watch on another one may have shown a loss.
        if !context.patch_adds_tags() {
            self.attached_tags = None;
        }
        let scope = self.assumed_scope(patch);
        if verified.patches.covers(scope) {
            drop(verified);
            return self.patch_unwatched(id, patch).await;
        }
        // Once or a few times in a run, and a large future.
        Box::pin(self.patch_watched(id, patch, scope, verified)).await
    }

    /// Sends a patch, and compares what of the customer it did not name. No other patch is sent meanwhile.
    async fn patch_watched(
        &mut self,
        id: CustomerId,
        patch: &Patch,
        scope: UpdateScope,
        mut verified: MutexGuard<'_, VerifiedScopes>,
    ) -> Result<CallReport<RemoteCustomer>, Unsent> {
        let context = self.context;
        let costs_reading = !self
            .job
            .before
            .as_ref()
            .is_some_and(RemoteCustomer::is_complete);
        if costs_reading && let Some(failed) = self.read_before(id).await {
            return Ok(failed);
        }
        let Some(before) = &self.job.before else {
            return self.patch_unwatched(id, patch).await;
        };
        let update = WatchedUpdate::new(
            self.job.lane.row,
            before,
            Some(patch),
            &self.job.lane.operations,
        );
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
        self.job.alert = alert.or(self.job.alert.take());
        Ok(sent)
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
        // The whole set of properties can only be sent if all of it is known.
        if !patch.custom_data.is_empty() && !merges && !self.knows_properties() {
            if let Some(failed) = Box::pin(self.read_before(id)).await {
                return Ok(failed);
            }
            if !self.knows_properties() {
                let message = "HelpCrunch did not report the custom data of this customer";
                let issue = Issue::new(IssueKind::Api, "untold", message)
                    .hint("`hcsync probe` finds out what HelpCrunch leaves out");
                return Err(Unsent::Failed(issue));
            }
        }
        let body = self.with_attached_tags(patch_body(patch, self.job.before.as_ref(), merges));
        self.record_patch_intents().await?;
        let client = self.guarded_client(self.is_whole(patch));
        Ok(client.patch(id, &body).await)
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

    fn knows_properties(&self) -> bool {
        let seen = self.job.before.as_ref();
        seen.is_some_and(|customer| customer.custom_data.is_reported())
    }

    /// Reads the customer before a patch. Returns the report of the patch if that fails: it was not sent.
    async fn read_before(&mut self, id: CustomerId) -> Option<CallReport<RemoteCustomer>> {
        let read = self.context.client.get(id).await;
        match read.result {
            Ok(customer) => {
                self.accept_read(customer);
                None
            }
            Err(error) => Some(CallReport {
                attempts: 0,
                http_status: read.http_status,
                result: Err(error),
                in_doubt: false,
            }),
        }
    }
}
