//! Re-reads customers whose tags or properties an answer left out.

use crate::domain::{CustomerId, RemoteCustomer, RowKey};
use crate::helpcrunch::ReadClient;
use crate::plan::matching::RemoteLookup;

use super::lookup::find_all;
use super::lookup_keys::LookupKeys;
use super::reading::Reading;
use super::side::RemoteError;

/// Completes these customers in the reading: first by searches for many at a time, then one by one where the search
/// left something out, too.
pub async fn complete(
    client: &ReadClient,
    reading: &mut Reading,
    ids: &[CustomerId],
) -> Result<(), RemoteError> {
    let mut keys = LookupKeys::default();
    for id in ids {
        keys.add(&RowKey {
            id: Some(*id),
            ..RowKey::default()
        });
    }
    let mut customers = Vec::new();
    find_all(client, &keys, &mut customers).await?;
    for customer in &customers {
        reading.put(customer)?;
    }
    for id in ids {
        let is_incomplete =
            |c: &RemoteCustomer| !c.tags.is_reported() || !c.custom_data.is_reported();
        if reading.customer(*id)?.as_ref().is_some_and(is_incomplete) {
            reading.put(&client.get(*id).await.result?)?;
        }
    }
    Ok(())
}
