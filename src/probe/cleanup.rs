//! Deletes the throwaway customer, at the end of a probe or later if the probe could not.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::domain::{CustomerId, Field, RemoteCustomer};
use crate::helpcrunch::{
    CallError, Filter, ListQuery, ReadClient, Search, SortField, SortOrder, Term, WriteClient,
};
use crate::pace::Clock;

use super::session::SMALL_PAGE;
use super::store::{ProbeStore, StoreError};
use super::throwaway::Throwaway;

/// Maximum pause between two searches. A stop is noticed by the next search and has to end the process within seconds.
const MAX_PAUSE: Duration = Duration::from_secs(4);

/// Number of newest customers that are read. The probe's customer is a minute old.
const NEWEST: u32 = 25;

/// A customer of a probe that still exists or may exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    pub throwaway: Throwaway,
    pub why: String,
}

/// The result of [`clean_up`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cleanup {
    /// The account's folder remembers no customer.
    NothingToDo,
    /// The customer does not exist any more.
    Deleted(Throwaway),
    /// The folder still remembers the customer.
    Failed(Leftover),
}

/// Deletes the customer that the account's folder remembers. Sends no request if there is none.
///
/// `settle` is how long search may lag behind a create.
pub async fn clean_up(
    client: &WriteClient,
    store: &ProbeStore,
    clock: Clock,
    settle: Duration,
) -> Result<Cleanup, StoreError> {
    let Some(mut ours) = store.throwaway()? else {
        return Ok(Cleanup::NothingToDo);
    };
    let ids = match ours.id {
        Some(id) if !ours.is_doubled => Ok(vec![id]),
        first => find(client, &ours, clock, settle).await.map(|found| {
            let others = found.into_iter().filter(|id| Some(*id) != first);
            // The first goes last: its id is what a crash leaves to go by.
            others.chain(first).collect()
        }),
    };
    let deleted = match ids {
        Ok(ids) => delete_all(client, &mut ours, store, &ids).await?,
        Err(error) => Err(error.to_string()),
    };
    match deleted {
        Ok(()) => {
            store.forget()?;
            Ok(Cleanup::Deleted(ours))
        }
        Err(why) => Ok(Cleanup::Failed(Leftover {
            throwaway: ours,
            why,
        })),
    }
}

async fn delete_all(
    client: &WriteClient,
    ours: &mut Throwaway,
    store: &ProbeStore,
    ids: &[CustomerId],
) -> Result<Result<(), String>, StoreError> {
    for id in ids {
        if ours.id != Some(*id) && !ours.is_doubled {
            ours.id = Some(*id);
            store.remember(ours)?;
        }
        if let Err(why) = delete(client, ours, *id).await {
            return Ok(Err(why));
        }
    }
    Ok(Ok(()))
}

/// Deletes a customer after making sure that it is the probe's, and checks that it is gone.
async fn delete(client: &WriteClient, ours: &Throwaway, id: CustomerId) -> Result<(), String> {
    match client.get(id).await.result {
        Ok(customer) if is_ours_or_bare(ours, &customer) => {}
        Ok(_) => return Err("its userId, e-mail and name are no longer the probe's".to_owned()),
        Err(error) if error.is_not_found() => return Ok(()),
        Err(error) => return Err(error.to_string()),
    }
    match client.delete(id).await.result {
        Ok(()) => {}
        Err(error) if error.is_not_found() => return Ok(()),
        Err(error) => return Err(error.to_string()),
    }
    match client.get(id).await.result {
        Err(error) if error.is_not_found() => Ok(()),
        Ok(_) => Err("it still exists after the API reported that it was deleted".to_owned()),
        Err(error) => Err(format!("whether it was deleted is not known: {error}")),
    }
}

/// Whether the customer is the probe's or has no identifying field at all: a write that resets what it does not name
/// may have removed them, and an API may never have stored them.
fn is_ours_or_bare(ours: &Throwaway, customer: &RemoteCustomer) -> bool {
    let names = [Field::UserId, Field::Email, Field::Name];
    ours.is(customer) || names.iter().all(|field| customer.value(*field).is_none())
}

/// Searches repeatedly for the customer of a create that got no usable answer, until it would be `settle` old.
pub(super) async fn find(
    client: &ReadClient,
    ours: &Throwaway,
    clock: Clock,
    settle: Duration,
) -> Result<Vec<CustomerId>, CallError> {
    let age = ours.at.parse::<jiff::Timestamp>().ok();
    let age = age.and_then(|at| clock.wall().duration_since(at).try_into().ok());
    let end = Instant::now() + settle.saturating_sub(age.unwrap_or_default());
    let mut pause = Duration::from_secs(1);
    loop {
        let is_last = Instant::now() >= end;
        match search_once(client, ours, is_last).await {
            Ok(found) if is_last || !(found.is_empty() || ours.is_doubled) => return Ok(found),
            Err(error) if is_last || error.stop().is_some() => return Err(error),
            Ok(_) | Err(_) => {}
        }
        sleep(pause.min(end.saturating_duration_since(Instant::now()))).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

/// Searches once. The last time it also reads the listing, which may not lag as search does.
async fn search_once(
    client: &ReadClient,
    ours: &Throwaway,
    is_last: bool,
) -> Result<Vec<CustomerId>, CallError> {
    let terms = [
        Term::UserId(ours.user_id()),
        Term::Email(ours.email()),
        Term::Name(ours.name()),
    ];
    let search = Search {
        limit: SMALL_PAGE,
        ..Search::any(terms.map(Filter::equal).to_vec())
    };
    let found = ids_of(ours, &client.search(&search).await.result?.customers);
    if !is_last || !found.is_empty() {
        return Ok(found);
    }
    let newest = ListQuery {
        limit: NEWEST,
        offset: 0,
        sort: Some(SortField::FirstSeen),
        order: SortOrder::Descending,
    };
    let page = client.list(&newest).await.result?;
    Ok(ids_of(ours, &page.customers))
}

fn ids_of(ours: &Throwaway, customers: &[RemoteCustomer]) -> Vec<CustomerId> {
    let ours = customers.iter().filter(|customer| ours.is(customer));
    ours.map(|customer| customer.id).collect()
}
