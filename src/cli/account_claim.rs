//! One run at a time writes to an account, even if two runs reach it with different keys or under different names.

use crate::domain::RemoteCustomer;
use crate::helpcrunch::{ListQuery, ReadClient, SortOrder};
use crate::journal::{Claim, KnownCustomer, LockError, OtherRun};

use super::account::{can_read, random_text};
use super::account_session::AccountSession;
use super::exit::{Failure, OrFail as _};

/// Claims the account before the first write. This sends no request unless the state folder has other accounts or one
/// of them has an active run. `witness` is a customer that this run has read.
pub(super) async fn claim_account(
    account: &AccountSession,
    witness: Option<&RemoteCustomer>,
) -> Result<(), Failure> {
    let Some(others) = account.other_accounts() else {
        return Ok(());
    };
    let mut known = witness.and_then(|c| KnownCustomer::remember(c, &random_text()));
    if known.is_none() {
        let meta = account.dir.read()?;
        known = meta.and_then(|meta| meta.known_customer);
    }
    if known.is_none() && !others.is_empty() {
        known = any_customer(&account.client).await?;
    }
    let claim = Claim::new(random_text(), &account.target.base_url_text, known);
    for rival in others.claim(&claim)? {
        if let Some(is_certain) = is_same_account(&account.client, &rival).await? {
            return Err(Failure::from(LockError::Shared {
                is_certain,
                is_running: rival.is_running,
                holder: rival.holder,
            }));
        }
    }
    Ok(())
}

/// Returns `None` if the other run writes to another account, otherwise whether it is certain that it is the same.
async fn is_same_account(client: &ReadClient, rival: &OtherRun) -> Result<Option<bool>, Failure> {
    match &rival.customer {
        Some(known) => Ok(can_read(client, known).await?.then_some(true)),
        None => Ok(Some(false)),
    }
}

async fn any_customer(client: &ReadClient) -> Result<Option<KnownCustomer>, Failure> {
    let query = ListQuery {
        limit: client.page_size(),
        offset: 0,
        sort: None,
        order: SortOrder::default(),
    };
    let page = client.list(&query).await.result.or_not_finished("remote")?;
    let mut customers = page.customers.iter();
    Ok(customers.find_map(|c| KnownCustomer::remember(c, &random_text())))
}
