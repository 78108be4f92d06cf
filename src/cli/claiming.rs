//! One run at a time writes to an account, also if two runs of a state folder reach it with different keys or under
//! different names.

use crate::domain::RemoteCustomer;
use crate::helpcrunch::{ListQuery, Order, ReadClient};
use crate::journal::{Claim, KnownCustomer, LockError, OtherRun};

use super::account::{lock_failure, random_text};
use super::attached::Attached;
use super::exit::{Exit, Failure};
use super::session::state_failure;

/// Claims the account before the first write. Without another account folder, or a run at work in one, this costs
/// no request. `witness` is a customer that this run has read.
pub(super) async fn claim_account(
    at: &Attached,
    witness: Option<&RemoteCustomer>,
) -> Result<(), Failure> {
    let Some(others) = at.others() else {
        return Ok(());
    };
    let mut known = witness.and_then(|c| KnownCustomer::remember(c, &random_text()));
    if known.is_none() {
        let meta = at.account.read().map_err(|e| state_failure(&e))?;
        known = meta.and_then(|meta| meta.known_customer);
    }
    if known.is_none() && !others.is_empty() {
        known = any_customer(&at.client).await?;
    }
    let claim = Claim::new(random_text(), &at.target.base_url_text, known);
    let rivals = others.claim(&claim).map_err(|e| lock_failure(&e))?;
    for rival in rivals {
        if let Some(is_certain) = is_same_account(&at.client, &rival).await? {
            return Err(lock_failure(&LockError::Shared {
                is_certain,
                is_running: rival.is_running,
                holder: rival.holder,
            }));
        }
    }
    Ok(())
}

/// Returns None if the other run's account is another one, else whether that is certain.
async fn is_same_account(client: &ReadClient, rival: &OtherRun) -> Result<Option<bool>, Failure> {
    let Some(known) = &rival.customer else {
        return Ok(Some(false));
    };
    match client.get(known.id).await.result {
        Ok(customer) => Ok(known.is(&customer).then_some(true)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(Failure::from_error(Exit::NotFinished, "remote", &error)),
    }
}

async fn any_customer(client: &ReadClient) -> Result<Option<KnownCustomer>, Failure> {
    let query = ListQuery {
        limit: client.page_size(),
        offset: 0,
        sort: None,
        order: Order::default(),
    };
    match client.list(&query).await.result {
        Ok(page) => Ok(page
            .customers
            .iter()
            .find_map(|c| KnownCustomer::remember(c, &random_text()))),
        Err(error) => Err(Failure::from_error(Exit::NotFinished, "remote", &error)),
    }
}
