//! Reads the remote side for a plan, with the method that needs the fewest requests.

use jiff::Timestamp;

use crate::helpcrunch::{CustomerPage, ReadClient};
use crate::plan::Explanation;

use super::email_case::EmailCase;
use super::key_search::KeySearch;
use super::listing::{first_page, list_rest};
use super::reading::Reading;
use super::side::{ReadProgress, RemoteError, RemoteQuery, RemoteSettings, RemoteSide};
use super::snapshot::SnapshotFiles;
use super::snapshot_check::{UsableSnapshot, check_snapshot};
use super::strategy::{CostInputs, ReadMethod, Strategy};

/// Reads all customers.
pub async fn list_all(
    client: &ReadClient,
    mut reading: Reading,
    progress: &dyn ReadProgress,
) -> Result<Reading, RemoteError> {
    let first = first_page(client).await?;
    list_rest(client, &first, &mut reading, progress).await?;
    Ok(reading)
}

/// The first page and the snapshot, which are known before the keys of the rows are.
#[derive(Debug, Clone)]
pub struct FirstReading {
    first: CustomerPage,
    /// The snapshot, or why it cannot be used.
    snapshot: Result<UsableSnapshot, String>,
}

/// Requests the first page, and loads the snapshot into the reading if it may be used. `snapshot`: `None` if another process
/// has locked it, or snapshots are not used.
pub async fn read_first(
    client: &ReadClient,
    settings: &RemoteSettings,
    snapshot: Option<&mut SnapshotFiles>,
    now: Timestamp,
    reading: Reading,
) -> Result<(FirstReading, Reading), RemoteError> {
    let first = first_page(client).await?;
    let (reading, snapshot) = check_snapshot(snapshot, settings, now, &first, reading)?;
    Ok((FirstReading { first, snapshot }, reading))
}

impl FirstReading {
    /// Whether a snapshot was loaded.
    pub fn has_snapshot(&self) -> bool {
        self.snapshot.is_ok()
    }

    /// Returns the remote side for the case that the snapshot has all keys of the rows, so that nothing else has to be read.
    pub fn snapshot_alone(&self, reading: Reading, settings: &RemoteSettings) -> RemoteSide {
        let mut side = RemoteSide {
            customers: self.first.known_total(),
            email_case: settings.email_case,
            ..RemoteSide::new(reading, ReadMethod::Snapshot.name())
        };
        if let Ok(snapshot) = &self.snapshot {
            side.use_snapshot(snapshot, &self.first);
        }
        side
    }
}

/// Reads the rest of the remote side.
pub async fn read(
    query: RemoteQuery<'_>,
    (FirstReading { first, snapshot }, reading): (FirstReading, Reading),
    progress: &dyn ReadProgress,
) -> Result<RemoteSide, RemoteError> {
    let RemoteQuery {
        client,
        settings,
        keys,
        missing_keys,
    } = query;
    let snapshot = match snapshot {
        Ok(snapshot) => Ok((snapshot, missing_keys(&reading)?)),
        Err(why) => Err(why),
    };
    let costs = CostInputs {
        total: first.known_total(),
        first_page: first.customers.len() as u64,
        filters: keys.filters(),
        missing_filters: match &snapshot {
            Ok((_, missing)) => missing
                .filters()
                .ok_or_else(|| "it does not have most of the rows' keys".to_owned()),
            Err(why) => Err(why.clone()),
        },
        max_filters: client.max_filters(),
        tests_case: settings.email_case == EmailCase::Unknown && keys.emails().next().is_some(),
    };
    let strategy = match settings.refresh {
        true => Strategy::List,
        false => settings.strategy,
    };
    let method = costs.choose(strategy);
    tracing::debug!(?costs, ?method, "reading the remote side");
    let mut explanation = explain(&costs, strategy, method);
    let mut side = RemoteSide {
        customers: first.known_total(),
        email_case: settings.email_case,
        ..RemoteSide::new(reading, method.name())
    };
    let keys = match (method, snapshot) {
        (ReadMethod::Lookup, _) => {
            side.reading = side.reading.emptied();
            Some(keys.clone())
        }
        (ReadMethod::Snapshot, Ok((snapshot, missing))) => {
            side.use_snapshot(&snapshot, &first);
            Some(missing)
        }
        (ReadMethod::List, _) | (ReadMethod::Snapshot, Err(_)) => None,
    };
    if let Some(keys) = keys {
        let listing_cost = costs.cost(ReadMethod::List).ok();
        let search = KeySearch {
            client,
            settings,
            first: &first,
            max_requests: listing_cost.filter(|_| strategy == Strategy::Auto),
        };
        let Some(why) = search.run(&keys, &mut side).await? else {
            side.explanation = Some(explanation);
            return Ok(side);
        };
        tracing::info!("{why}; reading all customers instead");
        let note = format!("{why}, so all customers were read instead");
        explanation.notes.push(note);
        explanation.taken = ReadMethod::List.name().to_owned();
    }
    let mut reading = side.reading.emptied();
    list_rest(client, &first, &mut reading, progress).await?;
    Ok(RemoteSide {
        explanation: Some(explanation),
        email_case: side.email_case,
        ..RemoteSide::new(reading, ReadMethod::List.name())
    })
}

fn explain(costs: &CostInputs, strategy: Strategy, method: ReadMethod) -> Explanation {
    let mut explanation = costs.explain(method);
    if let (Strategy::Snapshot, Err(why)) = (strategy, &costs.missing_filters) {
        tracing::info!(
            why,
            "the snapshot cannot be used; reading all customers and creating a new one"
        );
        let note = format!("remote.strategy asks for the snapshot, but {why}");
        explanation.notes.push(note);
    }
    explanation
}
