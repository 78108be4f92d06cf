//! Writes back what an update removed without naming it.

use std::collections::BTreeMap;

use crate::domain::{Issue, IssueKind, OpaqueValue, RemoteCustomer, Reported};
use crate::helpcrunch::{CallError, PatchBody, PropertyWrite, WriteClient};

use super::loss::Loss;
use super::{RowAlert, WatchedUpdate};

/// Writes back what a customer lost, and returns the customer as it is after that, or `None` if the run stops first.
pub(super) async fn restore(
    client: &WriteClient,
    update: &WatchedUpdate,
    after: &RemoteCustomer,
    loss: &Loss,
) -> Option<(RowAlert, RemoteCustomer)> {
    let id = update.before.id;
    let mut restored = after.clone();
    let mut last_error = None;
    let body = body(loss, after);
    let has_patch = !body.set.is_empty() || body.custom_data.is_some();
    let calls = [
        has_patch.then_some(Some(body)),
        (!loss.tags.is_empty()).then_some(None),
    ];
    for call in calls.into_iter().flatten() {
        let sent = match call {
            Some(body) => client.patch(id, &body).await,
            None => client.tag(id, &loss.tags).await,
        };
        match sent.result {
            Ok(customer) => restored = customer,
            Err(error) if error.stop().is_some() => return None,
            Err(error) => last_error = Some(error),
        }
    }
    let still_lost = Loss::between(update, &restored);
    let alert = match (last_error, still_lost) {
        (None, Some(loss_left)) if loss_left.is_empty() => {
            RowAlert::Warning(written_back(loss, update.is_whole))
        }
        (error, _) => RowAlert::Failure(not_written_back(loss, update.is_whole, error.as_ref())),
    };
    Some((alert, restored))
}

/// Builds the patch. It holds the whole set of properties, since an account that behaves otherwise than it was found to
/// may not merge them either.
fn body(loss: &Loss, after: &RemoteCustomer) -> PatchBody {
    let set = |(name, value): &(String, _)| (name.clone(), PropertyWrite::Set(Clone::clone(value)));
    let resend =
        |name: &String, value: &OpaqueValue| (name.clone(), PropertyWrite::Resend(value.clone()));
    let mut properties: BTreeMap<String, PropertyWrite> = BTreeMap::new();
    if loss.kinds().properties {
        if let Reported::Value(has) = &after.custom_data {
            let has = has.iter().filter(|(_, value)| !value.is_no_value());
            properties.extend(has.map(|(n, v)| (n.clone(), PropertyWrite::Set(v.clone()))));
            properties.extend(after.opaque.iter().map(|(n, v)| resend(n, v)));
        }
        properties.extend(loss.properties.iter().map(set));
        properties.extend(loss.opaque.iter().map(|(n, v)| resend(n, v)));
    }
    let fields = loss.fields.iter();
    PatchBody {
        set: fields.map(|(f, v)| (*f, Some(v.clone()))).collect(),
        custom_data: (!properties.is_empty()).then(|| properties.into_iter().collect()),
        tags: None,
    }
}

fn written_back(loss: &Loss, is_whole: bool) -> Issue {
    let names = loss.names().join(", ");
    let (message, hint) = match is_whole {
        true => (
            "a batch that wrote the customer as a whole did not keep all that it named",
            "hcsync sends no more batches in this run; with remote.batch = \"auto\" it patches single customers here",
        ),
        false => (
            "an update removed data that it did not name",
            "hcsync no longer relies on what `hcsync probe` found; run it again to find out how the account behaves",
        ),
    };
    let message = format!("{message}; it was written back: {names}");
    Issue::new(IssueKind::Api, "update_lost", message).hint(hint)
}

fn not_written_back(loss: &Loss, is_whole: bool, error: Option<&CallError>) -> Issue {
    let why = error.map(|error| format!(" ({error})")).unwrap_or_default();
    let what = match is_whole {
        true => "a batch that wrote the customer as a whole did not keep all that it named",
        false => "an update removed data that it did not name",
    };
    let message = format!(
        "{what}, and not all of it could be written back{why}: {}",
        loss.names().join(", ")
    );
    Issue::new(IssueKind::Api, "update_lost", message)
        .hint("the values from before are in the run's journal, under `update_watch`; hcsync sends no more batches in this run")
}
