//! Sending a PATCH. What it leaves alone goes by what the probe found of the account, and the first one that does is
//! watched.

use crate::domain::{CustomerId, Issue, IssueKind, RemoteCustomer};
use crate::helpcrunch::{PatchBody, Sent};
use crate::journal::JournalError;
use crate::plan::writes::Carried;
use crate::plan::{Operation, OperationKind, Patch};

use super::Run;
use crate::run::batch::{Watched, patch_watched, tells_all};
use crate::run::cause;
use crate::run::merge::patch_body;

/// Why a write was not sent.
pub(super) enum Unsent {
    /// It fails, and why.
    Failed(Issue),
    /// Nothing more may be sent.
    Journal(JournalError),
}

impl From<JournalError> for Unsent {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl Run<'_> {
    /// Sends a patch, with the tags that ride along.
    pub(super) async fn patch(
        &mut self,
        id: CustomerId,
        patch: &Patch,
    ) -> Result<Sent<RemoteCustomer>, Unsent> {
        if self.believed(patch) == Carried::default() {
            return self.patch_unwatched(id, patch).await;
        }
        let context = self.context;
        let mut proven = context.batches.proven().await;
        // Another one may have been watched meanwhile.
        if !context.patch_adds_tags() {
            self.riding = None;
        }
        let carried = self.believed(patch);
        if proven.patches.covers(carried) {
            drop(proven);
            return self.patch_unwatched(id, patch).await;
        }
        let costs_reading = !self.seen.as_ref().is_some_and(tells_all);
        if costs_reading {
            let sent = context.client.get(id).await;
            match sent.result {
                Ok(customer) => self.saw(customer),
                Err(error) => {
                    return Ok(Sent {
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
        let watched = Watched::new(self.lane.row, before, Some(patch), &self.lane.operations);
        let body = self.with_riding_tags(patch_body(patch, Some(before), context.patch_merges()));
        self.note_patch().await?;
        let watched = patch_watched(
            context,
            &mut proven,
            watched,
            (&self.client_on_reading(self.is_whole(patch)), &body),
            (carried, costs_reading),
        )
        .await?;
        drop(proven);
        self.notice = watched.notice.or(self.notice.take());
        Ok(self.without_refused_tags(id, patch, watched.sent).await)
    }

    /// What of this patch leaves alone what it does not name only if the probe found right.
    fn believed(&self, patch: &Patch) -> Carried {
        Carried {
            fields: false,
            properties: self.context.patch_merges() && !patch.custom_data.is_empty(),
            tags: self.riding.is_some(),
        }
    }

    async fn patch_unwatched(
        &mut self,
        id: CustomerId,
        patch: &Patch,
    ) -> Result<Sent<RemoteCustomer>, Unsent> {
        let merges = self.context.patch_merges();
        if !patch.custom_data.is_empty() && !merges {
            self.know_properties(id).await.map_err(Unsent::Failed)?;
        }
        let body = self.with_riding_tags(patch_body(patch, self.seen.as_ref(), merges));
        self.note_patch().await?;
        let client = self.client_on_reading(self.is_whole(patch));
        let sent = client.patch(id, &body).await;
        Ok(self.without_refused_tags(id, patch, sent).await)
    }

    /// The intents of a patch and of the tags that ride along.
    async fn note_patch(&mut self) -> Result<(), JournalError> {
        self.note_intent(OperationKind::Patch).await?;
        if self.riding.is_some() {
            self.note_intent(OperationKind::Tag).await?;
        }
        Ok(())
    }

    /// Whether all properties are sent, those too that are only read.
    fn is_whole(&self, patch: &Patch) -> bool {
        !patch.custom_data.is_empty() && !self.context.patch_merges()
    }

    fn with_riding_tags(&self, body: PatchBody) -> PatchBody {
        let tags = match &self.riding {
            Some(Operation::Tag(tags)) => Some(tags.clone()),
            _ => None,
        };
        PatchBody { tags, ..body }
    }

    /// Where the tags that ride along are what the patch was refused for, it goes without them, and they by themselves
    /// afterwards, each with its own result.
    async fn without_refused_tags(
        &mut self,
        id: CustomerId,
        patch: &Patch,
        sent: Sent<RemoteCustomer>,
    ) -> Sent<RemoteCustomer> {
        if self.riding.is_none()
            || !sent
                .result
                .as_ref()
                .is_err_and(super::riding::is_about_tags)
        {
            return sent;
        }
        self.riding = None;
        let body = patch_body(patch, self.seen.as_ref(), self.context.patch_merges());
        let client = self.client_on_reading(self.is_whole(patch));
        let again = client.patch(id, &body).await;
        Sent {
            attempts: sent.attempts + again.attempts,
            http_status: again.http_status.or(sent.http_status),
            in_doubt: sent.in_doubt || again.in_doubt,
            result: again.result,
        }
    }

    /// A whole set can only be sent by one who knows all of it.
    async fn know_properties(&mut self, id: CustomerId) -> Result<(), Issue> {
        let known = |c: &RemoteCustomer| c.custom_data.is_known();
        if self.seen.as_ref().is_some_and(known) {
            return Ok(());
        }
        match self.context.client.get(id).await.result {
            Ok(customer) if known(&customer) => {
                self.saw(customer);
                Ok(())
            }
            Ok(_) => Err(Issue::new(
                IssueKind::Api,
                "untold",
                "HelpCrunch does not say which custom data this customer has",
            )),
            Err(error) => Err(cause::issue(&error, &self.context.columns, &[])),
        }
    }
}
