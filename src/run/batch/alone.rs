//! The watch on a run's first PATCH that goes by what the probe found: that properties stay which it does not name, or
//! that its tags come to those that are there.

use crate::domain::RemoteCustomer;
use crate::helpcrunch::{CallError, PatchBody, Sent, WriteClient};
use crate::journal::JournalError;
use crate::plan::writes::Carried;
use crate::run::lane::LaneContext;

use super::reading::{Read, tells_all};
use super::watch::{Watched, look, note_closed, note_open};
use super::{Notice, Proven};

/// A PATCH that was watched.
pub(in crate::run) struct WatchedPatch {
    /// Holds the customer as it is after what it lost was written back.
    pub(in crate::run) sent: Sent<RemoteCustomer>,
    pub(in crate::run) notice: Option<Notice>,
}

/// Sends a PATCH by this client and compares the customer with what it was before. What it lost is written back, and nothing that was
/// probed is believed any more; else `carried` is proven.
///
/// # Errors
/// When the journal cannot be written: then nothing more may be sent.
pub(in crate::run) async fn patch_watched(
    context: &LaneContext,
    proven: &mut Proven,
    watched: Watched,
    (client, body): (&WriteClient, &PatchBody),
    (carried, costs_reading): (Carried, bool),
) -> Result<WatchedPatch, JournalError> {
    let id = watched.before.id;
    note_open(context, std::slice::from_ref(&watched)).await?;
    let mut sent = client.patch(id, body).await;
    if sent.result.as_ref().is_err_and(CallError::is_unsent) {
        note_closed(context).await?;
        return Ok(WatchedPatch { sent, notice: None });
    }
    let after = match &sent.result {
        Ok(customer) if tells_all(customer) => Ok(customer.clone()),
        _ => context.client.get(id).await.result,
    };
    let on_loss = |lost| context.batches.lost(lost);
    let after = Read::from([(id, after)]);
    let mut looked = look(
        &context.client,
        std::slice::from_ref(&watched),
        &after,
        &on_loss,
    )
    .await;
    if looked.is_unclear {
        let why = "what a PATCH leaves alone cannot be told from the answers";
        context.batches.disbelieve(why);
    }
    if !looked.is_unread {
        note_closed(context).await?;
    }
    if sent.result.is_ok() && looked.is_harmless() {
        let at_stake = watched.at_stake();
        proven
            .patches
            .lost_nothing(carried, at_stake, costs_reading);
    }
    if let (Ok(answer), Some(restored)) = (&mut sent.result, looked.restored.pop()) {
        *answer = restored;
    }
    let notice = looked.notices.remove(&watched.row);
    Ok(WatchedPatch { sent, notice })
}
