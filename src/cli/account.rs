//! Checks that a key opens the account that a plan, a run or a name stands for.

use crate::config::Settings;
use crate::domain::{Organization, RemoteCustomer};
use crate::helpcrunch::ReadClient;
use crate::journal::{AccountDir, AccountId, AccountMeta, KnownCustomer, StateDir};

use super::connection::Target;
use super::exit::{Exit, Failure, OrFail as _};

/// Checks a key whose account has a name. A key that is new under this name is accepted if it can read a customer
/// that is known to be in the account.
pub(super) async fn check_key(
    target: &Target,
    account: &AccountDir,
    client: &ReadClient,
) -> Result<(), Failure> {
    if target.account == target.key_fingerprint {
        return Ok(());
    }
    let Some(meta) = account.read()? else {
        return Ok(());
    };
    let is_same_key = meta
        .key
        .as_ref()
        .is_none_or(|known| *known == target.key_fingerprint);
    let is_same_account = is_same_key
        // If no customer of the account was ever seen, none can be harmed.
        || identify(client, &meta).await?.unwrap_or(true);
    match is_same_account {
        true => Ok(()),
        false => Err(other_account(
            "this API key opens another account than the one that api.account names",
            "use the key of that account, or another name for this one",
        )),
    }
}

/// The account that a plan or run is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlanAccount<'a> {
    pub(super) id: Option<&'a AccountId>,
    /// Fingerprint of the key that it was made with, if the plan has one.
    pub(super) key: Option<&'a str>,
}

/// Checks that a plan or run is for this account. If its account has another id, `--same-account` is needed, and the
/// key has to read a known customer of the plan's account.
pub(super) async fn check_plan_account(
    target: &Target,
    plan: PlanAccount<'_>,
    same_account: bool,
    state: &StateDir,
    client: &ReadClient,
) -> Result<(), Failure> {
    if plan.id == Some(&target.account) {
        return check_plan_key(target, plan.key, state);
    }
    let Some(id) = plan.id else {
        return match same_account {
            true => Ok(()),
            false => Err(other_account(
                "the plan was made against a file, so it is not known which account it is for",
                "make it again against the API, or vouch for the account with --same-account",
            )),
        };
    };
    if !same_account {
        return Err(other_account(
            "this plan or run is for another account, or was made with another API key",
            "if the account is the same and only the key is new, say so with --same-account",
        ));
    }
    let is_same = match state.account(id).read()? {
        Some(meta) => identify(client, &meta).await?,
        None => None,
    };
    match is_same {
        None => Err(other_account(
            "no customer of its account is known here, so --same-account cannot be checked",
            "make the plan again with the key that you have now",
        )),
        Some(true) => Ok(()),
        Some(false) => Err(Failure::new(
            Exit::Usage,
            "other_account",
            "a known customer of its account does not exist with this key: it is another account",
        )),
    }
}

/// Checks a plan for an account of this id that was made with another key. Two machines may have given two accounts
/// the same name, so a customer has to be known here by which the key was or can be checked.
fn check_plan_key(target: &Target, key: Option<&str>, state: &StateDir) -> Result<(), Failure> {
    if key.is_none_or(|key| key == target.key_fingerprint.as_str()) {
        return Ok(());
    }
    let meta = state.account(&target.account).read()?;
    match has_known_customer(meta.as_ref()) {
        true => Ok(()),
        false => Err(other_account(
            "the plan was made with another API key, and no customer of its account is known here to check that \
             this key opens the same one",
            "make the plan again with this key",
        )),
    }
}

fn other_account(message: &str, hint: &str) -> Failure {
    Failure::new(Exit::Usage, "other_account", message).hint(hint)
}

fn has_known_customer(meta: Option<&AccountMeta>) -> bool {
    meta.is_some_and(|meta| meta.known_customer.is_some())
}

/// Whether the client's key opens this account; `None` if nothing is known that could show it. A customer that can be read
/// shows that it does. Otherwise what HelpCrunch calls the account decides, since a customer can be deleted.
async fn identify(client: &ReadClient, meta: &AccountMeta) -> Result<Option<bool>, Failure> {
    if let Some(known) = &meta.known_customer
        && can_read(client, known).await?
    {
        return Ok(Some(true));
    }
    if let Some(known) = &meta.organization
        && let Some(found) = client.organization().await
        && let Some(is_same) = known.is_same(&found)
    {
        return Ok(Some(is_same));
    }
    Ok(meta.known_customer.is_some().then_some(false))
}

/// Remembers what HelpCrunch calls the account.
pub(super) fn remember_organization(
    account: &AccountDir,
    settings: &Settings,
    organization: Organization,
) -> Result<(), Failure> {
    let meta = account.read()?;
    let mut meta = meta.unwrap_or_else(|| AccountMeta::new(settings.api.account.clone()));
    meta.organization = Some(organization);
    Ok(account.write(&meta)?)
}

/// Whether the client's account has this customer.
pub(super) async fn can_read(client: &ReadClient, known: &KnownCustomer) -> Result<bool, Failure> {
    match client.get(known.id).await.result {
        Ok(customer) => Ok(known.is(&customer)),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error).or_not_finished("remote"),
    }
}

/// Remembers a customer of an account that a plan is the first to see, so that `apply` and `--same-account` can check
/// a key. Changes nothing about a known account, since `plan` holds no lock.
pub(super) fn remember_witness(
    account: &AccountDir,
    target: &Target,
    settings: &Settings,
    witness: Option<&RemoteCustomer>,
) -> Result<(), Failure> {
    if has_known_customer(account.read()?.as_ref()) {
        return Ok(());
    }
    let name = settings.api.account.as_deref();
    update_account_meta(account, target, name, witness, false)
}

/// Updates the account's key, known customer and number of finished runs at the end of a run.
pub(super) fn update_account_meta(
    account: &AccountDir,
    target: &Target,
    name: Option<&str>,
    witness: Option<&RemoteCustomer>,
    is_run_finished: bool,
) -> Result<(), Failure> {
    let before = account.read()?;
    let before = before.unwrap_or_else(|| AccountMeta::new(name.map(Into::into)));
    let mut meta = before.clone();
    meta.key = Some(target.key_fingerprint.clone());
    if let Some(witness) = witness {
        let is_known = meta
            .known_customer
            .as_ref()
            .is_some_and(|known| known.id == witness.id && known.is(witness));
        if !is_known {
            let new = KnownCustomer::remember(witness, &random_text());
            meta.known_customer = new.or(meta.known_customer);
        }
    }
    meta.finished_runs += u64::from(is_run_finished);
    if meta != before {
        account.write(&meta)?;
    }
    Ok(())
}

/// Enough random letters and digits never to be drawn twice.
pub(super) fn random_text() -> String {
    std::iter::repeat_with(fastrand::alphanumeric)
        .take(16)
        .collect()
}
