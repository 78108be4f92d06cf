//! Writes back what a customer lost of that which an update did not name.

use std::collections::BTreeMap;

use crate::domain::{Issue, IssueKind, Known, OpaqueValue, RemoteCustomer};
use crate::helpcrunch::{CallError, PatchBody, PropertyWrite, WriteClient};

use super::loss::Loss;
use super::{Notice, Watched};

/// Writes back what a customer lost, and gives it as it then is. Nothing where the run stops before that is done.
pub(super) async fn restore(
    client: &WriteClient,
    watched: &Watched,
    after: &RemoteCustomer,
    loss: &Loss,
) -> Option<(Notice, RemoteCustomer)> {
    let id = watched.before.id;
    let mut seen = after.clone();
    let mut trouble = None;
    let body = body(loss, after);
    let calls: [Option<_>; 2] = [
        (!body.set.is_empty() || body.custom_data.is_some()).then_some(Some(body)),
        (!loss.tags.is_empty()).then_some(None),
    ];
    for call in calls.into_iter().flatten() {
        let sent = match call {
            Some(body) => client.patch(id, &body).await,
            None => client.tag(id, &loss.tags).await,
        };
        match sent.result {
            Ok(customer) => seen = customer,
            Err(error) if error.stop().is_some() => return None,
            Err(error) => trouble = Some(error),
        }
    }
    let left = Loss::between(watched, &seen);
    let notice = match (trouble, left) {
        (None, Some(left)) if left.is_empty() => Notice::Warning(written_back(loss)),
        (trouble, _) => Notice::Failure(not_written_back(loss, trouble.as_ref())),
    };
    Some((notice, seen))
}

/// The whole set of properties: that PATCH merges them is not believed of an account that behaves otherwise than
/// it was found to.
fn body(loss: &Loss, after: &RemoteCustomer) -> PatchBody {
    let set = |(name, value): &(String, _)| (name.clone(), PropertyWrite::Set(Clone::clone(value)));
    let resend =
        |name: &String, value: &OpaqueValue| (name.clone(), PropertyWrite::Resend(value.clone()));
    let mut properties: BTreeMap<String, PropertyWrite> = BTreeMap::new();
    if loss.kinds().properties {
        if let Known::Is(has) = &after.custom_data {
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

fn written_back(loss: &Loss) -> Issue {
    let message = format!(
        "an update took away what it did not name, and it was written back: {}",
        loss.names().join(", ")
    );
    Issue::new(IssueKind::Api, "update_lost", message).hint(
        "what was probed is not believed from here on; `hcsync probe` finds out anew how the account behaves",
    )
}

fn not_written_back(loss: &Loss, why: Option<&CallError>) -> Issue {
    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
    let message = format!(
        "an update took away what it did not name, and it could not all be written back{why}: {}",
        loss.names().join(", ")
    );
    Issue::new(IssueKind::Api, "update_lost", message)
        .hint("the values from before are in the run's journal, under `update_watch`; what was probed is not believed from here on")
}
