//! Whether a key opens the account that a plan, a run or a name stands for; what an account remembers.

use crate::config::Settings;
use crate::domain::RemoteCustomer;
use crate::helpcrunch::ReadClient;
use crate::journal::{AccountDir, AccountId, AccountMeta, KnownCustomer, LockError, StateDir};

use super::connection::Target;
use super::exit::{Cause, Exit, Failure};
use super::session::state_failure;

/// A key under a name that knew another key opens the same account where a customer that is known to be in it
/// can be read with it. Without that the key is refused.
pub(super) async fn admit_key(
    target: &Target,
    account: &AccountDir,
    client: &ReadClient,
) -> Result<(), Failure> {
    if target.account == target.key_fingerprint {
        return Ok(());
    }
    let Some(meta) = account.read().map_err(|e| state_failure(&e))? else {
        return Ok(());
    };
    let same_key = meta
        .key
        .as_ref()
        .is_none_or(|known| *known == target.key_fingerprint);
    if same_key || is_same(client, &meta).await? {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Usage,
        "other_account",
        "this API key opens another account than the one that api.account names",
    )
    .hint("use the key of that account, or another name for this one"))
}

/// Whom a plan or run is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlannedFor<'a> {
    pub(super) account: Option<&'a AccountId>,
    /// Fingerprint of the key that it was made with, where it says.
    pub(super) key: Option<&'a str>,
}

/// Two accounts may have been given one name, on two machines: a plan that another key made needs a customer by
/// which this key was, or can be, told to open the same account.
fn admit_name(target: &Target, key: Option<&str>, state: &StateDir) -> Result<(), Failure> {
    if key.is_none_or(|key| key == target.key_fingerprint.as_str()) {
        return Ok(());
    }
    let account = state.account(&target.account);
    let meta = account.read().map_err(|e| state_failure(&e))?;
    if meta.is_some_and(|meta| meta.known_customer.is_some()) {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Usage,
        "other_account",
        "the plan was made with another API key, and no customer of its account is known here by which to tell \
         that this key opens the same one",
    )
    .hint("make the plan again with this key"))
}

/// A plan or run of one account never runs on another. Under another fingerprint `--same-account` is needed, and a
/// customer of the plan's account has to be found with the new key.
pub(super) async fn admit_plan(
    target: &Target,
    of: PlannedFor<'_>,
    same_account: bool,
    state: &StateDir,
    client: &ReadClient,
) -> Result<(), Failure> {
    if of.account == Some(&target.account) {
        return admit_name(target, of.key, state);
    }
    let of = of.account;
    let refuse = |message: &str| Failure::new(Exit::Usage, "other_account", message.to_owned());
    let Some(of) = of else {
        let refused =
            refuse("the plan was made against a file, so it is not known for which account it is");
        let hint = "make it again against the API, or vouch for the account with --same-account";
        return if same_account {
            Ok(())
        } else {
            Err(refused.hint(hint))
        };
    };
    if !same_account {
        let refused =
            refuse("this plan or run is for another account, or was made with another API key");
        return Err(refused.hint(
            "if the account is the same and only the key is new, say so with --same-account",
        ));
    }
    let meta = state.account(of).read().map_err(|e| state_failure(&e))?;
    let known = meta.filter(|meta| meta.known_customer.is_some());
    let Some(meta) = known else {
        return Err(refuse(
            "no customer of its account is known here, so --same-account cannot be checked",
        )
        .hint("make the plan again with the key that you have now"));
    };
    match is_same(client, &meta).await? {
        true => Ok(()),
        false => Err(refuse(
            "a customer of its account is not there with this key: it is another account",
        )),
    }
}

async fn is_same(client: &ReadClient, meta: &AccountMeta) -> Result<bool, Failure> {
    let Some(known) = &meta.known_customer else {
        // Nothing was ever seen of the account, so nothing of it can be harmed.
        return Ok(true);
    };
    match client.get(known.id).await.result {
        Ok(customer) => Ok(known.is(&customer)),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(Failure::from_error(Exit::NotFinished, "remote", &error)),
    }
}

