//! Reading again customers of whom an answer left out tags or properties.

use crate::domain::{CustomerId, RemoteCustomer, RowKey};
use crate::helpcrunch::ReadClient;
use crate::plan::matching::RemoteLookup;

use super::lookup::{WantedKeys, find_all};
use super::reading::Reading;
use super::side::RemoteError;

/// Fills what the reading does not say of these customers: by search, many in one request, then one by one.
///
/// # Errors
/// When a reading got no usable answer.
pub async fn complete(
    client: &ReadClient,
    reading: &mut Reading,
    ids: &[CustomerId],
) -> Result<(), RemoteError> {
    let mut wanted = WantedKeys::default();
    for id in ids {
        wanted.add(&RowKey {
            id: Some(*id),
            ..RowKey::default()
        });
    }
    let mut found = Vec::new();
    find_all(client, &wanted, &mut found).await?;
    for customer in &found {
        reading.put(customer)?;
    }
    for id in ids {
        let silent = |c: &RemoteCustomer| !c.tags.is_known() || !c.custom_data.is_known();
        if reading.customer(*id)?.as_ref().is_some_and(silent) {
            reading.put(&client.get(*id).await.result?)?;
        }
    }
    Ok(())
}
