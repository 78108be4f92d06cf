//! Deletes the throwaway customer: at the end of a probe, and what an earlier one left behind.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::domain::{CustomerId, Field, RemoteCustomer};
use crate::helpcrunch::{
    CallError, Filter, ListQuery, Order, ReadClient, Search, Sort, Term, WriteClient,
};
use crate::pace::Clock;

use super::asking::FEW;
use super::store::{ProbeStore, StoreError};
use super::throwaway::Throwaway;

/// Between two looks. A stop is noticed by the next look, and has to end the process within seconds.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// So many of the newest customers are looked at: the probe's own is a minute old.
const NEWEST: u32 = 25;

/// A customer that is, or may be, still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    pub throwaway: Throwaway,
    pub why: String,
}

/// What became of the customer that the account's folder remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cleaned {
    /// There was none.
    Nothing,
    /// It is not there any more.
    Gone(Throwaway),
    /// The folder still remembers it.
    Left(Left),
}

/// Deletes the customer that the account's folder remembers. It costs no request where there is none.
///
/// `settle`: how long search may lag behind a create.
///
/// # Errors
/// Where the account's folder cannot be read or written.
pub async fn clean(
    client: &WriteClient,
    store: &ProbeStore,
    clock: Clock,
    settle: Duration,
) -> Result<Cleaned, StoreError> {
    let Some(mut ours) = store.throwaway()? else {
        return Ok(Cleaned::Nothing);
    };
    let ids = match ours.id {
        Some(id) => Ok(vec![id]),
        None => find(client, &ours, clock, settle).await,
    };
    let deleted = match ids {
        Ok(ids) => delete_all(client, &mut ours, store, &ids).await?,
        Err(error) => Err(error.to_string()),
    };
    match deleted {
        Ok(()) => {
            store.forget()?;
            Ok(Cleaned::Gone(ours))
        }
        Err(why) => Ok(Cleaned::Left(Left {
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
        if ours.id != Some(*id) {
            ours.id = Some(*id);
            store.remember(ours)?;
        }
        if let Err(why) = delete(client, ours, *id).await {
            return Ok(Err(why));
        }
    }
    Ok(Ok(()))
}

/// Deletes a customer, after a look whether it is ours, and sees that it is gone.
async fn delete(client: &WriteClient, ours: &Throwaway, id: CustomerId) -> Result<(), String> {
    match client.get(id).await.result {
        Ok(customer) if is_ours_or_bare(ours, &customer) => {}
        Ok(_) => return Err("somebody gave it another userId, e-mail or name".to_owned()),
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
        Ok(_) => Err("it is still there after the API said that it was deleted".to_owned()),
        Err(error) => Err(format!("whether it was deleted could not be seen: {error}")),
    }
}

/// A write that resets what it does not name may have taken the marks off, and an API may keep none of them.
fn is_ours_or_bare(ours: &Throwaway, customer: &RemoteCustomer) -> bool {
    let names = [Field::UserId, Field::Email, Field::Name];
    ours.is(customer) || names.iter().all(|field| customer.value(*field).is_none())
}

/// Looks for the customer of a create that got no usable answer, again and again until it is `settle` old.
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
        match look(client, ours, is_last).await {
            Ok(found) if is_last || !found.is_empty() => return Ok(found),
            Err(error) if is_last || error.stop().is_some() => return Err(error),
            Ok(_) | Err(_) => {}
        }
        sleep(pause.min(end.saturating_duration_since(Instant::now()))).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// One look; the last also asks the listing, which need not lag as search does.
async fn look(
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
        limit: FEW,
        ..Search::any(terms.map(Filter::equal).to_vec())
    };
    let found = those_of(ours, &client.search(&search).await.result?.customers);
    if !is_last || !found.is_empty() {
        return Ok(found);
    }
    let newest = ListQuery {
        limit: NEWEST,
        offset: 0,
        sort: Some(Sort::FirstSeen),
        order: Order::Descending,
    };
    let page = client.list(&newest).await.result?;
    Ok(those_of(ours, &page.customers))
}

fn those_of(ours: &Throwaway, customers: &[RemoteCustomer]) -> Vec<CustomerId> {
    let ours = customers.iter().filter(|customer| ours.is(customer));
    ours.map(|customer| customer.id).collect()
}