/// Remembers by whom an account is known again when a plan is the first to see it: its `apply` and `--same-account`
/// hold the key against that customer. An account that is known already is left alone, since a plan has no lock.
pub(super) fn remember_witness(
    account: &AccountDir,
    target: &Target,
    settings: &Settings,
    witness: Option<&RemoteCustomer>,
) -> Result<(), Failure> {
    let meta = account.read().map_err(|e| state_failure(&e))?;
    if meta.is_some_and(|meta| meta.known_customer.is_some()) {
        return Ok(());
    }
    remember_account(
        account,
        target,
        settings.api.account.as_deref(),
        witness,
        false,
    )
}

/// Brings up to date what is remembered of the account, at the end of a run.
pub(super) fn remember_account(
    account: &AccountDir,
    target: &Target,
    name: Option<&str>,
    witness: Option<&RemoteCustomer>,
    finished: bool,
) -> Result<(), Failure> {
    let meta = account.read().map_err(|e| state_failure(&e))?;
    let mut meta = meta.unwrap_or_else(|| AccountMeta::new(name.map(Into::into)));
    let before = meta.clone();
    meta.key = Some(target.key_fingerprint.clone());
    if let Some(witness) = witness {
        let salt = random_text();
        let known = meta
            .known_customer
            .as_ref()
            .is_some_and(|k| k.id == witness.id && k.is(witness));
        if !known {
            meta.known_customer = KnownCustomer::remember(witness, &salt).or(meta.known_customer);
        }
    }
    meta.finished_runs += u64::from(finished);
    if meta == before {
        return Ok(());
    }
    account.write(&meta).map_err(|e| state_failure(&e))
}

/// Enough random letters and digits never to be drawn twice.
pub(super) fn random_text() -> String {
    std::iter::repeat_with(fastrand::alphanumeric)
        .take(16)
        .collect()
}

pub(super) fn lock_failure(error: &LockError) -> Failure {
    match error {
        LockError::Held { .. } | LockError::Shared { .. } => {
            Failure::from_error(Exit::Locked, "locked", error)
        }
        LockError::State(error) => state_failure(error),
    }
}

/// The account's list of plans that were sent.
const SENT_PLANS: &str = "sent-plans.jsonl";

/// The run that sent a plan already, if one did.
pub(super) fn sent_by(account: &AccountDir, digest: &str) -> Result<Option<String>, Failure> {
    let text = crate::platform::read_file(&account.file(SENT_PLANS))
        .map_err(|e| Failure::from_error(Exit::NotFinished, "state", &e))?
        .unwrap_or_default();
    let lines = text.split(|b| *b == b'\n');
    let plans = lines.filter_map(|line| serde_json::from_slice::<SentPlan>(line).ok());
    Ok(plans
        .filter(|plan| plan.digest == digest)
        .map(|plan| plan.run_id)
        .next_back())
}

/// Takes note that a plan is being sent.
pub(super) fn note_sent(
    account: &AccountDir,
    digest: &str,
    run_id: &str,
    at: String,
) -> Result<(), Failure> {
    let failed = |e: &Cause| Failure::from_error(Exit::NotFinished, "state", e);
    let path = account.file(SENT_PLANS);
    let text = crate::platform::read_file(&path)
        .map_err(|e| failed(&e))?
        .unwrap_or_default();
    let kept: Vec<&[u8]> = text
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
        .collect();
    let mut next: Vec<u8> = Vec::new();
    for line in kept.iter().skip(kept.len().saturating_sub(MOST_SENT_PLANS)) {
        next.extend_from_slice(line);
        next.push(b'\n');
    }
    let plan = SentPlan {
        digest: digest.to_owned(),
        run_id: run_id.to_owned(),
        at,
    };
    next.extend(serde_json::to_vec(&plan).map_err(|e| failed(&e))?);
    next.push(b'\n');
    crate::platform::write_whole(&path, &next).map_err(|e| failed(&e))
}

/// So many are remembered: a nightly run for years.
const MOST_SENT_PLANS: usize = 2_000;

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct SentPlan {
    digest: String,
    run_id: String,
    at: String,
}
